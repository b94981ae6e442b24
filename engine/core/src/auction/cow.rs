//! CoW Protocol's combinatorial auction, literally, over solutions that are known by their score on each directed
//! pair: what it filters, whom it lets win, what it pays; and the exact selection beside it.
//!
//! Source: `winner_selection.rs` of cowprotocol/services and CIP-67. It knows no venue: a solution stands or falls by
//! the directed pairs that it trades.

use std::collections::{BTreeMap, BTreeSet};

use super::select::best_disjoint;
use super::step::{Value, advance, opening, steps, writes};
use super::{AuctionInput, Bundle, footprint};
use crate::intent::Kind;
use crate::lanes::Resource;
use crate::money::{Atoms, Rounding, Score, mul_div};
use crate::names::SolverId;
use crate::refusal::Refusal;

/// A sell token and a buy token, by number.
pub type DirectedPair = (u32, u32);

/// One solution: what it scores on each directed pair that it trades.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CowSolution {
    /// Whose.
    pub solver: SolverId,
    /// The sum of its trades' scores by directed pair.
    pub by_pair: BTreeMap<DirectedPair, Score>,
}

/// One trade of an order: its limit, what it trades, and the value of 10^18 atoms of its buy token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CowTrade {
    /// Which side is fixed.
    pub kind: Kind,
    /// The order's sell amount: the most to sell where the bought amount is fixed.
    pub limit_sell: Atoms,
    /// The order's buy amount: the least to buy where the sold amount is fixed.
    pub limit_buy: Atoms,
    /// Atoms sold.
    pub sold: Atoms,
    /// Atoms bought.
    pub bought: Atoms,
    /// What 10^18 atoms of the buy token are worth.
    pub buy_price: Atoms,
}

/// What CoW's rules make of some solutions; places are those of the list that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CowOutcome {
    /// The solutions that the fairness filter leaves, best score first.
    pub fair: Vec<usize>,
    /// Those that win, best score first.
    pub winners: Vec<usize>,
    /// The winners' total score.
    pub score: Score,
    /// For each solver that wins, what the same selection reaches without it; not filtered again.
    pub reference: BTreeMap<SolverId, Score>,
    /// The most that fair solutions with disjoint pairs could score together, and what that leaves unproved.
    pub exact: (Score, Score),
}

impl CowTrade {
    /// The surplus in the buy token times its price; `None` if the trade breaks its limit or an amount is too large.
    ///
    /// A buy order's surplus is converted at its limit price.
    #[must_use]
    pub fn score(&self) -> Option<Score> {
        let surplus = match self.kind {
            Kind::ExactIn => {
                self.bought.checked_sub(mul_div(self.sold, self.limit_buy, self.limit_sell, Rounding::Up)?)?
            }
            Kind::ExactOut => {
                let most = mul_div(self.limit_sell, self.bought, self.limit_buy, Rounding::Down)?;
                mul_div(most.checked_sub(self.sold)?, self.limit_buy, self.limit_sell, Rounding::Down)?
            }
        };
        Score::try_from(mul_div(surplus, self.buy_price, 1_000_000_000_000_000_000, Rounding::Down)?).ok()
    }
}

impl CowSolution {
    fn score(&self) -> Score {
        self.by_pair.values().copied().fold(0, Score::saturating_add)
    }
}

