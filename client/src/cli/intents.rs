//! `submit`, `watch`, `cancel` and `intents`: a party's intents.

use std::path::PathBuf;

use clearlane_client::ids::{id_text, parse_id};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::intent_update::Change;
use serde_json::{Value, json};

use super::common::{Common, Way, refusal_json, refusal_text};
use super::failure::{Failure, read_file};
use super::{intent_file, report};

/// Submits the intents of a JSON file and prints what became of each.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Example:
  clearlane submit invoice.json --party alice --key alice.key

{}", intent_file::SCHEMA))]
pub(crate) struct Submit {
    /// The intents; `-` reads standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Prints changes of a party's intents as they happen, until Ctrl-C; with an ID until that intent ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane watch --party alice
  clearlane watch 01890a5d-ac96-774b-bcce-b302099a8057 --party alice --json

With --json each change is a line of its own.")]
pub(crate) struct Watch {
    /// The intent; without it all of the party's are watched.
    #[arg(value_parser = id)]
    id: Option<[u8; 16]>,
}

/// Withdraws what is left of an intent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  clearlane cancel 01890a5d-ac96-774b-bcce-b302099a8057 --party alice --key alice.key")]
pub(crate) struct Cancel {
    /// The intents.
    #[arg(required = true, value_parser = id)]
    ids: Vec<[u8; 16]>,
}

/// Lists a party's intents and where they stand.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  clearlane intents --party alice --most 20")]
pub(crate) struct Intents {
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    most: u32,
    /// Only those after this one.
    #[arg(long, value_name = "ID", value_parser = id)]
    after: Option<[u8; 16]>,
}

fn id(text: &str) -> Result<[u8; 16], String> {
    parse_id(text).ok_or_else(|| format!("expected a UUID of 32 hex digits, found {text:?}"))
}

impl Submit {
    /// Reads, signs, submits and prints.
    pub(crate) async fn run(&self, common: &Common) -> Result<(), Failure> {
        let party = common.party()?;
        let client = common.connect().await?;
        let time_ns = client.status().await?.time_ns;
        let mut actions = Vec::new();
        for path in &self.files {
            let bytes = read_file(path)?;
            let failed = |message: String| Failure::Failed(format!("{}: {message}", path.display()));
            let text = String::from_utf8(bytes).map_err(|_| failed("expected UTF-8, found other bytes".to_owned()))?;
            actions.extend(intent_file::read(&text, time_ns).map_err(failed)?.into_iter().map(Action::Intent));
        }
        if actions.is_empty() {
            return Err(Failure::Failed("expected at least one intent, found none".to_owned()));
        }
        common.send(&client, party, actions, time_ns, Way::Submit).await
    }
}

impl Cancel {
    /// Signs, sends and prints.
    pub(crate) async fn run(&self, common: &Common) -> Result<(), Failure> {
        let party = common.party()?;
        let client = common.connect().await?;
        let time_ns = client.status().await?.time_ns;
        let actions = self.ids.iter().map(|id| Action::Cancel(wire::Cancel { intent: id.to_vec() })).collect();
        common.send(&client, party, actions, time_ns, Way::Cancel).await
    }
}

impl Watch {
    /// Prints until the intent ends, the engine stops, or Ctrl-C.
    pub(crate) async fn run(&self, common: &Common) -> Result<(), Failure> {
        let mut updates = common.connect().await?.watch(common.party()?, self.id).await?;
        loop {
            let next = tokio::select! {
                next = updates.message() => next,
                _ = tokio::signal::ctrl_c() => return Ok(()),
            };
            let Some(update) = next.map_err(clearlane_client::ClientError::from)? else { return Ok(()) };
            report::print(common.json, &update_text(&update), &update_json(&update));
            if self.id.is_some() && matches!(update.change, Some(Change::Ended(_))) {
                return Ok(());
            }
        }
    }
}

impl Intents {
    /// Asks and prints.
    pub(crate) async fn run(&self, common: &Common) -> Result<(), Failure> {
        let intents = common.connect().await?.list(common.party()?, self.after, self.most).await?;
        let row =
            |one: &wire::IntentStatus| vec![id_text(&one.id), one.state.clone(), one.sold.clone(), one.bought.clone()];
        let rows: Vec<_> = intents.iter().map(row).collect();
        let values: Vec<Value> = intents.iter().map(status_json).collect();
        let human = report::table(&["id", "state", "sold (atoms)", "bought (atoms)"], &rows);
        report::print(common.json, &human, &json!({ "intents": values }));
        Ok(())
    }
}

fn status_json(one: &wire::IntentStatus) -> Value {
    let updates: Vec<Value> = one.updates.iter().map(update_json).collect();
    json!({ "id": id_text(&one.id), "state": one.state, "sold": one.sold, "bought": one.bought, "updates": updates })
}

fn update_text(update: &wire::IntentUpdate) -> String {
    let change = match &update.change {
        Some(Change::Accepted(_)) => "accepted".to_owned(),
        Some(Change::Offered(auction)) => format!("offered in auction {auction}"),
        Some(Change::Waiting(refusal)) => format!("waiting: {}", refusal_text(refusal)),
        Some(Change::Filled(fill)) => format!(
            "filled in auction {}: {} atoms given, {} got (option {})",
            fill.auction, fill.sold, fill.bought, fill.option
        ),
        Some(Change::Ended(how)) => how.clone(),
        None => "changed in a way this version does not know".to_owned(),
    };
    format!("{}  {}  {change}", update.time_ns, id_text(&update.id))
}

fn update_json(update: &wire::IntentUpdate) -> Value {
    let (change, value) = match &update.change {
        Some(Change::Accepted(_)) => ("accepted", json!(true)),
        Some(Change::Offered(auction)) => ("offered", json!(auction)),
        Some(Change::Waiting(refusal)) => ("waiting", refusal_json(refusal)),
        Some(Change::Filled(fill)) => (
            "filled",
            json!({ "auction": fill.auction, "option": fill.option, "sold": fill.sold, "bought": fill.bought,
                "surplus": fill.surplus }),
        ),
        Some(Change::Ended(how)) => ("ended", json!(how)),
        None => ("unknown", Value::Null),
    };
    json!({ "id": id_text(&update.id), "time_ns": update.time_ns, "change": change, "value": value })
}
