//! `submit`, `watch`, `cancel` and `intents`: a party's intents.

use std::path::PathBuf;

use clearlane_client::ClientError;
use clearlane_client::delivery::Way;
use clearlane_client::envelope::command;
use clearlane_client::ids::{id_text, parse_id};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::intent_update::Change;
use serde_json::{Value, json};

use super::caller::Caller;
use super::failure::{Failure, read_file};
use super::outcome::{refusal_json, refusal_text};
use super::report::short_score;
use super::sending::{fresh_command, send};
use super::{intent_file, report};

/// Submits the intents of a JSON file and prints what became of each.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Examples:
  clearlane submit invoice.json --party alice --key alice.key
  clearlane watch $(clearlane submit invoice.json --party alice --key alice.key | cut -d' ' -f1) --party alice

The ids go to stderr before anything is sent. While no answer comes the same bytes are sent again, a few
times; after that, ask with `clearlane watch ID`, or submit the file again with \"id\" in it: what was done
under an id is never done twice.

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

With --json each change is a line of its own. Exits 0 when the intent ended, however, or on Ctrl-C, and 1 if
the watch was cut off before; watching the intent again tells all of its changes.")]
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

/// Lists a party's intents and where they stand, oldest first.
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
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let party = caller.party()?;
        let client = caller.connect().await?;
        let time_ns = client.status().await?.time_ns;
        let mut commands = Vec::new();
        for path in &self.files {
            let bytes = read_file(path)?;
            let failed = |message: String| Failure::Failed(format!("{}: {message}", path.display()));
            let text = String::from_utf8(bytes).map_err(|_| failed("expected UTF-8, found other bytes".to_owned()))?;
            let intents = intent_file::read(&text, time_ns).map_err(failed)?;
            commands.extend(intents.into_iter().map(|(id, intent)| command(id, Action::Intent(intent))));
        }
        if commands.is_empty() {
            return Err(Failure::Failed("expected at least one intent, found none".to_owned()));
        }
        send(caller, &client, party, &commands, Way::Submit).await
    }
}

impl Cancel {
    /// Signs, sends and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let party = caller.party()?;
        let client = caller.connect().await?;
        let time_ns = client.status().await?.time_ns;
        let cancel = |id: &[u8; 16]| Action::Cancel(wire::Cancel { intent: id.to_vec() });
        let commands = self.ids.iter().map(|id| fresh_command(cancel(id), time_ns));
        let commands = commands.collect::<Result<Vec<_>, _>>()?;
        send(caller, &client, party, &commands, Way::Cancel).await
    }
}

impl Watch {
    /// Prints until the intent ends or Ctrl-C; a watch that is cut off before is a failure.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let mut updates = caller.connect().await?.watch(caller.party()?, self.id).await?;
        loop {
            let next = tokio::select! {
                next = updates.message() => next,
                _ = tokio::signal::ctrl_c() => return Ok(()),
            };
            let update = next.map_err(|status| self.cut_off(&ClientError::from(status).to_string()))?;
            let update = update.ok_or_else(|| self.cut_off("the engine ended the stream"))?;
            report::print(caller.json, &update_text(&update), &update_json(&update))?;
            if self.id.is_some() && matches!(update.change, Some(Change::Ended(_))) {
                return Ok(());
            }
        }
    }

    fn cut_off(&self, why: &str) -> Failure {
        Failure::Failed(match &self.id {
            Some(id) => {
                let id = id_text(id);
                format!("the watch was cut off before intent {id} ended; watch it again for what follows ({why})")
            }
            None => format!("the watch was cut off; `clearlane intents` says where each intent stands ({why})"),
        })
    }
}

impl Intents {
    /// Asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let intents = caller.connect().await?.list(caller.party()?, self.after, self.most).await?;
        let row = |one: &wire::IntentStatus| {
            vec![
                id_text(&one.id),
                one.state.clone(),
                one.sold.clone(),
                one.bought.clone(),
                sum_of(one, |fill| &fill.over_limit),
                sum_of(one, |fill| &fill.over_floor),
                one.floor.as_ref().map_or_else(String::new, open_floor_text),
                why_it_waits(one).to_owned(),
            ]
        };
        let rows: Vec<_> = intents.iter().map(row).collect();
        let values: Vec<Value> = intents.iter().map(status_json).collect();
        let header = ["id", "state", "sold (atoms)", "bought (atoms)", "over limit", "over floor", "floor now"];
        let header: Vec<&str> = header.into_iter().chain(["why it waits"]).collect();
        let mut human = report::table(&header, &rows);
        if let Some(last) = intents.last().filter(|_| u32::try_from(intents.len()) == Ok(self.most)) {
            human.push_str(&format!("there may be more: --after {}", id_text(&last.id)));
        }
        report::print(caller.json, &human, &json!({ "intents": values }))
    }
}

