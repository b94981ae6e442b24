//! Venue states as bundles of one answer use them, beside the states at the open.
//!
//! A bundle is judged alone on the opening state and again when its turn comes, so an amount is
//! offered only if both states allow it.

use clearlane_core::auction::{AuctionInput, AuctionVenue, Bundle, VenueUse};
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;
use clearlane_core::venue::{Direction, Rate, Terms, VenueState};
use clearlane_core::wide::U512;

use super::curve::Curve;
use super::value;

/// How much flatter a stable pool is taken to be than one of constant product.
const STABLE_FLATNESS: f64 = 10.0;

/// One way through one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) venue: usize,
    pub(super) direction: Direction,
    pub(super) to: DenominationIndex,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Book<'a> {
    venues: &'a [AuctionVenue],
    states: Vec<VenueState>,
    /// The uses of each venue with the score of their bundle, best first: the order of execution.
    uses: Vec<Vec<(f64, VenueUse)>>,
    /// What each venue makes of an amount, in estimate, by the place of the direction.
    curves: Vec<Vec<Curve>>,
    /// The ways out of each denomination.
    hops: Vec<Vec<Hop>>,
    execution: Execution,
}

/// How the bundles of an answer will be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Execution {
    /// One after another, best first; each must also hold alone on the opening state.
    Alone,
    /// Merged into few bundles, so that flows against each other meet inside them.
    Merged,
}

