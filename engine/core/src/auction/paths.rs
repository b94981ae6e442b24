//! The market as a graph: denominations joined by venues, and the short paths through it.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::{AuctionInput, AuctionVenue};
use crate::money::{Atoms, MILLION};
use crate::names::{DenominationIndex, VenueIndex};
use crate::venue::{Direction, Rate, VenueState};
use crate::wide::{U256, U512};

/// The longest path.
pub const HOPS_MAX: usize = 3;
/// The most paths kept for one pair: in dense markets the shortest ones are found first.
pub const PATHS_MAX: usize = 4_096;
/// The most unfinished paths that are followed at once: a market's hubs join thousands of venues.
const FRONTIER_MAX: usize = 65_536;

/// One step through a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The venue.
    pub venue: VenueIndex,
    /// Which way.
    pub direction: Direction,
    /// Where it leads.
    pub to: DenominationIndex,
}

/// Steps from one denomination to another, through different venues and denominations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    hops: [Hop; HOPS_MAX],
    length: usize,
}

impl Path {
    /// The path of no step.
    pub const EMPTY: Path = {
        let nowhere = Hop { venue: VenueIndex(0), direction: Direction::FORWARD, to: DenominationIndex(0) };
        Path { hops: [nowhere; HOPS_MAX], length: 0 }
    };

    /// The path with one step more, which must not be one too many.
    fn then(mut self, hop: Hop) -> Path {
        if let Some(slot) = self.hops.get_mut(self.length) {
            *slot = hop;
            self.length = self.length.saturating_add(1);
        }
        self
    }
}

impl Deref for Path {
    type Target = [Hop];

    fn deref(&self) -> &[Hop] {
        self.hops.get(..self.length).unwrap_or_default()
    }
}

/// The steps that leave each denomination.
#[derive(Clone, Debug)]
pub struct Market {
    hops: Vec<Vec<Hop>>,
}

impl Market {
    /// The market of an auction.
    #[must_use]
    pub fn new(input: &AuctionInput) -> Market {
        let mut hops: Vec<Vec<Hop>> = vec![Vec::new(); input.denominations.len()];
        for (at, venue) in input.venues.iter().enumerate() {
            let index = VenueIndex::from_at(at);
            for direction in venue.directions() {
                let Some((from, to)) = venue.sides(direction) else { continue };
                let is_offered = venue.terms.best_rate(&venue.opening, direction).is_some();
                if let Some(list) = hops.get_mut(from.at()).filter(|_| is_offered) {
                    list.push(Hop { venue: index, direction, to });
                }
            }
        }
        Market { hops }
    }

    /// Paths of at most [`HOPS_MAX`] steps, shortest first, then in order of venues; at most [`PATHS_MAX`].
    ///
    /// A denomination reaches itself by the empty path.
    #[must_use]
    pub fn paths(&self, from: DenominationIndex, to: DenominationIndex) -> Vec<Path> {
        if from == to {
            return vec![Path::EMPTY];
        }
        let ends = self.ends(to);
        let mut found = Vec::new();
        let mut frontier = vec![Path::EMPTY];
        for length in 1..=HOPS_MAX {
            // With one step left only those that end there matter.
            let hops = if length == HOPS_MAX { &ends } else { &self.hops };
            let mut longer = Vec::new();
            for path in &frontier {
                let here = path.last().map_or(from, |hop| hop.to);
                for hop in hops.get(here.at()).into_iter().flatten() {
                    let is_new = hop.to != from && path.iter().all(|step| step.to != hop.to && step.venue != hop.venue);
                    if !is_new {
                        continue;
                    }
                    if hop.to == to {
                        found.push(path.then(*hop));
                    } else if longer.len() < FRONTIER_MAX
                        && (length.saturating_add(1) < HOPS_MAX || leads(&ends, hop.to))
                    {
                        longer.push(path.then(*hop));
                    }
                    if found.len() >= PATHS_MAX {
                        return found;
                    }
                }
            }
            frontier = longer;
        }
        found
    }

