//! Batches at one price a token: finds prices and what executes at them, for the objective of Gnosis Protocol v1.
//!
//! Prices start from single pairs with the fee token and grow by more tokens; at fixed prices what executes is a flow of
//! value. All of that is in floats and only proposes: the answer is rounded to whole atoms and judged exactly.

mod fill;
mod flow;
mod kick;
mod orders;
mod search;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clearlane_core::auction::gpv1::{BatchInput, BatchSolution, Objective};

use super::Budget;
use fill::Terms;
use orders::Orders;
use search::{Candidate, Search};
use whole::WholePrices;

/// Multiplications in looking at all pairs, and in each of the two threads that climb: about three seconds.
const SEEDS_WORK_MAX: u64 = 500_000_000;
const CLIMB_WORK_MAX: u64 = 2_000_000_000;
/// The candidates from which a climb starts, how many of them may have the same tokens, and those that it may add.
const STARTS_MAX: usize = 8;
const ALIKE_MAX: usize = 2;
const ADDED_MAX: usize = 60;
/// The candidates that are rounded to whole atoms, the best of which is the answer.
const ROUNDED_MAX: usize = 8;
/// How often orders are left out at each set of prices, in the search and for the answer.
const ROUNDS: usize = 12;
const LAST_ROUNDS: usize = 200;
/// How often it is asked whether the time is over while only the other thread still climbs.
const ASKED_EVERY: Duration = Duration::from_millis(5);

/// Solves a batch, executing at most `orders_max` orders, until the budget is spent if it ever is; the empty solution if
/// nothing better is found.
#[must_use]
pub fn solve_batch(batch: &BatchInput, orders_max: Option<usize>, budget: &Budget<'_>) -> BatchSolution {
    solve_within(batch, orders_max, budget, CLIMB_WORK_MAX)
}

/// Solves a batch with a bound on the work of each climbing thread.
fn solve_within(batch: &BatchInput, orders_max: Option<usize>, budget: &Budget<'_>, work_max: u64) -> BatchSolution {
    if batch.fee_token.at() >= batch.tokens.len() {
        return BatchSolution::default();
    }
    let orders = Orders::of(batch);
    let terms = Terms { orders_max: orders_max.unwrap_or(usize::MAX), rounds: ROUNDS };
    let is_spent = || budget.is_spent();
    let search = |work_max| Search { orders: &orders, terms, work: 0, work_max, is_spent: &is_spent };
    let mut seeds = search(SEEDS_WORK_MAX.min(work_max)).seeds();
    seeds.truncate(ADDED_MAX);
    let mut found = explored((&orders, terms), &seeds, work_max, budget);
    found.extend(seeds.iter().take(1).cloned());
    found.sort_by(|a, b| b.value.total_cmp(&a.value));
    found.dedup_by(|a, b| a.prices == b.prices);
    let mut last = Search { terms: Terms { rounds: LAST_ROUNDS, ..terms }, ..search(u64::MAX) };
    let mut best: (Objective, BatchSolution) = Default::default();
    for (at, candidate) in found.iter().take(ROUNDED_MAX).enumerate() {
        if at > 0 && last.is_over() {
            break;
        }
        let exact = exact(batch, &mut last, candidate, orders_max);
        if let Some(better) = exact.filter(|(objective, _)| objective.compare(&best.0).is_gt()) {
            best = better;
        }
    }
    best.1
}

/// What two threads find from the best candidates, each with that much work.
///
/// Only this thread can ask whether the time is over, so it tells the other one.
fn explored(
    (orders, terms): (&Orders, Terms),
    seeds: &[Candidate],
    work_max: u64,
    budget: &Budget<'_>,
) -> Vec<Candidate> {
    let (even, odd) = starts(seeds);
    let is_over = AtomicBool::new(false);
    let told = || is_over.load(Ordering::Relaxed);
    let asked = || {
        let is_spent = budget.is_spent();
        is_over.fetch_or(is_spent, Ordering::Relaxed);
        is_spent
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut search = Search { orders, terms, work: 0, work_max, is_spent: &told };
            search.explore(&odd, seeds, 1)
        });
        let own = Search { orders, terms, work: 0, work_max, is_spent: &asked }.explore(&even, seeds, 0);
        while !other.is_finished() {
            std::thread::park_timeout(ASKED_EVERY);
            asked();
        }
        let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        own.into_iter().chain(other).collect()
    })
}

/// The best candidates, few of the same tokens, dealt to two threads.
fn starts(seeds: &[Candidate]) -> (Vec<Candidate>, Vec<Candidate>) {
    let mut taken: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut is_new = |seed: &&Candidate| {
        let tokens = (0..seed.prices.len()).filter(|token| seed.prices[*token] > 0.0).collect();
        let count = taken.entry(tokens).or_default();
        *count += 1;
        *count <= ALIKE_MAX
    };
    let chosen: Vec<&Candidate> = seeds.iter().filter(|seed| is_new(seed)).take(STARTS_MAX).collect();
    let dealt = |first: usize| chosen.iter().skip(first).step_by(2).map(|start| (*start).clone()).collect();
    (dealt(0), dealt(1))
}

/// The exact solution at a candidate's prices, or at those near them where one unit of a price matters.
fn exact(
    batch: &BatchInput,
    search: &mut Search<'_>,
    candidate: &Candidate,
    orders_max: Option<usize>,
) -> Option<(Objective, BatchSolution)> {
    let mut solved = |prices: &WholePrices| {
        let filled = search.fill(&prices.floats());
        prices.solution(batch, search.orders, &filled, orders_max)
    };
    let mut prices = WholePrices::of(&candidate.prices, batch.fee_token.at());
    let mut best = solved(&prices);
    for token in prices.coarse().collect::<Vec<_>>() {
        for by in [-1, 1] {
            let changed = prices.changed(token, by);
            let found = solved(&changed);
            let is_better = match (&found, &best) {
                (Some((found, _)), Some((best, _))) => found.compare(best).is_gt(),
                (found, best) => found.is_some() && best.is_none(),
            };
            if is_better {
                (prices, best) = (changed, found);
                break;
            }
        }
    }
    best
}
