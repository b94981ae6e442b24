//! Strategies that compete on one auction offline, cleared as the engine clears.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Clearing, Fill, Opened, Solution, Verdict, surplus_value};
use clearlane_core::lanes::Sequential;
use clearlane_core::money::Score;
use clearlane_core::names::SolverId;
use clearlane_core::refusal::Refusal;
use clearlane_solver::formats::{self, Auction};
use clearlane_solver::offline::{Allowance, Answer, Watch, answer_within};
use clearlane_solver::strategy::{Strategy, strategies, strategy};

use super::failure::Failure;
use super::watching::Watching;

/// What a competition came to.
pub(crate) struct Competition {
    /// What each strategy answered, in order of solver from 1.
    pub answers: Vec<Answer>,
    /// What executes.
    pub clearing: Clearing,
    /// How long answering took, all strategies side by side.
    pub elapsed: Duration,
    /// How long clearing took.
    pub clearing_elapsed: Duration,
}

/// Reads an auction file.
pub(crate) fn read_auction(bytes: &[u8]) -> Result<Auction, Failure> {
    formats::read(bytes).map_err(|error| Failure::Failed(error.to_string()))
}

/// The strategies of these names; all there are if none is named.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Box<dyn Strategy>>, Failure> {
    if names.is_empty() {
        return Ok(strategies());
    }
    let found = names.iter().map(|name| strategy(name).map_err(|error| Failure::Usage(error.to_string())));
    found.collect()
}

/// Lets strategies answer side by side, each on a thread of its own, and clears their answers.
///
/// Fails if a strategy panics: what the others reach without it is another competition.
pub(crate) fn compete(
    opened: &Opened,
    strategies: &[Box<dyn Strategy>],
    budget: Option<Duration>,
) -> Result<Competition, Failure> {
    compete_watched(opened, strategies, budget, None)
}

/// The same with somebody watching, who may ask for the answers before their time.
///
/// Fails if a strategy panics.
pub(crate) fn compete_watched(
    opened: &Opened,
    strategies: &[Box<dyn Strategy>],
    budget: Option<Duration>,
    watching: Option<&Watching>,
) -> Result<Competition, Failure> {
    let started = Instant::now();
    let answers = answers(opened.input(), strategies, budget, watching)?;
    let elapsed = started.elapsed();
    let solutions: Vec<Solution> = answers.iter().map(|answer| answer.solution.clone()).collect();
    let clearing = opened.clear(&solutions, &Sequential);
    let clearing_elapsed = started.elapsed().saturating_sub(elapsed);
    Ok(Competition { answers, clearing, elapsed, clearing_elapsed })
}

/// Lets strategies answer side by side, each on a thread of its own; solvers are numbered from 1 in their order.
///
/// Fails if a strategy panics.
pub(crate) fn answers(
    input: &AuctionInput,
    strategies: &[Box<dyn Strategy>],
    budget: Option<Duration>,
    watching: Option<&Watching>,
) -> Result<Vec<Answer>, Failure> {
    let allowance = budget.map_or(Allowance::OwnEnd, Allowance::Time);
    let answered = |strategy: &dyn Strategy, solver| {
        let answer = |watch: Watch<'_>| answer_within(input, strategy, solver, allowance, watch);
        watching.map_or_else(|| answer(Watch::NOBODY), |watching| watching.watch(strategy.name(), answer))
    };
    let answered = &answered;
    std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(strategies.len());
        for (strategy, solver) in strategies.iter().zip(1..) {
            let thread = scope.spawn(move || answered(strategy.as_ref(), SolverId(solver)));
            threads.push((strategy.name(), thread));
        }
        let joined = threads
            .into_iter()
            .map(|(name, thread)| thread.join().map_err(|_| Failure::Failed(format!("strategy {name} panicked"))));
        joined.collect()
    })
}

impl Competition {
    /// The fills that execute.
    pub(crate) fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.clearing.executed.iter().flat_map(|executed| &executed.bundle.fills)
    }

    /// How many intents are filled, wholly or in part.
    pub(crate) fn filled(&self) -> usize {
        let mut intents: Vec<_> = self.fills().map(|fill| fill.intent).collect();
        intents.sort_unstable();
        intents.dedup();
        intents.len()
    }

    /// What all fills beat their limits by before any cap, in 10^-18 reference units.
    pub(crate) fn surplus(&self, input: &AuctionInput) -> Score {
        self.fills().fold(0, |sum: Score, fill| sum.saturating_add(surplus_value(input, fill).unwrap_or(0)))
    }

    /// How many bundles a solver won, and their score.
    pub(crate) fn share(&self, solver: SolverId) -> (usize, Score) {
        let won = self.clearing.executed.iter().filter(|executed| executed.solver == solver);
        won.fold((0, 0), |(count, sum): (usize, Score), executed| {
            (count.saturating_add(1), sum.saturating_add(executed.score))
        })
    }

    /// What the competition would have lost without a solver.
    pub(crate) fn contribution(&self, solver: SolverId) -> Score {
        let told = self.clearing.verdicts.iter().find(|told| told.solver == solver);
        told.map_or(0, |told| told.contribution)
    }

    /// How many bundles were refused, by code.
    pub(crate) fn refused(&self) -> BTreeMap<&'static str, usize> {
        let verdicts = self.clearing.verdicts.iter().flat_map(|of_solver| &of_solver.verdicts);
        let refusals = verdicts.filter_map(|verdict| match verdict {
            Verdict::Refused(refusal) => Some(refusal),
            Verdict::Won(_) | Verdict::Lost(_) | Verdict::FloorBetter(_) => None,
        });
        by_code(refusals)
    }
}

/// Counts refusals by their code.
pub(crate) fn by_code<'a>(refusals: impl Iterator<Item = &'a Refusal>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for refusal in refusals {
        *counts.entry(refusal.reason.code()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use clearlane_solver::strategy::{Budget, Proposal};

    use super::*;

    const AUCTION: &str = include_str!("../../../docs/examples/auction.json");

    struct Clumsy;

    impl Strategy for Clumsy {
        fn name(&self) -> &'static str {
            "clumsy"
        }

        fn solve(&self, _: &AuctionInput, _: &Budget<'_>) -> Proposal {
            panic!("dropped the auction")
        }
    }

    #[test]
    fn a_strategy_that_panics_fails_the_competition() {
        let input = read_auction(AUCTION.as_bytes()).expect("an auction").input;
        let strategies: Vec<Box<dyn Strategy>> = vec![Box::new(Clumsy), strategy("direct").expect("a strategy")];
        let failure = compete(&Opened::new(&input), &strategies, None).err().expect("a failure");
        assert_eq!(failure.to_string(), "strategy clumsy panicked");
    }
}
