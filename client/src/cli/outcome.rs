//! What became of commands, as text and as JSON.

use clearlane_client::ids::id_text;
use clearlane_proto::wire;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use serde_json::{Value, json};

use super::failure::Failure;
use super::report;

/// Prints what became of each command; fails if one was refused.
pub(crate) fn print_outcomes(is_json: bool, outcomes: &[wire::CommandOutcome]) -> Result<(), Failure> {
    let human: Vec<String> = outcomes.iter().map(outcome_text).collect();
    let refused = outcomes.iter().filter(|outcome| !is_accepted(outcome)).count();
    let values: Vec<Value> = outcomes.iter().map(outcome_json).collect();
    let accepted = outcomes.len().saturating_sub(refused);
    let json = json!({ "accepted": accepted, "refused": refused, "outcomes": values });
    report::print(is_json, &human.join("\n"), &json)?;
    if refused == 0 { Ok(()) } else { Err(Failure::Reported) }
}

fn is_accepted(outcome: &wire::CommandOutcome) -> bool {
    matches!(outcome.result, Some(Outcome::Accepted(_)))
}

fn accepted_text(accepted: i32) -> &'static str {
    match wire::Accepted::try_from(accepted) {
        Ok(wire::Accepted::Done) => "done",
        Ok(wire::Accepted::Booked) => "booked",
        Ok(wire::Accepted::Queued) => "queued until the open auction ends",
        Ok(wire::Accepted::Unspecified) | Err(_) => "accepted",
    }
}

fn outcome_text(outcome: &wire::CommandOutcome) -> String {
    let id = id_text(&outcome.id);
    let again = if outcome.repeated { " (repeated)" } else { "" };
    match &outcome.result {
        Some(Outcome::Accepted(accepted)) => format!("{id}  {}{again}", accepted_text(*accepted)),
        Some(Outcome::Refusal(refusal)) => format!("{id}  refused{again}: {}", refusal_text(refusal)),
        None => format!("{id}  the engine gave no result"),
    }
}

fn outcome_json(outcome: &wire::CommandOutcome) -> Value {
    let mut json = json!({ "id": id_text(&outcome.id), "repeated": outcome.repeated });
    let (field, value) = match &outcome.result {
        Some(Outcome::Accepted(accepted)) => ("accepted", json!(accepted_text(*accepted))),
        Some(Outcome::Refusal(refusal)) => ("refusal", refusal_json(refusal)),
        None => ("refusal", Value::Null),
    };
    if let Some(object) = json.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
    json
}

/// A refusal as people read it.
pub(crate) fn refusal_text(refusal: &wire::Refusal) -> String {
    format!("{} ({}): {}", refusal.code, refusal.field, refusal.message)
}

/// A refusal for scripts.
pub(crate) fn refusal_json(refusal: &wire::Refusal) -> Value {
    json!({ "code": refusal.code, "field": refusal.field, "message": refusal.message })
}
