//! Searches prices: from one pair of tokens and the fee token to as many tokens as make a solution better.
//!
//! Along one line, a token's price or that of several together, what executes changes only where an order's limit is
//! met, so the limits are the places to look at.

use std::collections::BTreeSet;

use super::fill::{Fill, Terms, fill};
use super::kick::Kicks;
use super::orders::{KEPT, Orders};

/// How far inside a limit a price is put, so that no rounding of floats breaks it.
const INSIDE: f64 = 1e-12;
/// Places looked at before the neighbourhood of the best one is: on a pair, where a fill takes microseconds, and on more.
const PAIR_PLACES: usize = 256;
const PLACES: usize = 24;
/// So few limits that the middles between them are places too.
const FEW_LIMITS: usize = 12;
/// Steps of the search between two limits.
const BETWEEN_STEPS: usize = 14;
/// Random changes without a better candidate after which a search ends.
const KICKS_IN_VAIN_MAX: usize = 80;
/// By which part a climb's round must make a candidate better for another round.
const CLOSELY: f64 = 1e-5;
const ROUGHLY: f64 = 1e-3;
/// How much better a price must be to be taken: less is noise.
const BETTER: f64 = 1.0 + 1e-9;

/// Prices and what they are worth.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidate {
    /// By token, in atoms of the fee token; zero if the token is not traded.
    pub(super) prices: Vec<f64>,
    /// The objective.
    pub(super) value: f64,
}

/// How closely a line is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Only where limits are met, at nearly all of them.
    Pair,
    /// Only where limits are met.
    Limits,
    /// Between the best limit and its neighbours too.
    Between,
}

/// A search with its bounds.
pub(super) struct Search<'a> {
    /// The orders.
    pub(super) orders: &'a Orders,
    /// What is tried at each set of prices.
    pub(super) terms: Terms,
    /// Multiplications done.
    pub(super) work: u64,
    /// Multiplications after which it ends.
    pub(super) work_max: u64,
    /// Whether the caller's time is over.
    pub(super) is_spent: &'a dyn Fn() -> bool,
}

