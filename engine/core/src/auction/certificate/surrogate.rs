//! A cheap stand-in for the certificate, by which prices are chosen; it need not bound anything.
//!
//! Values are scaled integers at the reference prices, and a price is a factor y to its reference. Intents, levels of
//! ladders and rails are lines: `a y_s - b y_t`, and for intents `k max(0, 1 - y_f)` on top, where positive. Pools are
//! taken for constant products of the rate and depth that a probe finds at the opening. An asset without a reference
//! price takes one from the venues and limits that trade it.

use std::num::Wrapping;

use super::super::score::floor_of;
use super::fixed::{Fixed, ONE_BITS, one, part_one, power_of_two, quotient, root};
use super::worth::{Value, Worth};
use crate::auction::{AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, size_of};
use crate::intent::{Choose, Kind};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, MILLION, Rounding, mul_div};
use crate::names::DenominationIndex;
use crate::venue::{Direction, Rate, Terms, VenueState};
use crate::wide::{U1088, resize, wide};

/// The largest intent's value has this many bits.
const VALUE_BITS: usize = 48;
/// No value has more than this many.
const VALUE_BITS_MAX: u32 = 54;
/// A rate in value stays below 2 to this.
const RATE_BITS_MAX: u32 = 44;
/// A pool's reserve, in value, stays below 2 to this: stable pools stand for very large constant products.
const RESERVE_BITS_MAX: u32 = 72;
/// Passes in which assets without a reference price take one from their neighbours.
const IMPUTED_PASSES: usize = 4;
/// The part of a reserve over which a pool's rate is probed, as a power of two.
const PROBE_BITS: u32 = 6;

/// Something that gains `a y_s - b y_t + k max(0, 1 - y_f)` where that is positive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) sold: usize,
    pub(super) bought: usize,
    pub(super) gained: Fixed,
    pub(super) paid: Fixed,
    pub(super) counted: Fixed,
    /// The most of it that is filled, with [`PART_BITS`] fraction bits.
    pub(super) cap: Fixed,
    /// Whether surplus is counted in what is bought.
    pub(super) is_counted_in_bought: bool,
}

/// One direction of a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    pub(super) put: usize,
    pub(super) drawn: usize,
    /// The rate at the opening, in value.
    pub(super) rate: Fixed,
    /// The reserve put into, in value, of the constant product that falls off alike.
    pub(super) reserve: Fixed,
}

/// A part of the surrogate; it concerns the denominations that it names.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Lines of which no more than one in all is filled: the options of an intent.
    Lines(Vec<Line>),
    /// A direction of a pool.
    Pool(Pool),
}

/// The surrogate of an auction.
pub(super) struct Surrogate {
    pub(super) parts: Vec<Part>,
    /// What an atom of each denomination is worth at the price that y = 1 stands for.
    pub(super) worths: Vec<Value>,
}

impl Surrogate {
    pub(super) fn new(input: &AuctionInput) -> Option<Surrogate> {
        let worths = imputed(input)?;
        let builder = Builder { input, shift: scale_of(input, &worths)?, worths: &worths };
        let mut parts: Vec<Part> =
            input.intents.iter().filter_map(|intent| builder.lines(intent)).map(Part::Lines).collect();
        for venue in &input.venues {
            builder.add_venue(venue, &mut parts);
        }
        Some(Surrogate { parts, worths })
    }
}

struct Builder<'a> {
    input: &'a AuctionInput,
    worths: &'a [Value],
    shift: usize,
}

