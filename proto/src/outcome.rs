//! Outcomes of commands and refusals, both ways.

use clearlane_core::event::{Accepted, CommandOutcome};
use clearlane_core::names::CommandId;
use clearlane_core::refusal::{Reason, Refusal};

use crate::field::{fixed, refuse, required, unknown_value};
use crate::wire;
use crate::wire::command_outcome::Result as WireResult;

/// Writes the outcome of a command.
#[must_use]
pub fn to_wire(outcome: &CommandOutcome) -> wire::CommandOutcome {
    let result = match &outcome.result {
        Ok(accepted) => WireResult::Accepted(accepted_to_wire(*accepted)),
        Err(refusal) => WireResult::Refusal(refusal_to_wire(refusal)),
    };
    wire::CommandOutcome { id: outcome.id.0.to_vec(), repeated: outcome.is_repeated, result: Some(result) }
}

/// Reads the outcome of a command.
///
/// # Errors
///
/// `MISSING` without id or result, `OUT_OF_RANGE` for an unknown way of acceptance.
pub fn to_core(outcome: &wire::CommandOutcome) -> Result<CommandOutcome, Refusal> {
    let result = match required(outcome.result.as_ref(), "result")? {
        WireResult::Accepted(accepted) => Ok(accepted_to_core(*accepted)?),
        WireResult::Refusal(refusal) => Err(refusal_to_core(refusal)),
    };
    Ok(CommandOutcome { id: CommandId(fixed(&outcome.id, "id")?), is_repeated: outcome.repeated, result })
}

/// Writes a refusal.
#[must_use]
pub fn refusal_to_wire(refusal: &Refusal) -> wire::Refusal {
    wire::Refusal {
        code: refusal.reason.code().to_owned(),
        message: refusal.message.clone(),
        field: refusal.field.clone(),
    }
}

/// Reads a refusal; a code that this version does not know becomes `MALFORMED` with the code in the message.
#[must_use]
pub fn refusal_to_core(refusal: &wire::Refusal) -> Refusal {
    match Reason::from_code(&refusal.code) {
        Some(reason) => Refusal::new(reason, refusal.field.clone(), refusal.message.clone()),
        None => {
            let message = format!("{}: {}", refusal.code, refusal.message);
            Refusal::new(Reason::Malformed, refusal.field.clone(), message)
        }
    }
}

fn accepted_to_wire(accepted: Accepted) -> i32 {
    let accepted = match accepted {
        Accepted::Done => wire::Accepted::Done,
        Accepted::Booked => wire::Accepted::Booked,
        Accepted::Queued => wire::Accepted::Queued,
    };
    accepted.into()
}

fn accepted_to_core(accepted: i32) -> Result<Accepted, Refusal> {
    match wire::Accepted::try_from(accepted) {
        Ok(wire::Accepted::Unspecified) => refuse(Reason::Missing, "accepted", "expected a value, found none"),
        Ok(wire::Accepted::Done) => Ok(Accepted::Done),
        Ok(wire::Accepted::Booked) => Ok(Accepted::Booked),
        Ok(wire::Accepted::Queued) => Ok(Accepted::Queued),
        Err(_) => unknown_value(accepted, "accepted"),
    }
}
