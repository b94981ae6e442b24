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
    /// Atoms out per atom in at best, per venue and direction; zero if it can't be used.
    rates: Vec<[f64; 2]>,
    /// How fast these rates fall, per atom in.
    slopes: Vec<[f64; 2]>,
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
            let [first, second] = venue.coins;
            for (direction, from, to) in [(Direction::Forward, first, second), (Direction::Backward, second, first)] {
                let is_offered = venue.terms.best_rate(&venue.opening, direction).is_some();
                let ways: Option<&mut Vec<Hop>> = hops.get_mut(from.at()).filter(|_| is_offered);
                ways.into_iter().for_each(|ways| ways.push(Hop { venue: at, direction, to }));
            }
        }
        let states: Vec<VenueState> = input.venues.iter().map(|venue| venue.opening).collect();
        let rates: Vec<[f64; 2]> = input.venues.iter().map(|venue| rates(venue, [&venue.opening; 2])).collect();
        let slopes = input.venues.iter().zip(&rates).map(|(venue, rates)| slopes(venue, &venue.opening, *rates));
        let (slopes, uses) = (slopes.collect(), vec![Vec::new(); states.len()]);
        Book { venues: &input.venues, uses, states, rates, slopes, hops, execution }
    }

    pub(super) fn hops_from(&self, denomination: DenominationIndex) -> &[Hop] {
        self.hops.get(denomination.at()).map_or(&[], Vec::as_slice)
    }

    /// An estimate of the best atoms out per atom in.
    pub(super) fn rate(&self, hop: Hop) -> f64 {
        let [forward, backward] = self.rates.get(hop.venue).copied().unwrap_or_default();
        match hop.direction {
            Direction::Forward => forward,
            Direction::Backward => backward,
        }
    }

    /// What a hop makes of an amount, in estimate.
    pub(super) fn curve(&self, hop: Hop) -> Curve {
        let [forward, backward] = self.slopes.get(hop.venue).copied().unwrap_or_default();
        let slope = match hop.direction {
            Direction::Forward => forward,
            Direction::Backward => backward,
        };
        Curve { rate: self.rate(hop), slope }
    }

    /// How often a venue was used.
    pub(super) fn version(&self, venue: usize) -> usize {
        self.uses.get(venue).map_or(0, Vec::len)
    }

    /// The most that `amount_in` buys both at the open and now.
    pub(super) fn out_for(&self, hop: Hop, amount_in: Atoms) -> Option<Atoms> {
        let (venue, state) = (self.venues.get(hop.venue)?, self.states.get(hop.venue)?);
        let now = venue.terms.out_for(state, hop.direction, amount_in)?;
        if self.version(hop.venue) == 0 || self.execution == Execution::Merged {
            return Some(now);
        }
        Some(now.min(venue.terms.out_for(&venue.opening, hop.direction, amount_in)?))
    }

    /// The least that buys `amount_out` both at the open and now.
    pub(super) fn in_for(&self, hop: Hop, amount_out: Atoms) -> Option<Atoms> {
        let (venue, state) = (self.venues.get(hop.venue)?, self.states.get(hop.venue)?);
        let now = venue.terms.in_for(state, hop.direction, amount_out)?;
        if self.version(hop.venue) == 0 || self.execution == Execution::Merged {
            return Some(now);
        }
        Some(now.max(venue.terms.in_for(&venue.opening, hop.direction, amount_out)?))
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
        let slots = self.states.get_mut(at).zip(self.uses.get_mut(at)).zip(self.rates.get_mut(at));
        if let (Some(venue), Some(((slot, uses), rate)), Some(slope)) =
            (self.venues.get(at), slots, self.slopes.get_mut(at))
        {
            *rate = match self.execution {
                Execution::Alone => rates(venue, [&venue.opening, &state]),
                Execution::Merged => rates(venue, [&state; 2]),
            };
            *slope = slopes(venue, &state, *rate);
            uses.insert(place_of(uses, score), (score, *used));
            *slot = state;
        }
    }
}

fn place_of(uses: &[(f64, VenueUse)], score: f64) -> usize {
    uses.partition_point(|(each, _)| *each >= score)
}

/// Per direction, the least of the best rates in both states.
fn rates(venue: &AuctionVenue, states: [&VenueState; 2]) -> [f64; 2] {
    [Direction::Forward, Direction::Backward].map(|direction| {
        let [first, second] = states.map(|state| venue.terms.best_rate(state, direction).map_or(0.0, estimate));
        first.min(second)
    })
}

/// Per direction, how fast the rate falls; none for what is not a pool.
fn slopes(venue: &AuctionVenue, state: &VenueState, rates: [f64; 2]) -> [f64; 2] {
    let VenueState::Pool { reserves_micro } = state else { return [0.0; 2] };
    let [first, second] = reserves_micro.map(|reserve| float(U512::from(reserve)) / 1e6);
    let [first_weight, second_weight] = match &venue.terms {
        Terms::Weighted(pool) => pool.weights.map(f64::from),
        Terms::ConstantProduct(_) | Terms::Stable(_) | Terms::Ladder(_) | Terms::Rail(_) => [1.0; 2],
    };
    let flatness = match &venue.terms {
        Terms::Stable(_) => STABLE_FLATNESS,
        Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Ladder(_) | Terms::Rail(_) => 1.0,
    };
    let [forward, backward] = rates;
    // Of the curve `r_out (1 - (r_in / (r_in + a))^(w_in / w_out))`, to the second order.
    let slope =
        |rate: f64, out: f64, weights: f64| if out > 0.0 { rate * weights / (2.0 * out * flatness) } else { 0.0 };
    [
        slope(forward, second, 1.0 + second_weight / first_weight),
        slope(backward, first, 1.0 + first_weight / second_weight),
    ]
}

fn estimate(rate: Rate) -> f64 {
    let denominator = float(rate.denominator);
    if denominator > 0.0 { float(rate.numerator) / denominator } else { 0.0 }
}

/// The nearest float, from the leading 64 bits.
#[expect(clippy::cast_precision_loss, reason = "floats only choose between proposals")]
fn float(wide: U512) -> f64 {
    let shift = wide.bit_len().saturating_sub(64);
    let leading: u64 = (wide >> shift).saturating_to();
    leading as f64 * 2.0_f64.powi(i32::try_from(shift).unwrap_or(i32::MAX))
}