impl Builder<'_> {
    fn worth(&self, denomination: DenominationIndex) -> Value {
        self.worths.get(denomination.at()).copied().unwrap_or_default()
    }

    fn value(&self, denomination: DenominationIndex, amount: Atoms) -> Fixed {
        let value = self.worth(denomination).saturating_mul(wide(amount));
        fixed(value.wrapping_shr(self.shift))
    }

    fn lines(&self, intent: &AuctionIntent) -> Option<Vec<Line>> {
        let lines = (0..).zip(&intent.options).filter_map(|(at, option)| self.line(intent, at, option));
        let lines: Vec<Line> = lines.collect();
        // Caps were rounded down.
        let sum: Fixed = lines.iter().map(|line| line.cap + Wrapping(1)).sum();
        let is_reachable = !intent.is_all_or_nothing || sum >= part_one();
        (!lines.is_empty() && is_reachable).then_some(lines)
    }

    fn line(&self, intent: &AuctionIntent, at: u16, option: &AuctionOption) -> Option<Line> {
        let size = size_of(intent, at);
        let cap = option.maximum.min(option.left).min(size);
        let full = intent.fixed_of(option.give_amount, option.get_amount);
        let is_out_of_reach = intent.choose == Choose::One && intent.is_all_or_nothing && cap < size;
        if cap == 0 || full == 0 || is_out_of_reach {
            return None;
        }
        // Of alternatives each is as large as it can be filled; options that share an intent are as large as it.
        let (part, cap) = match intent.choose {
            Choose::One => (cap, part_one()),
            Choose::Split => (intent.remaining, Wrapping(scaled(part_one().0, cap, intent.remaining)?)),
        };
        let part = |value: Fixed| Some(Wrapping(scaled(value.0, part, full)?));
        let (gained, paid) = (self.value(option.give, option.give_amount), self.value(option.get, option.get_amount));
        let counted = self.counted(intent, (at, option), gained, paid);
        Some(Line {
            sold: option.give.at(),
            bought: option.get.at(),
            gained: part(gained)?,
            paid: part(paid)?,
            counted: part(counted)?,
            cap,
            is_counted_in_bought: intent.kind == Kind::ExactIn,
        })
    }

    /// What surplus counts at most at full size: by the reference price, or by the floor's rate if that is more.
    fn counted(
        &self,
        intent: &AuctionIntent,
        (at, option): (u16, &AuctionOption),
        gained: Fixed,
        paid: Fixed,
    ) -> Fixed {
        let cap_ppm = Wrapping(i128::from(self.input.surplus_cap_ppm));
        let million = Wrapping(i128::try_from(MILLION).unwrap_or(1));
        let has_price =
            |index: DenominationIndex| self.input.denominations.get(index.at()).is_some_and(|row| row.price.is_some());
        let at_rate = |surplus: DenominationIndex, of: Atoms, above: Atoms, below: Atoms| {
            let amount = mul_div(of, above, below, Rounding::Down).filter(|_| has_price(surplus))?;
            Some(self.value(surplus, amount))
        };
        let floor = floor_of(self.input, intent, at);
        let has_prices = has_price(option.give) && has_price(option.get);
        let counted = match intent.kind {
            Kind::ExactIn => {
                let floor = floor.and_then(|terms| at_rate(option.get, option.give_amount, terms.bought, terms.sold));
                let most = floor.into_iter().chain(has_prices.then_some(gained)).max();
                most.map(|most| quotient(most * (million + cap_ppm), million) - paid)
            }
            Kind::ExactOut => {
                let floor = floor.and_then(|terms| at_rate(option.give, option.get_amount, terms.sold, terms.bought));
                let least = floor.into_iter().chain(has_prices.then_some(paid)).min();
                least.map(|least| gained - quotient(least * (million - cap_ppm), million))
            }
        };
        counted.unwrap_or_default().max(Wrapping(0))
    }

    fn add_venue(&self, venue: &AuctionVenue, parts: &mut Vec<Part>) {
        let fill = |put: Atoms, drawn: Atoms| {
            let (first, second) = venue.sides(Direction::FORWARD)?;
            Some(Part::Lines(vec![Line {
                sold: second.at(),
                bought: first.at(),
                gained: self.value(second, drawn),
                paid: self.value(first, put),
                counted: Wrapping(0),
                cap: part_one(),
                is_counted_in_bought: false,
            }]))
        };
        match &venue.terms {
            Terms::Ladder(ladder) => {
                parts.extend(ladder.levels.iter().filter_map(|level| fill(level.amount_in, level.amount_out)));
            }
            Terms::Rail(rail) => {
                let most = rail.max_in.min(AUCTION_ATOMS_MAX.saturating_sub(1));
                let out = venue.terms.out_for(&venue.opening, Direction::FORWARD, most);
                parts.extend(out.and_then(|out| fill(most, out)));
            }
            Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) | Terms::Concentrated(_) => {
                let pools = venue.directions().filter_map(|direction| self.pool(venue, direction));
                parts.extend(pools.map(Part::Pool));
            }
        }
    }

    /// The rate at the opening, and how much lowers it: both probed, so that any kind of pool will do.
    fn pool(&self, venue: &AuctionVenue, direction: Direction) -> Option<Pool> {
        let (put, drawn) = venue.sides(direction)?;
        let probe = probe(venue, direction)?;
        let out = venue.terms.out_for(&venue.opening, direction, probe)?;
        let after = venue.terms.take(&venue.opening, direction, probe, out).ok()?;
        let before = self.rate(&venue.terms.best_rate(&venue.opening, direction)?, put, drawn)?;
        let after = self.rate(&venue.terms.best_rate(&after, direction)?, put, drawn)?.max(Wrapping(1));
        // A constant product's rate falls by the square of the part by which its reserve grows.
        let grown = (root(quotient(before * one(), after)) - one()).max(Wrapping(1));
        Some(Pool {
            put: put.at(),
            drawn: drawn.at(),
            rate: before,
            reserve: quotient(self.value(put, probe) * one(), grown).min(power_of_two(RESERVE_BITS_MAX)),
        })
    }

    fn rate(&self, rate: &Rate, put: DenominationIndex, drawn: DenominationIndex) -> Option<Fixed> {
        let bits = usize::try_from(ONE_BITS).ok()?;
        let gained = resize::<512, 8, 1088, 17>(rate.numerator)?.checked_mul(self.worth(drawn))?.checked_shl(bits)?;
        let paid = resize::<512, 8, 1088, 17>(rate.denominator)?.checked_mul(self.worth(put))?;
        Some(fixed(gained.checked_div(paid)?).min(power_of_two(RATE_BITS_MAX)))
    }
}