impl<'a> Book<'a> {
    pub(super) fn open(input: &'a AuctionInput, execution: Execution) -> Book<'a> {
        let mut hops = vec![Vec::new(); input.denominations.len()];
        for (at, venue) in input.venues.iter().enumerate() {
            for direction in venue.directions() {
                let Some((from, to)) = venue.sides(direction) else { continue };
                let is_offered = venue.terms.best_rate(&venue.opening, direction).is_some();
                let ways: Option<&mut Vec<Hop>> = hops.get_mut(from.at()).filter(|_| is_offered);
                ways.into_iter().for_each(|ways| ways.push(Hop { venue: at, direction, to }));
            }
        }
        let states: Vec<VenueState> = input.venues.iter().map(|venue| venue.opening).collect();
        let curves = input.venues.iter().map(|venue| curves(venue, [&venue.opening; 2])).collect();
        let uses = vec![Vec::new(); states.len()];
        Book { venues: &input.venues, uses, states, curves, hops, execution }
    }

    pub(super) fn hops_from(&self, denomination: DenominationIndex) -> &[Hop] {
        self.hops.get(denomination.at()).map_or(&[], Vec::as_slice)
    }

    /// What a hop makes of an amount, in estimate.
    pub(super) fn curve(&self, hop: Hop) -> Curve {
        let coins = self.venues.get(hop.venue).map_or(0, |venue| venue.coins.count());
        let found = self.curves.get(hop.venue).and_then(|curves| curves.get(hop.direction.place(coins)));
        found.copied().unwrap_or(Curve::NOTHING)
    }

    /// How often a venue was used.
    pub(super) fn version(&self, venue: usize) -> usize {
        self.uses.get(venue).map_or(0, Vec::len)
    }

    /// The most that `amount_in` buys both at the open and now.
    pub(super) fn out_for(&self, hop: Hop, amount_in: Atoms) -> Option<Atoms> {
        let (venue, state) = (self.venues.get(hop.venue)?, self.states.get(hop.venue)?);
        let now = venue.terms.out_for(state, hop.direction, amount_in)?;
        if !self.is_mergeable(hop, amount_in) {
            return None;
        }
        if self.version(hop.venue) == 0 || self.execution == Execution::Merged {
            return Some(now);
        }
        Some(now.min(venue.terms.out_for(&venue.opening, hop.direction, amount_in)?))
    }

    /// The least that buys `amount_out` both at the open and now.
    pub(super) fn in_for(&self, hop: Hop, amount_out: Atoms) -> Option<Atoms> {
        let (venue, state) = (self.venues.get(hop.venue)?, self.states.get(hop.venue)?);
        let now = venue.terms.in_for(state, hop.direction, amount_out)?;
        if !self.is_mergeable(hop, now) {
            return None;
        }
        if self.version(hop.venue) == 0 || self.execution == Execution::Merged {
            return Some(now);
        }
        Some(now.max(venue.terms.in_for(&venue.opening, hop.direction, amount_out)?))
    }

    /// Whether one use can do what all uses of the venue do with this one: all are of the same two coins, and what
    /// goes into a rail stays within its limit. Only merged bundles need it.
    fn is_mergeable(&self, hop: Hop, amount_in: Atoms) -> bool {
        let uses = self.uses.get(hop.venue).map_or(&[][..], Vec::as_slice);
        let Some((_, first)) = uses.first().filter(|_| self.execution == Execution::Merged) else { return true };
        let is_same_pair = hop.direction == first.direction || hop.direction == first.direction.reversed();
        match self.venues.get(hop.venue).map(|venue| &venue.terms) {
            Some(Terms::Rail(rail)) => {
                let sum = uses.iter().fold(amount_in, |sum, (_, used)| sum.saturating_add(used.amount_in));
                is_same_pair && sum <= rail.max_in
            }
            Some(_) | None => is_same_pair,
        }
    }

    /// Adds a bundle at the place that its score gives it; false, and nothing changes, unless it and all
    /// that come after it still hold.
    pub(super) fn insert(&mut self, score: f64, bundle: &Bundle) -> bool {
        let states = bundle.uses.iter().map(|used| self.state_with(score, used)).collect::<Option<Vec<_>>>();
        let Some(states) = states else { return false };
        for (used, state) in bundle.uses.iter().zip(states) {
            self.set(score, used, state);
        }
        true
    }

    /// The least score among the bundles that share a venue with this one.
    pub(super) fn least_score(&self, bundle: &Bundle) -> Option<f64> {
        let last = |used: &VenueUse| self.uses.get(used.venue.at())?.last().map(|(score, _)| *score);
        bundle.uses.iter().filter_map(last).min_by(f64::total_cmp)
    }

    /// The last state of a venue if `used` is inserted among its uses; none if one of them fails then.
    fn state_with(&self, score: f64, used: &VenueUse) -> Option<VenueState> {
        let at = used.venue.at();
        let (venue, uses) = (self.venues.get(at)?, self.uses.get(at)?);
        let take = |state: VenueState, used: &VenueUse| {
            venue.terms.take(&state, used.direction, used.amount_in, used.amount_out).ok()
        };
        let (earlier, later) = uses.split_at(place_of(uses, score));
        if later.is_empty() || self.execution == Execution::Merged {
            return take(*self.states.get(at)?, used);
        }
        let before = earlier.iter().try_fold(venue.opening, |state, (_, each)| take(state, each))?;
        later.iter().try_fold(take(before, used)?, |state, (_, each)| take(state, each))
    }

    fn set(&mut self, score: f64, used: &VenueUse, state: VenueState) {
        let at = used.venue.at();
        let slots = self.states.get_mut(at).zip(self.uses.get_mut(at)).zip(self.curves.get_mut(at));
        if let Some((venue, ((slot, uses), slopes))) = self.venues.get(at).zip(slots) {
            *slopes = match self.execution {
                Execution::Alone => curves(venue, [&venue.opening, &state]),
                Execution::Merged => curves(venue, [&state; 2]),
            };
            uses.insert(place_of(uses, score), (score, *used));
            *slot = state;
        }
    }
}

fn place_of(uses: &[(f64, VenueUse)], score: f64) -> usize {
    uses.partition_point(|(each, _)| *each >= score)
}

/// By the place of each direction, the least of the best rates in both states, and how fast it falls in the second.
fn curves(venue: &AuctionVenue, states: [&VenueState; 2]) -> Vec<Curve> {
    let coins = venue.coins.count();
    let mut curves = vec![Curve::NOTHING; coins.saturating_mul(coins)];
    for direction in venue.directions() {
        let [first, second] = states.map(|state| venue.terms.best_rate(state, direction).map_or(0.0, estimate));
        let (rate, [_, state]) = (first.min(second), states);
        if let Some(curve) = curves.get_mut(direction.place(coins)) {
            *curve = Curve { rate, slope: slope(&venue.terms, state, direction, rate).unwrap_or(0.0) };
        }
    }
    curves
}

/// How fast a rate falls, to the second order of `r_out (1 - (r_in / (r_in + a))^(w_in / w_out))`, the reserves of a
/// concentrated pool being the virtual ones of its range; none for what is not a pool.
fn slope(terms: &Terms, state: &VenueState, direction: Direction, rate: f64) -> Option<f64> {
    let out = match (terms, state) {
        (_, VenueState::Pool { reserves_micro }) => {
            value::wide_float(U512::from(reserves_micro.get(direction.into)?)) / 1e6
        }
        (Terms::Concentrated(pool), VenueState::Concentrated { sqrt_price, .. }) => {
            let (above, below) = pool.liquidity_at(*sqrt_price);
            let is_falling = direction == Direction::FORWARD;
            let price = value::wide_float(U512::from(*sqrt_price)) / 2.0_f64.powi(96);
            let liquidity = value::float(if is_falling { below } else { above });
            if is_falling { liquidity * price } else { liquidity / price }
        }
        (_, VenueState::Counter { .. } | VenueState::Concentrated { .. }) => return None,
    };
    let (weights, flatness) = match terms {
        Terms::Weighted(pool) => {
            let weight = |coin| pool.weights.get(coin).map(|weight| value::float(weight.into()));
            (1.0 + weight(direction.into)? / weight(direction.from)?, 1.0)
        }
        Terms::Stable(_) => (2.0, STABLE_FLATNESS),
        Terms::ConstantProduct(_) | Terms::Concentrated(_) | Terms::Ladder(_) | Terms::Rail(_) => (2.0, 1.0),
    };
    (out > 0.0).then(|| rate * weights / (2.0 * out * flatness))
}

fn estimate(rate: Rate) -> f64 {
    let denominator = value::wide_float(rate.denominator);
    if denominator > 0.0 { value::wide_float(rate.numerator) / denominator } else { 0.0 }
}
