//! What the demo shows at its end: what settled, who won, the lanes, the books, and the replayed root.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use clearlane_client::keys::to_hex;
use clearlane_core::auction::{AuctionInput, Clearing, footprint, surplus_value};
use clearlane_core::hash::Hash;
use clearlane_core::lanes::{Batch, Footprint, Plan, picture};
use clearlane_core::money::{Score, format_amount};
use clearlane_engine::cell::Cell;
use clearlane_engine::replay::replay_cell;
use serde_json::{Value, json};

use super::super::bound::{Reached, ratio_text};
use super::super::failure::Failure;
use super::super::report;
use super::stage::{Played, STRATEGIES, party_of};

/// The lanes on which the log is replayed; every root must be the same.
const LANES: [usize; 3] = [1, 2, 8];
/// The workers in the picture.
const PICTURE_WORKERS: usize = 4;

/// What happened, ready to print.
pub(super) struct Summary {
    values: Value,
    text: String,
    is_equal: bool,
}

impl Summary {
    /// Replays the log at several numbers of lanes and puts everything together.
    pub(super) fn new(folder: &Path, played: &Played, started: Instant) -> Result<Summary, Failure> {
        let mut roots = Vec::new();
        let mut last = None;
        for lanes in LANES {
            let (report, cell) =
                replay_cell(folder, None, lanes).map_err(|error| Failure::Failed(format!("replay: {error}")))?;
            roots.push(report.final_root);
            last = Some(cell);
        }
        let cell = last.ok_or_else(|| Failure::Failed("nothing was replayed".to_owned()))?;
        let is_equal = roots.iter().all(|root| root.0.as_slice() == played.root.as_slice());
        let totals = Totals::of(&cell);
        let values = values(played, &totals, &roots, is_equal, started);
        Ok(Summary { text: text(played, &totals, &cell, &roots, is_equal), values, is_equal })
    }

    /// Whether every replay ended in the engine's own root.
    pub(super) fn is_equal(&self) -> bool {
        self.is_equal
    }

    /// Prints the table, and the JSON object last if it is asked for.
    pub(super) fn print(&self, is_json: bool) -> Result<(), Failure> {
        report::line(&self.text)?;
        if is_json { report::line(&self.values.to_string()) } else { Ok(()) }
    }
}

/// What the built-in bidder is called.
const FLOOR: &str = "floor";

/// Sums over the auctions that settled.
#[derive(Default)]
struct Totals {
    auctions: u64,
    bundles: u64,
    score: Score,
    floor_score: Score,
    reached: Reached,
    /// Uncapped, priced.
    surplus: Score,
    colours_max: u32,
    filled: u64,
    by_solver: BTreeMap<String, (u64, Score)>,
}

impl Totals {
    fn of(cell: &Cell) -> Totals {
        let mut totals = Totals::default();
        // Who competed and won nothing is shown too.
        let bidders = STRATEGIES.map(party_of).into_iter().chain([FLOOR.to_owned()]);
        totals.by_solver = bidders.map(|name| (name, (0, 0))).collect();
        for auction in cell.view.auctions() {
            let Some(clearing) = &auction.clearing else { continue };
            totals.auctions += 1;
            totals.add(cell, &auction.input, clearing);
        }
        totals
    }

    fn add(&mut self, cell: &Cell, input: &AuctionInput, clearing: &Clearing) {
        self.score += clearing.score;
        self.floor_score += clearing.floor_score;
        self.reached.add_clearing(input, clearing);
        self.colours_max = self.colours_max.max(clearing.plan.colours);
        for executed in &clearing.executed {
            self.bundles += 1;
            let name = cell.state.solver_party(executed.solver).map_or_else(|| FLOOR.to_owned(), ToString::to_string);
            let (bundles, score) = self.by_solver.entry(name).or_default();
            *bundles += 1;
            *score += executed.score;
            for fill in &executed.bundle.fills {
                self.filled += 1;
                self.surplus += surplus_value(input, fill).unwrap_or(0);
            }
        }
    }
}

