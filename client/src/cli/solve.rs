//! `solve`: one auction offline, strategies competing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clearlane_core::auction::{Opened, RuleSet};
use clearlane_core::lanes::Sequential;
use clearlane_core::names::SolverId;
use clearlane_core::refusal::Refusal;
use clearlane_solver::formats::{Auction, solution::FileSolution};
use clearlane_solver::market::Market;
use clearlane_solver::strategy::Strategy;
use serde_json::{Value, json};

use super::batch;
use super::bound::{basis_points_text, prices_json, ratio_text, source_text};
use super::competition::{Competition, by_code, chosen, compete_watched, read_auction};
use super::cow_rules::CowSelected;
use super::explain::{explain, find};
use super::failure::{Failure, read_file, write_file};
use super::report;
use super::watching::Watching;

/// Solves one auction offline: strategies compete, the engine's own clearing decides.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane solve auction.json
  clearlane solve auction.json --strategy optimal --budget-ms 100 --json
  clearlane solve auction.json --solution out.json && clearlane check auction.json out.json
  clearlane solve auction.json --explain i00042
  clearlane solve batch.json --rules gpv1 --orders-max none

The file is an auction-instance/1 or /2, a request to a CoW solver engine, an older CoW auction or a Gnosis Protocol batch,
told apart by content; the first two are judged by plain rules, CoW's by the floor rules of engine auctions, batches by the
protocol's own (gpv1), for which no bound is known. Scores are decimals in the reference asset, exact to 10^-18. No valid
solution scores more than `bound`, which anyone can recompute from the auction and `prices`. opening_ms is what the
built-in bidder took, elapsed_ms answering, clearing_ms judging the answers. Exits 0 when solved, however little is filled,
and 1 if the file can't be used. Ctrl-C ends a long search with the best answer so far (`stopped`), a second one at once.")]
pub(crate) struct Solve {
    /// The auction; `-` reads standard input.
    file: PathBuf,
    /// How solutions are judged: `plain` by their counted surplus alone, `floor` as an engine's auctions are, where no
    /// fill is worse than the built-in bidder's and a bundle has one price a pair, `cow` as CoW Protocol selects, each
    /// bundle one solution, `gpv1` as Gnosis Protocol v1 does, at one price a token [default: what the format implies].
    #[arg(long, value_name = "NAME", value_parser = rules_of)]
    rules: Option<RuleSet>,
    /// Milliseconds that each strategy may take; without it each runs to its own end.
    #[arg(long, value_name = "N")]
    budget_ms: Option<u64>,
    /// The most orders that a batch under gpv1 rules executes, or `none` [default: 30].
    #[arg(long, value_name = "N")]
    orders_max: Option<batch::OrdersMax>,
    /// A strategy that competes: direct, netting, joint or optimal; repeat it for several [default: optimal, under floor
    /// rules netting too].
    #[arg(long, value_name = "NAME")]
    strategy: Vec<String>,
    /// Writes what executes to this file.
    #[arg(long, value_name = "OUT")]
    solution: Option<PathBuf>,
    /// Says why this intent of the file was filled as it was, or not: its limit beside the prices of the bound, the
    /// floor, the paths, its account, and who was first. By plain and floor rules only.
    #[arg(long, value_name = "INTENT")]
    explain: Option<String>,
}

fn rules_of(text: &str) -> Result<RuleSet, String> {
    RuleSet::named(text).ok_or_else(|| "expected plain, floor, cow or gpv1".to_owned())
}

