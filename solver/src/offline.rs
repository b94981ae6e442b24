//! One auction answered by several strategies in this process, with no engine.
//!
//! Each strategy stands for one solver; what the solutions are worth together is what the core's
//! clearing says.

use std::cell::Cell;
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, BUNDLES_MAX, Clearing, Solution, clear};
use clearlane_core::lanes::Executor;
use clearlane_core::names::SolverId;

use crate::strategy::{Budget, Progress, Proposal, Strategy};

/// One strategy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The strategy's name.
    pub strategy: &'static str,
    /// Its sealed solution; solvers are numbered from 1 in the order of strategies.
    pub solution: Solution,
    /// The intents that it fills, wholly or in part.
    pub intents: usize,
    /// How long it took.
    pub elapsed: Duration,
}

/// An auction answered and cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solved {
    /// What executes, and why the rest does not.
    pub clearing: Clearing,
    /// What each strategy proposed.
    pub answers: Vec<Answer>,
}

/// Answers `input` with each strategy and clears the answers against each other and the built-in bidder.
#[must_use]
pub fn solve(
    input: &AuctionInput,
    strategies: &[&dyn Strategy],
    budget: Option<Duration>,
    executor: &dyn Executor,
) -> Solved {
    let answers = answer(input, strategies, budget);
    let solutions: Vec<Solution> = answers.iter().map(|answer| answer.solution.clone()).collect();
    Solved { clearing: clear(input, &solutions, executor), answers }
}

/// Answers `input` with each strategy in turn, each within `budget`.
///
/// Without a budget a strategy runs to its own end.
#[must_use]
pub fn answer(input: &AuctionInput, strategies: &[&dyn Strategy], budget: Option<Duration>) -> Vec<Answer> {
    let solver = (1_u32..).map(SolverId);
    strategies.iter().zip(solver).map(|(strategy, solver)| answer_of(input, *strategy, solver, budget)).collect()
}

/// How much a strategy may take for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// As much as it takes to find an end by itself.
    OwnEnd,
    /// This long.
    Time(Duration),
    /// Until it has asked so often whether it has to stop: on one thread that is the same each time, however fast the machine.
    Steps(u64),
}

/// Who looks on while a strategy answers.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Whether the answer is wanted now.
    pub is_wanted: &'a dyn Fn() -> bool,
    /// Hears how far the strategy is.
    pub tell: &'a dyn Fn(Progress),
}

impl Watch<'static> {
    /// Nobody.
    pub const NOBODY: Watch<'static> = Watch { is_wanted: &|| false, tell: &|_| {} };
}

fn answer_of(input: &AuctionInput, strategy: &dyn Strategy, solver: SolverId, budget: Option<Duration>) -> Answer {
    let allowance = budget.map_or(Allowance::OwnEnd, Allowance::Time);
    answer_within(input, strategy, solver, allowance, Watch::NOBODY)
}

/// Answers `input` with one strategy, as this solver.
#[must_use]
pub fn answer_within(
    input: &AuctionInput,
    strategy: &dyn Strategy,
    solver: SolverId,
    allowance: Allowance,
    watch: Watch<'_>,
) -> Answer {
    let started = Instant::now();
    let Proposal { mut bundles, prices } = match allowance {
        Allowance::OwnEnd => strategy.solve(input, &Budget::until_interrupted(watch.is_wanted).telling(watch.tell)),
        Allowance::Time(most) => {
            let ends_at = started.checked_add(most);
            let is_spent = || (watch.is_wanted)() || ends_at.is_some_and(|ends_at| Instant::now() >= ends_at);
            let budget = match ends_at {
                Some(ends_at) => Budget::new(&is_spent).ending_at(ends_at),
                None => Budget::until_interrupted(watch.is_wanted),
            };
            strategy.solve(input, &budget.telling(watch.tell))
        }
        Allowance::Steps(most) => {
            let left = Cell::new(most);
            let is_spent = || {
                let next = left.get().checked_sub(1);
                left.set(next.unwrap_or(0));
                next.is_none() || (watch.is_wanted)()
            };
            strategy.solve(input, &Budget::new(&is_spent).telling(watch.tell))
        }
    };
    bundles.truncate(BUNDLES_MAX);
    let fills = bundles.iter().flat_map(|bundle| &bundle.fills);
    let mut filled: Vec<_> = fills.map(|fill| fill.intent).collect();
    filled.sort_unstable();
    filled.dedup();
    Answer {
        strategy: strategy.name(),
        intents: filled.len(),
        solution: Solution { solver, auction: input.auction, bundles, prices },
        elapsed: started.elapsed(),
    }
}
