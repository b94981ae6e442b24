//! A strategy that bids in recorded auctions: told what a solver was told, held to a solver's limits.

use std::collections::BTreeMap;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, Solution, verify};
use clearlane_core::names::SolverId;
use clearlane_proto::auction::{input_to_core, input_to_wire};
use clearlane_solver::offline::{Allowance, Watch, answer_within};
use clearlane_solver::session::{prepared, usable};
use clearlane_solver::strategy::{Proposal, Strategy, repeatable, strategy};

use crate::cli::competition::by_code;
use crate::cli::failure::Failure;

/// How much a strategy may take for each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The time in which the auction took solutions, of which a session keeps some for sending; of an engine whose
    /// clock ran so many times as fast as the wall.
    Recorded(u32),
    /// So many milliseconds.
    Millis(u64),
    /// So many questions whether it has to stop, on one thread.
    Steps(u64),
}

impl Limit {
    fn allowance(self, input: &AuctionInput) -> Allowance {
        match self {
            Limit::Recorded(scale) => Allowance::Time(usable(window(input, scale))),
            Limit::Millis(millis) => Allowance::Time(Duration::from_millis(millis)),
            Limit::Steps(steps) => Allowance::Steps(steps),
        }
    }

    /// Whether an answer that took this long would have come after the close.
    fn is_late(self, input: &AuctionInput, elapsed: Duration) -> bool {
        match self {
            Limit::Recorded(scale) => elapsed > window(input, scale),
            Limit::Millis(_) | Limit::Steps(_) => false,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Limit::Recorded(_) => formatter.write_str("recorded"),
            Limit::Millis(millis) => write!(formatter, "{millis} ms"),
            Limit::Steps(steps) => write!(formatter, "{steps} steps"),
        }
    }
}

/// The time of the wall in which an auction took solutions.
fn window(input: &AuctionInput, scale: u32) -> Duration {
    let nanos = input.close_at.0.saturating_sub(input.opened_at.0);
    Duration::from_nanos(nanos.checked_div(u64::from(scale)).unwrap_or(nanos))
}

/// See the module.
pub(super) struct Bidder {
    strategy: Box<dyn Strategy>,
    limit: Limit,
}

/// What a bidder answers.
pub(super) struct Bid {
    /// Its sealed solution, of what a session would have sent.
    pub(super) solution: Solution,
    /// Bundles that it proposed.
    pub(super) proposed: usize,
    /// Those that break a rule and are not sent, by code.
    pub(super) refused: BTreeMap<&'static str, usize>,
    /// Valid bundles for which one solution has no room.
    pub(super) left_out: usize,
    /// How long answering took.
    pub(super) elapsed: Duration,
    /// Whether it would have come after the close.
    pub(super) is_late: bool,
}

impl Bidder {
    /// The strategy of that name; by steps on one thread, so that it answers alike each time.
    pub(super) fn new(name: &str, limit: Limit) -> Result<Bidder, Failure> {
        let found = match limit {
            Limit::Steps(_) => repeatable(name),
            Limit::Recorded(_) | Limit::Millis(_) => strategy(name),
        };
        Ok(Bidder { strategy: found.map_err(|error| Failure::Usage(error.to_string()))?, limit })
    }

    pub(super) fn name(&self) -> &'static str {
        self.strategy.name()
    }

    /// The time that it has for an answer; `None` if its budget is counted in steps.
    pub(super) fn time(&self, input: &AuctionInput) -> Option<Duration> {
        match self.limit.allowance(input) {
            Allowance::Time(time) => Some(time),
            Allowance::OwnEnd | Allowance::Steps(_) => None,
        }
    }

    /// Answers what a solver was told, see [`told`]; early if the answer is wanted now.
    pub(super) fn bid(&self, told: &AuctionInput, solver: SolverId, is_wanted: &dyn Fn() -> bool) -> Bid {
        let watch = Watch { is_wanted, ..Watch::NOBODY };
        let answer = answer_within(told, self.strategy.as_ref(), solver, self.limit.allowance(told), watch);
        let Solution { bundles, prices, .. } = answer.solution;
        let proposed = bundles.len();
        let refusals: Vec<_> = bundles.iter().filter_map(|bundle| verify(told, bundle).err()).collect();
        let sent = prepared(told, Proposal { bundles, prices });
        let left_out = proposed.saturating_sub(refusals.len()).saturating_sub(sent.bundles.len());
        Bid {
            proposed,
            refused: by_code(refusals.iter()),
            left_out,
            elapsed: answer.elapsed,
            is_late: self.limit.is_late(told, answer.elapsed),
            solution: Solution { solver, auction: told.auction, bundles: sent.bundles, prices: sent.prices },
        }
    }
}

/// What solvers are told of an auction that has its floors: all but conditions, as it travels.
pub(super) fn told(floored: &AuctionInput) -> Result<AuctionInput, Failure> {
    let told = input_to_core(&input_to_wire(floored));
    told.map_err(|refusal| Failure::Failed(format!("auction {}: {refusal}", floored.auction.0)))
}