    /// Of the steps that leave each denomination those that lead to this one.
    fn ends(&self, to: DenominationIndex) -> Vec<Vec<Hop>> {
        let ending = |hops: &Vec<Hop>| hops.iter().filter(|hop| hop.to == to).copied().collect();
        self.hops.iter().map(ending).collect()
    }
}

/// Whether any of these steps leaves a denomination.
fn leads(hops: &[Vec<Hop>], from: DenominationIndex) -> bool {
    hops.get(from.at()).is_some_and(|hops| !hops.is_empty())
}

/// Paths by pair, looked up once.
#[derive(Clone, Debug, Default)]
pub struct PathCache(BTreeMap<(DenominationIndex, DenominationIndex), Vec<Path>>);

impl PathCache {
    /// The paths of every pair that an option of the auction trades.
    #[must_use]
    pub fn new(input: &AuctionInput) -> PathCache {
        let market = Market::new(input);
        let mut cache = BTreeMap::new();
        for option in input.intents.iter().flat_map(|intent| &intent.options) {
            cache.entry((option.give, option.get)).or_insert_with(|| market.paths(option.give, option.get));
        }
        PathCache(cache)
    }

    /// The paths of a pair.
    #[must_use]
    pub fn paths(&self, give: DenominationIndex, get: DenominationIndex) -> &[Path] {
        self.0.get(&(give, get)).map_or(&[], Vec::as_slice)
    }
}

/// An upper bound on atoms out per atom in along a path: `mantissa * 2^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateBound {
    mantissa: u128,
    exponent: i32,
}

impl RateBound {
    /// A rate of one.
    pub const ONE: RateBound = RateBound { mantissa: 1 << 63, exponent: -63 };

    /// The bound of one venue's rate, rounded up to 64 bits; `None` if it is zero or undefined.
    #[must_use]
    pub fn of(rate: &Rate) -> Option<RateBound> {
        let excess = rate.numerator.bit_len().saturating_sub(448);
        let numerator: U512 = rate.numerator.wrapping_shr(excess);
        let room = 511_usize.saturating_sub(numerator.bit_len());
        let scaled = numerator.checked_add(U512::from(u8::from(excess > 0)))?.checked_shl(room)?;
        let quotient = crate::wide::div_up(scaled, rate.denominator)?;
        let drop = quotient.bit_len().saturating_sub(63);
        let mantissa = u128::try_from(quotient.wrapping_shr(drop)).ok()?.checked_add(1)?;
        let exponent = i32::try_from(drop).ok()?.checked_add(i32::try_from(excess).ok()?)?;
        Some(RateBound { mantissa, exponent: exponent.checked_sub(i32::try_from(room).ok()?)? })
    }

    /// The bound of two steps in a row, rounded up.
    #[must_use]
    pub fn then(self, next: RateBound) -> Option<RateBound> {
        let product = self.mantissa.checked_mul(next.mantissa)?;
        let drop = 128_u32.saturating_sub(product.leading_zeros()).saturating_sub(64);
        let mantissa = product.checked_shr(drop)?.checked_add(1)?;
        let exponent = self.exponent.checked_add(next.exponent)?.checked_add(i32::try_from(drop).ok()?)?;
        Some(RateBound { mantissa, exponent })
    }

    /// The most that `amount` gives at this rate, rounded up; saturates.
    #[must_use]
    pub fn of_amount(self, amount: Atoms) -> Atoms {
        let shift = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(usize::MAX);
        let product = U512::from(self.mantissa).checked_mul(U512::from(amount));
        let scaled = match (product, self.exponent >= 0) {
            (Some(product), true) => product.checked_shl(shift),
            (Some(product), false) => product.wrapping_shr(shift).checked_add(U512::ONE),
            (None, _) => None,
        };
        scaled.and_then(|scaled| Atoms::try_from(scaled).ok()).unwrap_or(Atoms::MAX)
    }

    /// The least that must go in at this rate for `amount` to come out, rounded down; `None` if it is too large.
    #[must_use]
    pub fn least_in(self, amount: Atoms) -> Option<Atoms> {
        let shift = usize::try_from(self.exponent.unsigned_abs()).ok()?;
        let amount = U512::from(amount);
        let least = if self.exponent >= 0 {
            amount.checked_div(U512::from(self.mantissa))?.wrapping_shr(shift)
        } else {
            amount.checked_shl(shift)?.checked_div(U512::from(self.mantissa))?
        };
        Atoms::try_from(least).ok()
    }

