//! Commands under one signature: each is judged, done or refused, and remembered by itself.
//!
//! Checks in order: key, party, the id's window, the id's memory, room for the id, the key's
//! role, then the action's own. Refusals up to the room for the id are not remembered.

use super::Commands;
use crate::breakage::Breakage;
use crate::command::{Action, Command, Desk, Stop, refuse};
use crate::event::{Accepted, CommandOutcome, Outcome};
use crate::ids::Remembered;
use crate::names::PartyIndex;
use crate::refusal::{Reason, Refusal};
use crate::state::{KeyGrant, State};

pub(super) fn apply(state: &mut State, commands: &Commands, outcome: &mut Outcome) -> Result<(), Breakage> {
    let signer = signer(state, commands);
    for command in &commands.commands {
        let done = match &signer {
            Ok(grant) => apply_one(state, *grant, command, outcome)?,
            Err(refusal) => fresh(command, Err(refusal.clone())),
        };
        outcome.commands.push(done);
    }
    Ok(())
}

/// The grant under which the commands act, as it was before the first of them.
fn signer(state: &State, commands: &Commands) -> Result<KeyGrant, Refusal> {
    let unknown_party = || Refusal::new(Reason::UnknownParty, "party", format!("no party is named {}", commands.party));
    let party = state.party(&commands.party).ok_or_else(unknown_party)?;
    let grant = state.keys.get(&commands.key).copied().filter(|grant| grant.is_active);
    let unknown = || Refusal::new(Reason::UnknownKey, "key", format!("key {} is not active", commands.key));
    let grant = grant.ok_or_else(unknown)?;
    if grant.party != party {
        let message = format!("key {} does not act for {}", commands.key, commands.party);
        return refuse(Reason::NotAuthorized, "key", message);
    }
    Ok(grant)
}

fn apply_one(
    state: &mut State,
    grant: KeyGrant,
    command: &Command,
    outcome: &mut Outcome,
) -> Result<CommandOutcome, Breakage> {
    if let Err(refusal) = check_window(state, command) {
        return Ok(fresh(command, Err(refusal)));
    }
    if let Some(known) = state.ids.get(grant.party, command.id) {
        return Ok(repeated(command, known));
    }
    if u32::try_from(state.ids.len()).is_ok_and(|count| count >= state.config.ids_max) {
        let message = format!("expected at most {} remembered ids", state.config.ids_max);
        return Ok(fresh(command, refuse(Reason::Exhausted, "id", message)));
    }
    let result = match decide(state, grant, command, outcome) {
        Ok(accepted) => Ok(accepted),
        Err(Stop::Refused(refusal)) => Err(refusal),
        Err(Stop::Broken(breakage)) => return Err(breakage),
    };
    remember(state, grant.party, command, &result);
    Ok(fresh(command, result))
}

fn decide(state: &mut State, grant: KeyGrant, command: &Command, outcome: &mut Outcome) -> Result<Accepted, Stop> {
    if !command.action.is_allowed(grant.role) {
        let message = format!("a key in the role {:?} may not ask for this", grant.role);
        return refuse(Reason::NotAuthorized, "key", message).map_err(Stop::from);
    }
    let mut desk = Desk { state, party: grant.party, id: command.id, events: &mut outcome.events };
    command.action.apply(&mut desk)
}

fn check_window(state: &State, command: &Command) -> Result<(), Refusal> {
    let Some(made) = command.id.millis() else {
        return refuse(Reason::IdOutsideWindow, "id", format!("expected a UUIDv7, found {}", command.id));
    };
    let oldest = state.clock.before(state.config.id_window).0 / 1_000_000;
    let newest = state.clock.after(state.config.id_ahead).0 / 1_000_000;
    if made < oldest || made > newest {
        let message = format!("expected an id made between {oldest} and {newest} ms, found {made} ms");
        return refuse(Reason::IdOutsideWindow, "id", message);
    }
    Ok(())
}

fn repeated(command: &Command, known: &Remembered) -> CommandOutcome {
    if known.digest == command.digest {
        return CommandOutcome { id: command.id, is_repeated: true, result: known.result.clone() };
    }
    let message = format!("id {} was used before with other bytes", command.id);
    fresh(command, refuse(Reason::IdReused, "id", message))
}

fn fresh(command: &Command, result: Result<Accepted, Refusal>) -> CommandOutcome {
    CommandOutcome { id: command.id, is_repeated: false, result }
}

fn remember(state: &mut State, party: PartyIndex, command: &Command, result: &Result<Accepted, Refusal>) {
    let is_intent = matches!(command.action, Action::Submit(_));
    let remembered = Remembered { digest: command.digest, result: result.clone(), is_intent };
    state.ids.insert(party, command.id, remembered);
}