/// A small part of what a pool holds, as an amount to put in.
fn probe(venue: &AuctionVenue, direction: Direction) -> Option<Atoms> {
    let part = |amount: Atoms| amount.wrapping_shr(PROBE_BITS).clamp(1, AUCTION_ATOMS_MAX.saturating_sub(1));
    match &venue.opening {
        VenueState::Pool { reserves_micro } => {
            let reserve = reserves_micro.get(direction.from)?.checked_div(wide(MILLION))?;
            Some(part(Atoms::try_from(reserve).ok()?))
        }
        VenueState::Concentrated { held, .. } => {
            let held = held.get(usize::from(direction.into)).copied()?;
            venue.terms.in_for(&venue.opening, direction, part(held))
        }
        VenueState::Counter { .. } => None,
    }
}

/// A value with few enough bits to be multiplied by a factor and another value's weight.
fn fixed(value: Value) -> Fixed {
    let most = power_of_two(VALUE_BITS_MAX);
    i128::try_from(value).map_or(most, |value| Wrapping(value).min(most))
}

fn scaled(value: i128, part: Atoms, whole: Atoms) -> Option<i128> {
    let product = wide::<1088, 17>(u128::try_from(value).ok()?).checked_mul(wide(part))?;
    i128::try_from(product.checked_div(wide(whole))?).ok()
}

/// The shift after which the largest intent has [`VALUE_BITS`] bits.
fn scale_of(input: &AuctionInput, worths: &[Value]) -> Option<usize> {
    let bits = |intent: &AuctionIntent| {
        let of = |option: &AuctionOption| {
            let worth = |index: DenominationIndex| worths.get(index.at()).copied().unwrap_or_default();
            // What can be filled decides: a limit may stand for more than anybody has.
            let full = intent.fixed_of(option.give_amount, option.get_amount).max(1);
            let cap = intent.cap_of(option).min(full);
            let give = worth(option.give).saturating_mul(wide(option.give_amount));
            let get = worth(option.get).saturating_mul(wide(option.get_amount));
            let part = |value: Value| value.saturating_mul(wide(cap)).checked_div(wide(full)).unwrap_or_default();
            part(give).max(part(get)).bit_len()
        };
        intent.options.iter().map(of).max()
    };
    Some(input.intents.iter().filter_map(bits).max()?.saturating_sub(VALUE_BITS))
}

/// What an atom of each denomination is worth at its reference price, or at one taken from venues and limits.
fn imputed(input: &AuctionInput) -> Option<Vec<Value>> {
    let worth = |row: &crate::auction::Denomination| Some(Worth::of(row.price, row.scale)?.up);
    let mut worths: Vec<Value> = input.denominations.iter().map(worth).collect::<Option<_>>()?;
    for _ in 0..IMPUTED_PASSES {
        if worths.iter().all(|worth| !worth.is_zero()) {
            break;
        }
        for venue in &input.venues {
            for direction in venue.directions() {
                let rate = venue.terms.best_rate(&venue.opening, direction);
                let rate = rate.and_then(|rate| Some((resize(rate.numerator)?, resize(rate.denominator)?)));
                if let Some(((above, below), (first, second))) = rate.zip(venue.sides(direction)) {
                    take_from_neighbour(&mut worths, (first, below), (second, above));
                }
            }
        }
        for option in input.intents.iter().flat_map(|intent| &intent.options) {
            take_from_neighbour(
                &mut worths,
                (option.give, wide(option.give_amount)),
                (option.get, wide(option.get_amount)),
            );
        }
    }
    Some(worths)
}

/// So many of the one for so many of the other: whichever is worth nothing yet takes the other's value.
fn take_from_neighbour(worths: &mut [Value], one: (DenominationIndex, U1088), other: (DenominationIndex, U1088)) {
    for ((unknown, amount), (known, equal)) in [(one, other), (other, one)] {
        let value = worths.get(known.at()).copied().unwrap_or_default();
        if let Some(slot) = worths.get_mut(unknown.at()).filter(|slot| slot.is_zero()) {
            let taken = value.checked_mul(equal).and_then(|value| value.checked_div(amount));
            *slot = taken.unwrap_or_default();
        }
    }
}
