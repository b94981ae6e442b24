//! Venue states as bundles of one answer use them, beside the states at the open.
//!
//! A bundle is judged alone on the opening state and again when its turn comes, so an amount is
//! offered only if both states allow it.

use clearlane_core::auction::{AuctionInput, AuctionVenue, Bundle, VenueUse};
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;
use clearlane_core::refusal::Refusal;
use clearlane_core::venue::{Direction, Rate, VenueState};
use clearlane_core::wide::U512;

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
    /// How often each venue was used.
    versions: Vec<u32>,
    /// Atoms out per atom in at best, per venue and direction; zero if it can't be used.
    rates: Vec<[f64; 2]>,
    /// The ways out of each denomination.
    hops: Vec<Vec<Hop>>,
}

impl<'a> Book<'a> {
    pub(super) fn open(input: &'a AuctionInput) -> Book<'a> {
        let mut hops = vec![Vec::new(); input.denominations.len()];
        for (at, venue) in input.venues.iter().enumerate() {
            let [first, second] = venue.coins;
            for (direction, from, to) in [(Direction::Forward, first, second), (Direction::Backward, second, first)] {
                if venue.terms.best_rate(&venue.opening, direction).is_some() {
                    let ways: Option<&mut Vec<Hop>> = hops.get_mut(from.at());
                    ways.into_iter().for_each(|ways| ways.push(Hop { venue: at, direction, to }));
                }
            }
        }
        let states: Vec<VenueState> = input.venues.iter().map(|venue| venue.opening).collect();
        let rates = input.venues.iter().map(|venue| rates(venue, &venue.opening)).collect();
        Book { venues: &input.venues, versions: vec![0; states.len()], states, rates, hops }
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

    pub(super) fn version(&self, venue: usize) -> u32 {
        self.versions.get(venue).copied().unwrap_or(0)
    }

    /// The most that `amount_in` buys both at the open and now.
    pub(super) fn out_for(&self, hop: Hop, amount_in: Atoms) -> Option<Atoms> {
        let (venue, state) = (self.venues.get(hop.venue)?, self.states.get(hop.venue)?);
        let now = venue.terms.out_for(state, hop.direction, amount_in)?;
        if self.version(hop.venue) == 0 {
            return Some(now);
        }
        Some(now.min(venue.terms.out_for(&venue.opening, hop.direction, amount_in)?))
    }

    /// The least that buys `amount_out` both at the open and now.
    pub(super) fn in_for(&self, hop: Hop, amount_out: Atoms) -> Option<Atoms> {
        let (venue, state) = (self.venues.get(hop.venue)?, self.states.get(hop.venue)?);
        let now = venue.terms.in_for(state, hop.direction, amount_out)?;
        if self.version(hop.venue) == 0 {
            return Some(now);
        }
        Some(now.max(venue.terms.in_for(&venue.opening, hop.direction, amount_out)?))
    }

    /// Executes the uses of a bundle; on a refusal nothing changes.
    pub(super) fn execute(&mut self, bundle: &Bundle) -> Result<(), Refusal> {
        let states = bundle.uses.iter().map(|used| self.state_after(used)).collect::<Result<Vec<_>, Refusal>>()?;
        for (used, state) in bundle.uses.iter().zip(states) {
            self.set(used.venue.at(), state);
        }
        Ok(())
    }

    fn state_after(&self, used: &VenueUse) -> Result<VenueState, Refusal> {
        let at = used.venue.at();
        let known = self.venues.get(at).zip(self.states.get(at));
        let unknown = || Refusal::new(clearlane_core::refusal::Reason::UnknownVenue, "uses", "expected a venue on offer");
        let (venue, state) = known.ok_or_else(unknown)?;
        venue.terms.take(state, used.direction, used.amount_in, used.amount_out)
    }

    fn set(&mut self, at: usize, state: VenueState) {
        let venue = self.venues.get(at);
        let slots = self.states.get_mut(at).zip(self.versions.get_mut(at)).zip(self.rates.get_mut(at));
        if let (Some(venue), Some(((slot, version), rate))) = (venue, slots) {
            *rate = rates(venue, &state);
            *version = version.saturating_add(1);
            *slot = state;
        }
    }
}

fn rates(venue: &AuctionVenue, state: &VenueState) -> [f64; 2] {
    [Direction::Forward, Direction::Backward].map(|direction| {
        let now = venue.terms.best_rate(state, direction).map_or(0.0, estimate);
        let opening = venue.terms.best_rate(&venue.opening, direction).map_or(0.0, estimate);
        now.min(opening)
    })
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