/// Those that compete unless some are named: each on its own they would only take each other's processors.
fn strategies_for(rules: RuleSet) -> Vec<String> {
    let names: &[&str] = match rules {
        RuleSet::Plain | RuleSet::Gpv1 => &["optimal"],
        RuleSet::Floor | RuleSet::Cow => &["optimal", "netting"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Solve {
    /// Solves and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let mut auction = read_auction(&read_file(&self.file)?)?;
        let rules = self.rules.unwrap_or(auction.market.rules);
        self.check_explain(rules)?;
        if rules == RuleSet::Gpv1 {
            return self.run_batch(&auction, is_json);
        }
        if self.orders_max.is_some() {
            let message = format!("--orders-max: expected gpv1 rules, found {}; leave it out", rules.name());
            return Err(Failure::Usage(message));
        }
        let subject = self.explain.as_ref().map(|name| find(&auction, name)).transpose()?;
        auction.input.rules = self.rules.unwrap_or(auction.input.rules);
        let named = if self.strategy.is_empty() { strategies_for(auction.input.rules) } else { self.strategy.clone() };
        let strategies = chosen(&named)?;
        if auction.input.rules == RuleSet::Cow {
            return self.run_cow(auction, &strategies, is_json);
        }
        let budget = self.budget_ms.map(Duration::from_millis);
        let watching = Watching::new("solving", budget)?;
        let started = Instant::now();
        let opened = Opened::new(&auction.input);
        auction.input = opened.input().clone();
        let opening = started.elapsed();
        let competition = compete_watched(&opened, &strategies, budget, Some(&watching));
        watching.finish();
        let competition = competition?;
        if let Some(path) = &self.solution {
            let bundles = competition.clearing.executed.iter().map(|executed| &executed.bundle);
            write_file(path, &FileSolution::of(&auction, bundles).write(&auction))?;
        }
        let mut json = to_json(&auction, &opened, (&competition, opening));
        let mut text = human(&json);
        if watching.is_stopped() {
            text = format!("stopped early: the best answer so far\n{text}");
        }
        if let Some(fields) = json.as_object_mut() {
            fields.insert("stopped".to_owned(), json!(watching.is_stopped()));
        }
        if let (Some(subject), Some(fields)) = (&subject, json.as_object_mut()) {
            let (words, explained) = explain(&auction, &competition, subject);
            fields.insert("explained".to_owned(), explained);
            text.push_str(&format!("\n{words}"));
        }
        report::print(is_json, &text, &json)
    }
}

impl Solve {
    /// Refuses to explain by rules under which there is no floor, path or price to say.
    fn check_explain(&self, rules: RuleSet) -> Result<(), Failure> {
        if self.explain.is_none() || matches!(rules, RuleSet::Plain | RuleSet::Floor) {
            return Ok(());
        }
        let name = rules.name();
        let message =
            format!("--explain: expected plain or floor rules, found {name}; ask under --rules floor, or leave it out");
        Err(Failure::Usage(message))
    }

    /// The same by CoW's rules: every bundle is a solution of its own.
    fn run_cow(&self, mut auction: Auction, strategies: &[Box<dyn Strategy>], is_json: bool) -> Result<(), Failure> {
        let budget = self.budget_ms.map(Duration::from_millis);
        let watching = Watching::new("solving", budget)?;
        let selected = CowSelected::of(&mut auction.input, strategies, budget, Some(&watching));
        watching.finish();
        let selected = selected?;
        if let Some(path) = &self.solution {
            write_file(path, &FileSolution::of(&auction, selected.delivered()).write(&auction))?;
        }
        let mut json = selected.to_json(&auction);
        json["stopped"] = json!(watching.is_stopped());
        report::print(is_json, &human(&json), &json)
    }

    /// Solves a batch at one price a token.
    fn run_batch(&self, auction: &Auction, is_json: bool) -> Result<(), Failure> {
        if !self.strategy.is_empty() {
            return Err(Failure::Usage("--strategy: expected none under gpv1 rules, which have their own".to_owned()));
        }
        let watching = Watching::new("solving", self.budget_ms.map(Duration::from_millis))?;
        let solved =
            batch::solve(auction, self.orders_max.unwrap_or_default(), self.budget_ms, &|| watching.is_stopped());
        watching.finish();
        let mut solved = solved?;
        solved.json["stopped"] = json!(watching.is_stopped());
        if let Some(path) = &self.solution {
            write_file(path, &solved.solution)?;
        }
        report::print(is_json, &solved.human, &solved.json)
    }
}

/// What of a file could not be represented: counted by code, and by name.
pub(crate) fn refused_json(market: &Market, bundles: Value) -> [(&'static str, Value); 2] {
    let counted = json!({
        "assets": counts(&market.refused_assets),
        "venues": counts(&market.refused_venues),
        "orders": counts(&market.refused_orders),
        "bundles": bundles,
    });
    let named = json!({
        "assets": by_name(&market.refused_assets),
        "venues": by_name(&market.refused_venues),
        "orders": by_name(&market.refused_orders),
    });
    [("refused", counted), ("refused_by_name", named)]
}

fn to_json(auction: &Auction, opened: &Opened, (competition, opening): (&Competition, Duration)) -> Value {
    let (clearing, market) = (&competition.clearing, &auction.market);
    let mut json = json!({
        "name": market.name,
        "rules": auction.input.rules.name(),
        "score": report::score_text(clearing.score),
        "bound": report::score_text(clearing.bound.score),
        "bound_by": source_text(competition),
        "ratio": ratio_text(clearing.score, clearing.bound.score),
        "missed": report::score_text(clearing.missed()),
        "missed_bps": basis_points_text(clearing.missed(), clearing.value_filled(&auction.input)),
        "floor_score": report::score_text(clearing.floor_score),
        "selection_gap": report::score_text(clearing.selection_gap),
        "surplus": report::score_text(competition.surplus(&auction.input)),
        "bundles": clearing.executed.len(),
        "filled": competition.filled(),
        "intents": auction.input.intents.len(),
        "opening_ms": millis(opening),
        "elapsed_ms": millis(competition.elapsed),
        "clearing_ms": millis(competition.clearing_elapsed),
        "colours": clearing.plan.colours,
        "hottest": clearing.plan.hottest,
        "strategies": strategies_json(opened, competition),
        "prices": prices_json(&auction.input, &clearing.bound.prices),
        "digest": clearing.digest.to_string(),
    });
    for (field, value) in refused_json(market, json!(competition.refused())) {
        json[field] = value;
    }
    json
}

fn counts(refused: &[(String, Refusal)]) -> Value {
    json!(by_code(refused.iter().map(|(_, refusal)| refusal)))
}

fn by_name(refused: &[(String, Refusal)]) -> Value {
    let one = |(name, refusal): &(String, Refusal)| json!({ "name": name, "code": refusal.reason.code(), "field": refusal.field, "message": refusal.message });
    refused.iter().map(one).collect()
}

fn strategies_json(opened: &Opened, competition: &Competition) -> Vec<Value> {
    let floor = competition.share(SolverId::FLOOR);
    let of_answers = competition.answers.iter().map(|answer| {
        let (won, score) = competition.share(answer.solution.solver);
        let alone = if competition.answers.len() == 1 {
            competition.clearing.score
        } else {
            opened.clear(std::slice::from_ref(&answer.solution), &Sequential).score
        };
        json!({
            "strategy": answer.strategy,
            "bundles": answer.solution.bundles.len(),
            "intents": answer.intents,
            "won": won,
            "score": report::score_text(score),
            "score_alone": report::score_text(alone),
            "contribution": report::score_text(competition.contribution(answer.solution.solver)),
            "elapsed_ms": millis(answer.elapsed),
        })
    });
    let floor = json!({ "strategy": "floor", "won": floor.0, "score": report::score_text(floor.1),
        "score_alone": report::score_text(competition.clearing.floor_score) });
    of_answers.chain(std::iter::once(floor)).collect()
}

pub(crate) fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn human(json: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let of = |field: &str| json.get(field).map(text).unwrap_or_default();
    let mut out = format!(
        "{}\n{} of {} intents filled by {} bundles in {} ms, opened in {} ms, cleared in {} ms\nscore    {}\nbound    {} at the prices of {}; captured {} of it\nfloor    {}\nsurplus  {} before the cap\n\n",
        of("name"),
        of("filled"),
        of("intents"),
        of("bundles"),
        of("elapsed_ms"),
        of("opening_ms"),
        of("clearing_ms"),
        of("score"),
        of("bound"),
        of("bound_by"),
        of("ratio"),
        of("floor_score"),
        of("surplus"),
    );
    let columns = ["strategy", "bundles", "won", "score", "score_alone", "elapsed_ms"];
    let rows = json.get("strategies").and_then(Value::as_array).into_iter().flatten();
    let row = |row: &Value| columns.iter().map(|name| row.get(*name).map(text).unwrap_or_default()).collect();
    out.push_str(&report::table(&columns, &rows.map(row).collect::<Vec<_>>()));
    for (group, counts) in json.get("refused").and_then(Value::as_object).into_iter().flatten() {
        for (code, count) in counts.as_object().into_iter().flatten() {
            out.push_str(&format!("refused  {count} {group}: {code}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        solve: Solve,
    }

    /// Runs `solve` on an example file; a failure by its status and message.
    fn run(file: &str, rest: &[&str]) -> Result<(), (u8, String)> {
        let file = format!("{}/../docs/examples/{file}", env!("CARGO_MANIFEST_DIR"));
        let line = Line::try_parse_from(["solve", &file].iter().chain(rest)).expect("arguments");
        line.solve.run(true).map_err(|failure| (failure.status(), failure.to_string()))
    }

    #[test]
    fn nothing_is_explained_by_rules_that_can_not() {
        for (file, rules, name) in [
            ("batch.json", &[][..], "gpv1"),
            ("batch.json", &["--rules", "gpv1"], "gpv1"),
            ("auction.json", &["--rules", "cow"], "cow"),
        ] {
            let (status, message) = run(file, &[rules, &["--explain", "ann"]].concat()).expect_err(name);
            assert!(status == 2 && message.contains(name) && message.contains("--rules floor"), "{message}");
        }
    }
}
