//! What every command that talks to an engine needs: where it is, which key signs, for which party.

use std::path::PathBuf;

use clearlane_client::envelope::envelope;
use clearlane_client::ids::{id_text, new_id};
use clearlane_client::{Client, KeyPair, envelope as envelopes};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use serde_json::{Value, json};

use super::failure::Failure;
use super::report;

/// Nanoseconds in a millisecond.
pub(crate) const NANOS_PER_MILLI: u64 = 1_000_000;

/// Where the engine is and who asks.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Common {
    /// The engine's address.
    #[arg(long, global = true, env = "CLEARLANE_ENGINE", value_name = "ADDR", default_value = "127.0.0.1:7700")]
    pub engine: String,
    /// The file of the key that signs, as `clearlane keys new` writes it.
    #[arg(long, global = true, env = "CLEARLANE_KEY", value_name = "FILE", default_value = "clearlane.key")]
    pub key: PathBuf,
    /// The party for whom the key acts.
    #[arg(long, global = true, env = "CLEARLANE_PARTY", value_name = "NAME")]
    pub party: Option<String>,
    /// Prints one JSON object as the last line of stdout.
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
}

/// Which service decides an envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Intents.
    Submit,
    /// Cancels.
    Cancel,
    /// Definitions.
    Apply,
    /// Money in.
    Deposit,
    /// Money out.
    Withdraw,
}

impl Common {
    /// The party that was named.
    pub(crate) fn party(&self) -> Result<&str, Failure> {
        let missing = || Failure::Usage("expected --party NAME or CLEARLANE_PARTY, found neither".to_owned());
        self.party.as_deref().ok_or_else(missing)
    }

    /// A connection to the engine.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.engine).await?)
    }

    /// Signs actions under fresh ids of the engine's time, sends them, and prints each outcome.
    pub(crate) async fn send(
        &self,
        client: &Client,
        party: &str,
        actions: Vec<Action>,
        time_ns: u64,
        way: Way,
    ) -> Result<(), Failure> {
        let key = KeyPair::read(&self.key)?;
        let mut commands = Vec::with_capacity(actions.len());
        for action in actions {
            commands.push(envelopes::command(new_id(time_ns / NANOS_PER_MILLI)?, action));
        }
        let signed = envelope(&key, party, &commands);
        let outcomes = match way {
            Way::Submit => client.submit(signed).await,
            Way::Cancel => client.cancel(signed).await,
            Way::Apply => client.apply(signed).await,
            Way::Deposit => client.deposit(signed).await,
            Way::Withdraw => client.withdraw(signed).await,
        }?;
        self.print_outcomes(&outcomes)
    }

    fn print_outcomes(&self, outcomes: &[wire::CommandOutcome]) -> Result<(), Failure> {
        let human: Vec<String> = outcomes.iter().map(outcome_text).collect();
        let refused = outcomes.iter().filter(|outcome| !is_accepted(outcome)).count();
        let values: Vec<Value> = outcomes.iter().map(outcome_json).collect();
        let accepted = outcomes.len().saturating_sub(refused);
        let json = json!({ "accepted": accepted, "refused": refused, "outcomes": values });
        report::print(self.json, &human.join("\n"), &json);
        if refused == 0 { Ok(()) } else { Err(Failure::Reported) }
    }
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
