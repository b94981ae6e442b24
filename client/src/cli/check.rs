//! `check`: the exact verdict on a solution file.

use std::path::PathBuf;

use clearlane_core::auction::{Fill, RuleSet, VenueUse, judge, with_floors};
use clearlane_core::money::Score;
use clearlane_core::refusal::Refusal;
use clearlane_core::venue::Direction;
use clearlane_solver::formats::Auction;
use clearlane_solver::formats::solution::{FileSolution, FileUse};
use serde_json::{Value, json};

use super::batch;
use super::competition::read_auction;
use super::failure::{Failure, read_file};
use super::report;

/// Judges a solution exactly: valid with its score, or the first rule it breaks.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane check auction.json solution.json
  clearlane check auction.json solution.json --json

A solution is {\"fills\":[{\"intent\",\"option\",\"sold\",\"bought\"}],
\"uses\":[{\"liquidity\",\"in\":{ASSET:ATOMS},\"out\":{ASSET:ATOMS}}]}, by the auction's names. One of a Gnosis Protocol batch is
in the protocol's own form: {\"prices\":{TOKEN:PRICE},\"orders\":[{\"accountID\",\"orderID\",\"execSellAmount\",\"execBuyAmount\"}]}.
Exits 0 if it is valid and 1 if not.")]
pub(crate) struct Check {
    /// The auction.
    file: PathBuf,
    /// The solution.
    solution: PathBuf,
    /// The most orders that a solution of a Gnosis Protocol batch may execute, or `none`.
    #[arg(long, value_name = "N", default_value_t)]
    orders_max: batch::OrdersMax,
}

impl Check {
    /// Judges and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let mut auction = read_auction(&read_file(&self.file)?)?;
        if auction.input.rules == RuleSet::Floor {
            // Surplus counts by the floor's rate too, as `solve` counts it.
            auction.input = with_floors(&auction.input);
        }
        let solution = read_file(&self.solution)?;
        let judged = match auction.batch.as_ref().filter(|_| batch::is_solution(&solution)) {
            Some(batch) => batch::check(batch, &solution, self.orders_max),
            None => judged(&auction, &solution),
        };
        match judged {
            Ok((human, json)) => report::print(is_json, &human, &json),
            Err(refusal) => {
                let code = refusal.reason.code();
                let json = json!({ "valid": false, "code": code, "field": refusal.field, "message": refusal.message });
                report::print(is_json, &format!("not valid: {refusal}"), &json)?;
                Err(Failure::Reported)
            }
        }
    }
}

fn judged(auction: &Auction, solution: &[u8]) -> Result<(String, Value), Refusal> {
    let solution = FileSolution::read(auction, solution).map_err(|error| error.refusal())?;
    let score = report::score_text(verdict(auction, &solution)?);
    Ok((format!("valid, score {score}"), json!({ "valid": true, "score": score })))
}

/// The score, or the first rule broken; where a venue is used both ways either order will do.
pub(crate) fn verdict(auction: &Auction, solution: &FileSolution) -> Result<Score, Refusal> {
    let orders = [Direction::FORWARD, Direction::BACKWARD];
    let uses = |first| solution.uses.iter().flat_map(move |used| uses_of(used, first)).collect::<Vec<VenueUse>>();
    let judged = |fills: &[Fill], uses: &[VenueUse]| judge(&auction.input, fills, uses);
    let [forward, backward] = orders.map(|first| judged(&solution.fills, &uses(first)));
    forward.or_else(|refusal| backward.map_err(|_| refusal))
}

/// The uses of a venue, that of the first direction first.
pub(crate) fn uses_of(used: &FileUse, first: Direction) -> Vec<VenueUse> {
    let use_of = |direction: Direction| {
        let amount_in = used.amounts_in.get(direction.from)?;
        let amount_out = used.amounts_out.get(direction.into)?;
        Some(VenueUse { venue: used.venue, direction, amount_in, amount_out })
    };
    let ways = match used.direction() {
        Some(only) if used.amounts_in.count() > 2 => vec![only],
        Some(_) | None => vec![first, first.reversed()],
    };
    let uses = ways.into_iter().filter_map(use_of);
    uses.filter(|one| one.amount_in > 0 || one.amount_out > 0).collect()
}