    /// Whether the bound is surely below `numerator / denominator`.
    #[must_use]
    pub fn is_below(self, numerator: u128, denominator: u128) -> bool {
        let left = U512::from(self.mantissa).checked_mul(U512::from(denominator));
        let right = U512::from(numerator);
        let shift = usize::try_from(self.exponent.unsigned_abs()).unwrap_or(usize::MAX);
        match (left, self.exponent >= 0) {
            (Some(left), true) => left.checked_shl(shift).is_some_and(|left| left < right),
            (Some(left), false) => right.checked_shl(shift).is_none_or(|right| left < right),
            (None, _) => false,
        }
    }
}

/// What a venue gives at most in one direction: atoms out per atom in, and atoms out in all.
#[derive(Clone, Copy, Debug)]
struct Reach {
    rate: RateBound,
    most: Atoms,
}

/// The bounds of each venue in each direction, as the venues stand.
#[derive(Clone, Debug, Default)]
pub struct RateBounds {
    /// The table of each venue in turn, by the place of the direction.
    reaches: Vec<Option<Reach>>,
    /// Per venue, where its table starts and how many coins it has.
    tables: Vec<(usize, usize)>,
}

impl RateBounds {
    /// The bounds of all venues in these states.
    #[must_use]
    pub fn new(input: &AuctionInput, states: &[VenueState]) -> RateBounds {
        let (mut reaches, mut tables) = (Vec::new(), Vec::with_capacity(input.venues.len()));
        for venue in &input.venues {
            let coins = venue.coins.count();
            tables.push((reaches.len(), coins));
            reaches.resize(reaches.len().saturating_add(coins.saturating_mul(coins)), None);
        }
        let mut bounds = RateBounds { reaches, tables };
        for (at, state) in states.iter().enumerate() {
            bounds.update(input, VenueIndex::from_at(at), state);
        }
        bounds
    }

    /// Takes in a venue's new state.
    pub fn update(&mut self, input: &AuctionInput, venue: VenueIndex, state: &VenueState) {
        let Some((row, (start, coins))) = input.venues.get(venue.at()).zip(self.tables.get(venue.at()).copied()) else {
            return;
        };
        for direction in row.directions() {
            if let Some(slot) = self.reaches.get_mut(start.saturating_add(direction.place(coins))) {
                *slot = reach(row, state, direction);
            }
        }
    }

    /// The bound on the rate along a path; `None` if a step is not offered.
    #[must_use]
    pub fn along(&self, path: &[Hop]) -> Option<RateBound> {
        path.iter().try_fold(RateBound::ONE, |bound, hop| bound.then(self.reach(hop)?.rate))
    }

    /// The most that `amount` gives along a path, by the rates and by what each venue holds.
    #[must_use]
    pub fn most_out(&self, path: &[Hop], amount: Atoms) -> Atoms {
        path.iter()
            .fold(amount, |amount, hop| self.reach(hop).map_or(0, |reach| reach.rate.of_amount(amount).min(reach.most)))
    }

    fn reach(&self, hop: &Hop) -> Option<Reach> {
        let (start, coins) = *self.tables.get(hop.venue.at())?;
        *self.reaches.get(start.checked_add(hop.direction.place(coins))?)?
    }
}

fn reach(venue: &AuctionVenue, state: &VenueState, direction: Direction) -> Option<Reach> {
    let rate = RateBound::of(&venue.terms.best_rate(state, direction)?)?;
    let most = match state {
        VenueState::Pool { reserves_micro } => {
            let reserve = reserves_micro.get(direction.into)?;
            Atoms::try_from(reserve.checked_div(U256::from(MILLION))?).ok()?
        }
        VenueState::Counter { available, .. } => *available,
        VenueState::Concentrated { held, .. } => *held.get(usize::from(direction.into))?,
    };
    Some(Reach { rate, most })
}