/// Why an open intent was not offered when an auction last could have; empty if it was.
fn why_it_waits(one: &wire::IntentStatus) -> &str {
    match one.updates.last().and_then(|update| update.change.as_ref()) {
        Some(Change::Waiting(refusal)) => &refusal.message,
        Some(Change::Accepted(_) | Change::Offered(_) | Change::Filled(_) | Change::Ended(_) | Change::Floor(_))
        | None => "",
    }
}

/// What all fills of an intent beat something by, in atoms; empty if none can be told.
fn sum_of(one: &wire::IntentStatus, figure: impl Fn(&wire::FillUpdate) -> &str) -> String {
    let figures = one.updates.iter().filter_map(|update| match &update.change {
        Some(Change::Filled(fill)) => figure(fill).parse::<i128>().ok(),
        Some(Change::Accepted(_) | Change::Offered(_) | Change::Waiting(_) | Change::Ended(_) | Change::Floor(_))
        | None => None,
    });
    let sum = figures.fold(None, |sum: Option<i128>, figure| Some(sum.unwrap_or(0).saturating_add(figure)));
    sum.map_or_else(String::new, |sum| sum.to_string())
}

fn open_floor_text(floor: &wire::OpenFloor) -> String {
    let auction = floor.auction;
    match &floor.terms {
        Some(terms) => format!("{} for {} in auction {auction}", terms.bought, terms.sold),
        None => format!("none in auction {auction}"),
    }
}

fn open_floor_json(floor: &wire::OpenFloor) -> Value {
    json!({ "auction": floor.auction, "terms": terms_json(floor.terms.as_ref()) })
}

fn terms_json(terms: Option<&wire::FloorTerms>) -> Value {
    terms.map_or(Value::Null, |terms| json!({ "option": terms.option, "sold": terms.sold, "bought": terms.bought }))
}

fn status_json(one: &wire::IntentStatus) -> Value {
    let updates: Vec<Value> = one.updates.iter().map(update_json).collect();
    let floor = one.floor.as_ref().map(open_floor_json);
    json!({ "id": id_text(&one.id), "state": one.state, "sold": one.sold, "bought": one.bought, "floor": floor,
        "updates": updates })
}

/// What a fill beats, and how far its auction was from the most that anyone could have scored.
fn standing_text(fill: &wire::FillUpdate) -> String {
    if fill.over_limit.is_empty() {
        // A plain transfer has neither.
        return String::new();
    }
    let floor = match (&fill.floor, fill.over_floor.as_str()) {
        (Some(floor), "") => format!(", floor {} for {} (option {})", floor.bought, floor.sold, floor.option),
        (Some(floor), over) => format!(", {over} over its floor of {} for {}", floor.bought, floor.sold),
        (None, _) => ", no floor".to_owned(),
    };
    let score = |text: &str| text.parse().map_or_else(|_| text.to_owned(), short_score);
    let (captured, bound) = (score(&fill.captured), score(&fill.bound));
    let missed = match fill.missed_bps.as_str() {
        "" => String::new(),
        points => format!(", missed at most {points} bp"),
    };
    format!("; {} over its limit{floor}; the auction captured {captured} of at most {bound}{missed}", fill.over_limit)
}

fn update_text(update: &wire::IntentUpdate) -> String {
    let change = match &update.change {
        Some(Change::Accepted(_)) => "accepted".to_owned(),
        Some(Change::Offered(auction)) => format!("offered in auction {auction}"),
        Some(Change::Waiting(refusal)) => format!("waiting: {}", refusal_text(refusal)),
        Some(Change::Filled(fill)) => format!(
            "filled in auction {}: {} atoms given, {} got (option {}){}",
            fill.auction,
            fill.sold,
            fill.bought,
            fill.option,
            standing_text(fill)
        ),
        Some(Change::Ended(how)) => how.clone(),
        Some(Change::Floor(floor)) => format!("floor {}", open_floor_text(floor)),
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
                "surplus": fill.surplus, "floor": terms_json(fill.floor.as_ref()), "over_limit": fill.over_limit,
                "over_floor": fill.over_floor, "captured": fill.captured, "bound": fill.bound,
                "missed_bps": fill.missed_bps }),
        ),
        Some(Change::Ended(how)) => ("ended", json!(how)),
        Some(Change::Floor(floor)) => ("floor", open_floor_json(floor)),
        None => ("unknown", Value::Null),
    };
    json!({ "id": id_text(&update.id), "time_ns": update.time_ns, "change": change, "value": value })
}