/// Applies CoW's rules: solutions without score are discarded, unfair ones filtered, the rest win greedily.
#[must_use]
pub fn cow_select(solutions: &[CowSolution]) -> CowOutcome {
    let baselines = baselines(solutions);
    let is_fair = |solution: &CowSolution| {
        let reaches = |(pair, score): (&DirectedPair, &Score)| baselines.get(pair).is_none_or(|least| score >= least);
        solution.score() > 0 && (solution.by_pair.len() == 1 || solution.by_pair.iter().all(reaches))
    };
    let mut fair: Vec<(usize, &CowSolution)> =
        solutions.iter().enumerate().filter(|(_, solution)| is_fair(solution)).collect();
    fair.sort_by_key(|(_, solution)| std::cmp::Reverse(solution.score()));
    let winners = greedy(&fair, None);
    let total = |winners: &[(usize, &CowSolution)]| {
        winners.iter().fold(0, |sum: Score, (_, winner)| sum.saturating_add(winner.score()))
    };
    let without = |winner: &(usize, &CowSolution)| {
        let solver = winner.1.solver;
        (solver, total(&greedy(&fair, Some(solver))))
    };
    CowOutcome {
        reference: winners.iter().map(without).collect(),
        exact: exact(&fair),
        score: total(&winners),
        fair: fair.iter().map(|(at, _)| *at).collect(),
        winners: winners.iter().map(|(at, _)| *at).collect(),
    }
}

/// Which of these valid bundles, executed one after another, find what they need of intents, venues and scarce reserves;
/// one that does not leaves everything as it is.
///
/// Disjoint pairs are no proof: an intent may be filled on another pair by each of its options.
#[must_use]
pub fn cow_delivered<'a>(input: &AuctionInput, bundles: impl IntoIterator<Item = &'a Bundle>) -> Vec<bool> {
    let mut states: BTreeMap<Resource, Value> = BTreeMap::new();
    let execute = |bundle: &Bundle| {
        let resources: Vec<Resource> = writes(&footprint(input, bundle)).collect();
        let after = resources.iter().zip(steps(input, bundle, &resources)).map(|(resource, step)| {
            let before = states.get(resource).cloned().unwrap_or_else(|| opening(input, *resource));
            advance(input, *resource, &step, &before).map(|value| (*resource, value))
        });
        let after: Result<Vec<_>, Refusal> = after.collect();
        let is_delivered = after.is_ok();
        states.extend(after.into_iter().flatten());
        is_delivered
    };
    bundles.into_iter().map(execute).collect()
}

/// What a solver is paid: what it added to the total, less the scores that it won and did not deliver, within
/// `[-penalty_max, reward_max]`.
#[must_use]
pub fn cow_reward(total: Score, reference: Score, missing: Score, penalty_max: Score, reward_max: Score) -> Score {
    let due = total.saturating_sub(reference).saturating_sub(missing);
    due.min(reward_max).max(penalty_max.saturating_neg())
}

/// The best score on each directed pair among the solutions that trade nothing else.
fn baselines(solutions: &[CowSolution]) -> BTreeMap<DirectedPair, Score> {
    let mut best: BTreeMap<DirectedPair, Score> = BTreeMap::new();
    for solution in solutions.iter().filter(|solution| solution.by_pair.len() == 1) {
        for (pair, score) in &solution.by_pair {
            let slot = best.entry(*pair).or_default();
            *slot = (*slot).max(*score);
        }
    }
    best
}

/// The solutions that win in this order, one solver left out: each whose pairs no earlier winner trades.
fn greedy<'a>(fair: &[(usize, &'a CowSolution)], left_out: Option<SolverId>) -> Vec<(usize, &'a CowSolution)> {
    let mut traded: BTreeSet<DirectedPair> = BTreeSet::new();
    let mut winners = Vec::new();
    for (at, solution) in fair.iter().filter(|(_, solution)| Some(solution.solver) != left_out) {
        if solution.by_pair.keys().all(|pair| !traded.contains(pair)) {
            traded.extend(solution.by_pair.keys());
            winners.push((*at, *solution));
        }
    }
    winners
}

fn exact(fair: &[(usize, &CowSolution)]) -> (Score, Score) {
    let mut groups: BTreeMap<DirectedPair, Vec<usize>> = BTreeMap::new();
    for (place, (_, solution)) in fair.iter().enumerate() {
        for pair in solution.by_pair.keys() {
            groups.entry(*pair).or_default().push(place);
        }
    }
    let weights = fair.iter().map(|(_, solution)| solution.score()).collect();
    best_disjoint(weights, groups.into_values())
}
