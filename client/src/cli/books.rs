//! `accounts`, `balances`, `statement` and `status`: reading the books.

use clearlane_client::ids::id_text;
use clearlane_client::keys::to_hex;
use clearlane_core::money::Score;
use clearlane_proto::wire;
use serde_json::{Value, json};

use super::bound::Reached;
use super::caller::Caller;
use super::failure::Failure;
use super::report::{self, amount_text, counted};

/// Lists a party's accounts with what they hold.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  clearlane accounts --party alice")]
pub(crate) struct Accounts {}

/// Lists what all accounts of each asset and module hold; with --party that party's accounts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane balances
  clearlane balances --party alice --json

In every row issued equals the sum of the rest.")]
pub(crate) struct Balances {}

/// Lists the last entries of one account, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  clearlane statement EUR bank-eu --party alice --most 20")]
pub(crate) struct Statement {
    /// The asset.
    asset: String,
    /// The module.
    module: String,
    /// At most this many entries.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    most: u32,
}

/// Says where the engine stands: time, records, intents, auctions, what they captured of what was possible, state root.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  clearlane status --json")]
pub(crate) struct Status {}

impl Accounts {
    /// Asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        print_accounts(caller, caller.party()?).await
    }
}

async fn print_accounts(caller: &Caller, party: &str) -> Result<(), Failure> {
    let accounts = caller.connect().await?.accounts(party).await?;
    let row = |account: &wire::Account| {
        let text = |atoms: &str| amount_text(atoms, account.scale);
        vec![account.asset.clone(), account.module.clone(), text(&account.posted), text(&account.held)]
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    let columns = ["asset", "module", "posted", "held"];
    let json = json!({ "party": party, "accounts": objects(&columns, &rows) });
    report::print(caller.json, &report::table(&columns, &rows), &json)
}

impl Balances {
    /// Asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        if let Some(party) = &caller.party {
            return print_accounts(caller, party).await;
        }
        let balances = caller.connect().await?.balances().await?;
        let row = |one: &wire::Balance| {
            let amounts = [&one.issued, &one.parties, &one.venues, &one.fees, &one.residual];
            let amounts = amounts.into_iter().map(|atoms| amount_text(atoms, one.scale));
            [one.asset.clone(), one.module.clone()].into_iter().chain(amounts).collect()
        };
        let rows: Vec<Vec<String>> = balances.iter().map(row).collect();
        let columns = ["asset", "module", "issued", "parties", "venues", "fees", "residual"];
        report::print(caller.json, &report::table(&columns, &rows), &json!({ "balances": objects(&columns, &rows) }))
    }
}

impl Statement {
    /// Asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let request = wire::StatementRequest {
            party: caller.party()?.to_owned(),
            asset: self.asset.clone(),
            module: self.module.clone(),
            most: self.most,
        };
        let reply = caller.connect().await?.statement(request).await?;
        let row = |entry: &wire::StatementEntry| {
            let sign = if entry.credit { "+" } else { "-" };
            vec![
                entry.time_ns.to_string(),
                format!("{sign}{}", amount_text(&entry.amount, reply.scale)),
                entry.other.clone(),
                entry.auction.to_string(),
                id_text(&entry.id),
            ]
        };
        let rows: Vec<_> = reply.entries.iter().map(row).collect();
        let columns = ["time_ns", "amount", "other", "auction", "id"];
        report::print(caller.json, &report::table(&columns, &rows), &json!({ "entries": objects(&columns, &rows) }))
    }
}

impl Status {
    /// Asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let client = caller.connect().await?;
        let (status, root) = (client.status().await?, client.root().await?);
        let json = status_json(&status, &root);
        report::print(caller.json, &status_text(&status, &json), &json)
    }
}

fn status_json(status: &wire::StatusReply, root: &wire::RootReply) -> Value {
    let lanes = status.lanes.map(|lanes| {
        json!({ "bundles": lanes.bundles, "colours": lanes.colours, "hottest": lanes.hottest,
            "critical_path_ns": lanes.critical_path_ns })
    });
    let last_clearing = status
        .last_clearing
        .as_ref()
        .map(|last| json!({ "auction": last.auction, "method": last.method, "reason": last.reason }));
    let reached = reached(&status.auctions);
    json!({
        "cell": status.cell, "time_ns": status.time_ns, "clock_scale": status.clock_scale,
        "sequence": status.sequence, "records": status.records, "open_intents": status.open_intents,
        "auction": status.auction, "accepted": status.accepted, "settled": status.settled,
        "expired": status.expired, "cancelled": status.cancelled, "solvers": status.solvers,
        "lanes": lanes, "last_clearing": last_clearing, "panicked_clearings": status.panicked_clearings,
        "captured": report::score_text(reached.score), "bound": report::score_text(reached.bound),
        "missed": report::score_text(reached.missed()), "missed_bps": reached.missed_basis_points(),
        "root": to_hex(&root.root), "books_root": to_hex(&root.books_root),
    })
}

/// A line a field.
fn status_text(status: &wire::StatusReply, json: &Value) -> String {
    let mut text = String::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "lanes" => status.lanes.as_ref().map_or_else(|| "no auction takes solutions".to_owned(), lanes_text),
            "last_clearing" => status.last_clearing.as_ref().map_or_else(
                || "none had bundles to run".to_owned(),
                |last| format!("auction {} by {}: {}", last.auction, last.method, last.reason),
            ),
            _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        text.push_str(&format!("{name:<18} {value}\n"));
    }
    text
}

fn lanes_text(lanes: &wire::OpenLanes) -> String {
    let (bundles, colours) = (counted(lanes.bundles.into(), "bundle"), counted(lanes.colours.into(), "colour"));
    let (micros, tenth) = (lanes.critical_path_ns / 1_000, lanes.critical_path_ns % 1_000 / 100);
    format!("{bundles} in {colours}, hottest {}, critical path {micros}.{tenth} µs", lanes.hottest)
}

/// Sums over the auctions that the engine remembers; texts that are no scores count nothing.
fn reached(auctions: &[wire::AuctionSummary]) -> Reached {
    let score = |text: &str| text.parse::<Score>().unwrap_or(0);
    let mut sums = Reached::default();
    for one in auctions {
        sums.add(score(&one.score), score(&one.bound), score(&one.value_filled));
    }
    sums
}

fn objects(columns: &[&str], rows: &[Vec<String>]) -> Vec<Value> {
    let object = |row: &Vec<String>| {
        let fields = columns.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), json!(cell)));
        Value::Object(fields.collect())
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_for_people_holds_no_json() {
        let lanes = wire::OpenLanes { bundles: 31, colours: 1, hottest: 31, critical_path_ns: 18_399 };
        let last = wire::LastClearing { auction: 7, method: "tickets".to_owned(), reason: "9 µs of work".to_owned() };
        let status = wire::StatusReply { lanes: Some(lanes), last_clearing: Some(last), ..Default::default() };
        let text = |status: &wire::StatusReply| status_text(status, &status_json(status, &wire::RootReply::default()));
        let (found, idle) = (text(&status), text(&wire::StatusReply::default()));
        let expected = "lanes              31 bundles in 1 colour, hottest 31, critical path 18.3 µs\n";
        assert!(found.contains(expected), "{found}");
        assert!(found.contains("last_clearing      auction 7 by tickets: 9 µs of work\n"), "{found}");
        assert!(idle.contains("lanes              no auction takes solutions\n"), "{idle}");
        assert!(![found, idle].iter().any(|text| text.contains(['{', '}']) || text.contains("null")));
    }
}
