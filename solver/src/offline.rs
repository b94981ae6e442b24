//! One auction answered by several strategies in this process, with no engine.
//!
//! Each strategy stands for one solver; what the solutions are worth together is what the core's
//! clearing says.

use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, BUNDLES_MAX, Clearing, Solution, clear};
use clearlane_core::lanes::Executor;
use clearlane_core::names::SolverId;

use crate::strategy::{Budget, Proposal, Strategy};

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

fn answer_of(input: &AuctionInput, strategy: &dyn Strategy, solver: SolverId, budget: Option<Duration>) -> Answer {
    let started = Instant::now();
    let ends_at = budget.and_then(|budget| started.checked_add(budget));
    let is_spent = || ends_at.is_some_and(|ends_at| Instant::now() >= ends_at);
    let budget = ends_at.map_or(Budget::unlimited(), |ends_at| Budget::new(&is_spent).ending_at(ends_at));
    let Proposal { mut bundles, prices } = strategy.solve(input, &budget);
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