fn values(played: &Played, totals: &Totals, roots: &[Hash], is_equal: bool, started: Instant) -> Value {
    let status = &played.status;
    let replayed = roots.last().map_or_else(String::new, ToString::to_string);
    json!({
        "intents": played.intents,
        "settled": status.settled,
        "refused": played.refused.values().sum::<u64>(),
        "refused_by_code": played.refused,
        "venues_refused_by_code": played.venues_refused,
        "expired": status.expired,
        "cancelled": status.cancelled,
        "open": status.open_intents,
        "fills": totals.filled,
        "auctions": totals.auctions,
        "bundles": totals.bundles,
        "score": units(totals.score),
        "bound": units(totals.reached.bound),
        "ratio": ratio_text(totals.score, totals.reached.bound),
        "missed": units(totals.reached.missed()),
        "missed_bps": totals.reached.missed_basis_points(),
        "floor_score": units(totals.floor_score),
        "surplus": units(totals.surplus),
        "won": totals.by_solver.iter().map(|(name, (count, score))| {
            (name.clone(), json!({ "bundles": count, "score": units(*score) }))
        }).collect::<serde_json::Map<String, Value>>(),
        "colours_max": totals.colours_max,
        "root": to_hex(&played.root),
        "replayed_root": replayed,
        "equal": is_equal,
        "elapsed_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn text(played: &Played, totals: &Totals, cell: &Cell, roots: &[Hash], is_equal: bool) -> String {
    let status = &played.status;
    let refused = counts_text(&played.refused);
    let mut lines = vec![
        format!("intents     {} submitted, {} settled, {} expired", played.intents, status.settled, status.expired),
        format!("            {} open, {} fills in auctions; refused: {refused}", status.open_intents, totals.filled),
        format!("auctions    {} settled, {} bundles executed", totals.auctions, totals.bundles),
        format!("captured    {:>12} counted surplus, in reference units", report::short_score(totals.score)),
        bound_text(totals),
        format!("floor       {:>12} the built-in bidder alone", report::short_score(totals.floor_score)),
        format!("surplus     {:>12} uncapped", report::short_score(totals.surplus)),
    ];
    if !played.venues_refused.is_empty() {
        lines.insert(2, format!("venues      refused: {}", counts_text(&played.venues_refused)));
    }
    for (name, (bundles, score)) in &totals.by_solver {
        lines.push(format!("  {name:<16} won {bundles:>5} bundles {:>12}", report::short_score(*score)));
    }
    lines.push(lanes_text(cell));
    lines.push(books_text(played));
    lines.push(format!("root        {}", to_hex(&played.root)));
    lines.push(replayed_text(roots, is_equal));
    lines.join("\n")
}

/// Sums over auctions: what one of them missed and the next one could have found counts in both.
fn bound_text(totals: &Totals) -> String {
    let reached = &totals.reached;
    let (bound, missed) = (report::short_score(reached.bound), report::short_score(reached.missed()));
    let points =
        reached.missed_basis_points().map_or_else(String::new, |points| format!(", {points} bp of value filled"));
    format!("bound       {bound:>12} no solutions score more; at most {missed} was missed{points}")
}

fn counts_text(by_code: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> = by_code.iter().map(|(code, count)| format!("{count} {code}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// One line if every replay ended in the engine's root, else every root that a replay ended in.
fn replayed_text(roots: &[Hash], is_equal: bool) -> String {
    if is_equal {
        let lanes: Vec<String> = LANES.iter().map(ToString::to_string).collect();
        return format!("replayed    equal on {} lanes", lanes.join(", "));
    }
    let row = |(lanes, root): (&usize, &Hash)| format!("replayed    {root} on {lanes} lanes: DIFFERENT");
    LANES.iter().zip(roots).map(row).collect::<Vec<_>>().join("\n")
}

/// The lanes of the auction with the most executed bundles.
fn lanes_text(cell: &Cell) -> String {
    let settled = cell.view.auctions().filter_map(|auction| Some((auction, auction.clearing.as_ref()?)));
    let Some((auction, clearing)) = settled.max_by_key(|(_, clearing)| clearing.executed.len()) else {
        return "lanes       no auction settled".to_owned();
    };
    let footprints: Vec<Footprint> =
        clearing.executed.iter().map(|executed| footprint(&auction.input, &executed.bundle)).collect();
    let plan = Plan::new(&Batch::new(&footprints.iter().collect::<Vec<_>>()).unwrap_or_default());
    let picture = picture(&plan, &[], PICTURE_WORKERS, 72, report::is_colourful());
    format!(
        "lanes       auction {}: {} bundles in {} colours on {PICTURE_WORKERS} workers, critical path in capitals\n{}",
        auction.auction.0,
        plan.bundles(),
        plan.colours(),
        picture.trim_end(),
    )
}

fn books_text(played: &Played) -> String {
    let mut lines = vec!["books       issued = parties + venues + fees + residual".to_owned()];
    for balance in played.balances.iter().take(12) {
        let scale = u8::try_from(balance.scale).unwrap_or(0);
        let amount = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |atoms| format_amount(atoms, scale));
        lines.push(format!(
            "  {:<5} {:<8} {} = {} + {} + {} + {}",
            balance.asset.chars().take(5).collect::<String>(),
            balance.module,
            amount(&balance.issued),
            amount(&balance.parties),
            amount(&balance.venues),
            amount(&balance.fees),
            amount(&balance.residual),
        ));
    }
    if played.balances.len() > 12 {
        lines.push(format!("  … and {} more assets", played.balances.len() - 12));
    }
    lines.join("\n")
}

/// A score in reference units.
fn units(score: Score) -> String {
    let sign = if score < 0 { "-" } else { "" };
    let digits = format_amount(score.unsigned_abs(), 18);
    let trimmed = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}{trimmed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_that_differs_is_shown() {
        assert_eq!(replayed_text(&[Hash([1; 32]); 3], true), "replayed    equal on 1, 2, 8 lanes");
        let different = replayed_text(&[Hash([1; 32]), Hash([1; 32]), Hash([2; 32])], false);
        assert_eq!(different.lines().filter(|line| line.ends_with("DIFFERENT")).count(), 3);
        assert!(different.contains(&format!("{} on 8 lanes", Hash([2; 32]))));
    }
}