impl Search<'_> {
    /// Whether it has to end.
    pub(super) fn is_over(&self) -> bool {
        self.work >= self.work_max || (self.is_spent)()
    }

    pub(super) fn fill(&mut self, prices: &[f64]) -> Fill {
        fill(self.orders, prices, self.terms, &mut self.work)
    }

    /// The pairs of tokens, each with the fee token, best first.
    pub(super) fn seeds(&mut self) -> Vec<Candidate> {
        let (fee, tokens) = (self.orders.fee, self.orders.tokens);
        let mut seeds = Vec::new();
        for first in (0..tokens).filter(|token| *token != fee) {
            let mut prices = vec![0.0; tokens];
            prices[fee] = 1.0;
            if self.is_over() || self.orders.between(fee, first).is_empty() {
                continue;
            }
            seeds.extend(self.along(&Candidate { prices: prices.clone(), value: 0.0 }, &[first], Depth::Pair));
            for price in self.fed_prices(first) {
                prices[first] = price;
                let base = Candidate { prices: prices.clone(), value: 0.0 };
                for second in self.traded_with(first) {
                    seeds.extend(self.along(&base, &[second], Depth::Pair));
                }
            }
        }
        seeds.sort_by(|a, b| b.value.total_cmp(&a.value));
        seeds
    }

    /// The tokens that are traded for this one both ways, without the fee token.
    fn traded_with(&self, token: usize) -> Vec<usize> {
        let is_traded = |other: &usize| {
            let (there, back) = (self.orders.between(token, *other), self.orders.between(*other, token));
            *other != self.orders.fee && !there.is_empty() && !back.is_empty()
        };
        (0..self.orders.tokens).filter(is_traded).collect()
    }

    /// Prices of a token at which owners sell the fee token for it, the most that each of a few accepts.
    fn fed_prices(&self, token: usize) -> Vec<f64> {
        const FEEDS_MAX: usize = 4;
        let feeds = self.orders.between(self.orders.fee, token);
        let mut prices: Vec<f64> = feeds.iter().map(|at| KEPT / self.orders.list[*at].limit * (1.0 - INSIDE)).collect();
        prices.dedup();
        let step = prices.len().div_ceil(FEEDS_MAX).max(1);
        let last = prices.last().copied();
        let mut chosen: Vec<f64> = prices.into_iter().step_by(step).collect();
        chosen.extend(last);
        chosen.dedup();
        chosen
    }

    /// The factors of a group's prices at which a limit is met, in order.
    fn limits(&self, candidate: &Candidate, group: &[usize]) -> Vec<f64> {
        let mut factors = Vec::new();
        let of = |token: usize| candidate.prices[token];
        for &token in group {
            let own = if of(token) > 0.0 { of(token) } else { 1.0 };
            for other in (0..self.orders.tokens).filter(|other| of(*other) > 0.0 && !group.contains(other)) {
                let ratio = of(other) / own;
                let sells = self.orders.between(token, other).iter();
                factors.extend(sells.map(|at| self.orders.list[*at].limit * ratio / KEPT * (1.0 + INSIDE)));
                let buys = self.orders.between(other, token).iter();
                factors.extend(buys.map(|at| KEPT * ratio / self.orders.list[*at].limit * (1.0 - INSIDE)));
            }
        }
        factors.retain(|factor| factor.is_finite() && *factor > 0.0);
        factors.sort_by(f64::total_cmp);
        factors.dedup();
        if factors.len() <= FEW_LIMITS {
            let between: Vec<f64> = factors.windows(2).map(|pair| (pair[0] * pair[1]).sqrt()).collect();
            factors.extend(between);
            factors.sort_by(f64::total_cmp);
        }
        factors
    }

    fn moved(&mut self, candidate: &Candidate, group: &[usize], factor: f64) -> Candidate {
        let mut prices = candidate.prices.clone();
        for token in group {
            let own = if prices[*token] > 0.0 { prices[*token] } else { 1.0 };
            prices[*token] = own * factor;
        }
        let value = self.fill(&prices).value;
        Candidate { prices, value }
    }

    /// The best that a change of a group's prices by one factor reaches, if it is better.
    pub(super) fn along(&mut self, candidate: &Candidate, group: &[usize], depth: Depth) -> Option<Candidate> {
        let factors = self.limits(candidate, group);
        let mut best = candidate.clone();
        let mut best_at = None;
        let (mut low, mut high) = (0, factors.len().checked_sub(1)?);
        loop {
            let places = if depth == Depth::Pair { PAIR_PLACES } else { PLACES };
            let step = (high - low).div_ceil(places).max(1);
            for at in (low..=high).step_by(step) {
                let found = self.moved(candidate, group, factors[at]);
                if found.value > best.value * BETTER {
                    (best, best_at) = (found, Some(at));
                }
            }
            let Some(at) = best_at.filter(|_| step > 1 && !self.is_over()) else { break };
            (low, high) = (at.saturating_sub(step - 1).max(low), (at + step - 1).min(high));
        }
        if depth == Depth::Between {
            let own = factors.partition_point(|factor| *factor < 1.0);
            let at = best_at.unwrap_or(own);
            let neighbour = |at: usize| factors.get(at).copied();
            let middle = best_at.map_or(1.0, |at| factors[at]);
            for edge in [at.checked_sub(1).and_then(neighbour), neighbour(at + 1)].into_iter().flatten() {
                let found = self.between(candidate, group, [middle, edge]);
                if found.value > best.value * BETTER {
                    best = found;
                }
            }
        }
        (best.value > candidate.value * BETTER).then_some(best)
    }

    /// The best between two factors, by golden sections.
    fn between(&mut self, candidate: &Candidate, group: &[usize], ends: [f64; 2]) -> Candidate {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let [mut low, mut high] = ends.map(f64::ln);
        let mut moved = |place: f64| (place, self.moved(candidate, group, place.exp()));
        let mut left = moved(high - GOLDEN * (high - low));
        let mut right = moved(low + GOLDEN * (high - low));
        for _ in 0..BETWEEN_STEPS {
            if left.1.value > right.1.value {
                high = right.0;
                right = left;
                left = moved(high - GOLDEN * (high - low));
            } else {
                low = left.0;
                left = right;
                right = moved(low + GOLDEN * (high - low));
            }
        }
        if left.1.value > right.1.value { left.1 } else { right.1 }
    }

    /// Climbs from each start, then from random changes of the best candidate until the work is done.
    pub(super) fn explore(&mut self, starts: &[Candidate], others: &[Candidate], seed: u64) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        for start in starts {
            if !self.is_over() {
                found.push(self.climb(start.clone(), others, CLOSELY));
            }
        }
        let Some(mut best) = found.iter().max_by(|a, b| a.value.total_cmp(&b.value)).cloned() else { return found };
        let mut kicks = Kicks::new(seed);
        let mut in_vain = 0;
        while in_vain < KICKS_IN_VAIN_MAX && !self.is_over() {
            in_vain += 1;
            let kicked = kicks.kicked(&best, others, self.orders);
            let value = self.fill(&kicked.prices).value;
            let climbed = self.climb(Candidate { value, ..kicked }, others, ROUGHLY);
            if climbed.value > best.value * BETTER {
                best = climbed.clone();
                found.push(climbed);
                in_vain = 0;
            }
        }
        found
    }

    /// Moves prices and adds tokens and other candidates as long as each round makes it better by that part.
    fn climb(&mut self, mut candidate: Candidate, others: &[Candidate], part: f64) -> Candidate {
        loop {
            let before = candidate.value;
            self.move_prices(&mut candidate);
            self.add_tokens(&mut candidate);
            self.add_others(&mut candidate, others);
            if candidate.value <= before * (1.0 + part) || self.is_over() {
                return candidate;
            }
        }
    }

    fn improve(&mut self, candidate: &mut Candidate, group: &[usize], depth: Depth) -> bool {
        if group.is_empty() || self.is_over() {
            return false;
        }
        let better = self.along(candidate, group, depth);
        let is_better = better.is_some();
        *candidate = better.unwrap_or_else(|| std::mem::take(candidate));
        is_better
    }

    fn move_prices(&mut self, candidate: &mut Candidate) {
        for group in self.clusters(candidate) {
            self.improve(candidate, &group, Depth::Between);
        }
        for token in self.priced(candidate) {
            self.improve(candidate, &[token], Depth::Between);
        }
    }

    fn add_tokens(&mut self, candidate: &mut Candidate) {
        for token in (0..self.orders.tokens).filter(|token| *token != self.orders.fee) {
            if candidate.prices[token] > 0.0 || !self.is_passed(candidate, token) {
                continue;
            }
            if self.improve(candidate, &[token], Depth::Limits) {
                self.prune(candidate);
            }
        }
    }

    /// Whether orders among the priced tokens buy a token and sell it.
    fn is_passed(&self, candidate: &Candidate, token: usize) -> bool {
        let priced = |other: &usize| candidate.prices[*other] > 0.0;
        let is_bought = |other| !self.orders.between(other, token).is_empty();
        let is_sold = |other| !self.orders.between(token, other).is_empty();
        let others = || (0..self.orders.tokens).filter(priced);
        others().any(is_bought) && others().any(is_sold)
    }

    /// Adds the tokens of other candidates that have not all a price yet, on the scale of one that has.
    fn add_others(&mut self, candidate: &mut Candidate, others: &[Candidate]) {
        for seed in others {
            if self.is_over() {
                return;
            }
            let tokens = self.priced(seed);
            let known: Vec<usize> = tokens.iter().copied().filter(|token| candidate.prices[*token] > 0.0).collect();
            if known.len() == tokens.len() {
                continue;
            }
            let scale = known.first().map_or(1.0, |token| candidate.prices[*token] / seed.prices[*token]);
            let mut prices = candidate.prices.clone();
            for token in tokens.iter().filter(|token| candidate.prices[**token] == 0.0) {
                prices[*token] = seed.prices[*token] * scale;
            }
            let value = self.fill(&prices).value;
            if value > candidate.value * BETTER {
                *candidate = Candidate { prices, value };
                self.prune(candidate);
            }
        }
    }

    /// Takes the prices of tokens away that are not traded, unless that changes what executes for the worse.
    fn prune(&mut self, candidate: &mut Candidate) {
        let filled = self.fill(&candidate.prices);
        let mut traded: BTreeSet<usize> = [self.orders.fee].into();
        for (order, _) in &filled.trades {
            traded.extend([self.orders.list[*order].give, self.orders.list[*order].get]);
        }
        let kept = |(token, price): (usize, &f64)| if traded.contains(&token) { *price } else { 0.0 };
        let prices: Vec<f64> = candidate.prices.iter().enumerate().map(kept).collect();
        let value = self.fill(&prices).value;
        if value >= candidate.value {
            *candidate = Candidate { prices, value };
        }
    }

    /// The tokens with a price, without the fee token.
    fn priced(&self, candidate: &Candidate) -> Vec<usize> {
        (0..self.orders.tokens).filter(|token| *token != self.orders.fee && candidate.prices[*token] > 0.0).collect()
    }

    /// All tokens with a price, and those that trade with each other other than through the fee token.
    fn clusters(&mut self, candidate: &Candidate) -> Vec<Vec<usize>> {
        let tokens = self.priced(candidate);
        let filled = self.fill(&candidate.prices);
        let mut of: Vec<usize> = (0..self.orders.tokens).collect();
        for (order, _) in &filled.trades {
            let order = &self.orders.list[*order];
            if order.give != self.orders.fee && order.get != self.orders.fee {
                let (from, into) = (of[order.give], of[order.get]);
                for cluster in of.iter_mut().filter(|cluster| **cluster == from) {
                    *cluster = into;
                }
            }
        }
        let names: BTreeSet<usize> = tokens.iter().map(|token| of[*token]).collect();
        let cluster = |name: usize| tokens.iter().copied().filter(|token| of[*token] == name).collect();
        let mut groups: Vec<Vec<usize>> =
            names.into_iter().map(cluster).filter(|group: &Vec<usize>| group.len() > 1).collect();
        if groups.len() != 1 || groups[0].len() != tokens.len() {
            groups.push(tokens);
        }
        groups
    }
}
