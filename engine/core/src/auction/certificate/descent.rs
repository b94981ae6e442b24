//! The engine's own prices: the reference prices, improved on a surrogate one denomination at a time.
//!
//! The surrogate's kinks are rounded off, less and less, since a step along one price alone gets stuck at a kink.
//! Each step looks for the zero of the slope along one price, and after each round along all of them together. Work is
//! counted, not timed, so that every machine ends at the same prices.

use std::num::Wrapping;

use super::fixed::{Fixed, ONE_BITS, down, one, quotient};
use super::prices::DualPrices;
use super::slopes::Slopes;
use super::surrogate::{Part, Surrogate};
use super::worth::{FRACTION_BITS, Value};
use crate::auction::{AuctionInput, SCORE_UNIT};
use crate::price::{PRICE_PLACES_MAX, Price};
use crate::wide::{U1088, power, wide};

/// Kinks are rounded off over 2 to the minus this part of a line's size, from the first to the last.
const ROUNDED_BITS: [u32; 5] = [6, 8, 10, 12, 14];
/// Rounds at each of them.
const ROUNDS: usize = 24;
/// Slopes of lines evaluated before a stage ends after a round: some ten milliseconds a stage.
const STAGE_WORK_MAX: usize = 80_000;
/// Steps of one search for a zero.
const STEPS_MAX: usize = 14;
/// A search ends when it knows a factor to this part of what kinks are rounded off over, as a power of two, and a
/// stage when a round moves none by more.
const CLOSE_BITS: u32 = 5;
/// Prices stay within this factor of the reference, so that no product overflows.
const FACTOR_MAX: i128 = 64;
/// Prices keep this many bits.
const MANTISSA_BITS: usize = 64;

/// The reference prices improved, one a denomination; the reference prices themselves if nothing can be computed.
#[must_use]
pub fn improved(input: &AuctionInput) -> DualPrices {
    let improved = || {
        let surrogate = Surrogate::new(input)?;
        let factors = Descent::new(&surrogate, input.denominations.len()).run();
        let rows = surrogate.worths.iter().zip(&factors).zip(&input.denominations);
        DualPrices::new(rows.map(|((worth, factor), row)| price_of(*worth, *factor, row.scale)).collect())
    };
    improved().unwrap_or_else(|| DualPrices::reference(input))
}

/// The price of a whole unit whose atom is worth `worth` times `factor`, with as many decimals as its bits allow.
fn price_of(worth: Value, factor: Fixed, scale: u8) -> Option<Price> {
    let ten = U1088::from(10_u8);
    let whole = worth.checked_mul(wide(u128::try_from(factor.0).ok()?))?.checked_mul(power(ten, scale.into())?)?;
    let fraction = FRACTION_BITS.checked_add(usize::try_from(ONE_BITS).ok()?)?;
    let finest = whole.checked_mul(power(ten, PRICE_PLACES_MAX.into())?)?.checked_div(wide(SCORE_UNIT))?;
    let finest = finest.wrapping_shr(fraction);
    // A decimal is worth 3.32 bits.
    let excess = u32::try_from(finest.bit_len().saturating_sub(MANTISSA_BITS)).ok()?;
    let dropped = u8::try_from(excess.saturating_mul(302).div_ceil(1_000)).ok()?.min(PRICE_PLACES_MAX);
    let mantissa = finest.checked_div(power(ten, dropped.into())?)?;
    Price::new(u128::try_from(mantissa).ok()?, PRICE_PLACES_MAX.checked_sub(dropped)?)
}

struct Descent<'a> {
    surrogate: &'a Surrogate,
    /// The parts that concern each denomination.
    concerned: Vec<Vec<usize>>,
    factors: Vec<Fixed>,
    rounded_bits: u32,
    work: usize,
}

impl<'a> Descent<'a> {
    fn new(surrogate: &'a Surrogate, count: usize) -> Descent<'a> {
        let mut concerned = vec![Vec::new(); count];
        for (at, part) in surrogate.parts.iter().enumerate() {
            let mut places: Vec<usize> = match part {
                Part::Lines(lines) => lines.iter().flat_map(|line| [line.sold, line.bought]).collect(),
                Part::Pool(pool) => vec![pool.put, pool.drawn],
            };
            places.sort_unstable();
            places.dedup();
            for place in places {
                if let Some(parts) = concerned.get_mut(place) {
                    parts.push(at);
                }
            }
        }
        Descent { surrogate, concerned, factors: vec![one(); count], rounded_bits: 0, work: 0 }
    }

    fn run(mut self) -> Vec<Fixed> {
        for rounded_bits in ROUNDED_BITS {
            self.rounded_bits = rounded_bits;
            self.work = 0;
            for _ in 0..ROUNDS {
                let before = self.factors.clone();
                for place in 0..self.concerned.len() {
                    self.search(Some(place));
                }
                self.search(None);
                let close = down(one(), rounded_bits.saturating_add(CLOSE_BITS));
                let is_close = |(one, other): (&Fixed, &Fixed)| (*one - *other).0.abs() <= close.0;
                if self.work > STAGE_WORK_MAX || before.iter().zip(&self.factors).all(is_close) {
                    break;
                }
            }
        }
        self.factors
    }

    /// Moves one factor, or all by the same part, to where the slope along it is zero.
    ///
    /// Widens a bracket from the factor as it is, then narrows it by false position, halving the end that stays.
    fn search(&mut self, place: Option<usize>) {
        let start = self.slope(place, one());
        if start.0 == 0 {
            return;
        }
        let is_down = start.0 > 0;
        let mut near = (one(), start);
        let mut step = down(one(), self.rounded_bits);
        let mut far = None;
        for _ in 0..STEPS_MAX {
            let to = if is_down { one() - step } else { one() + step };
            if to < down(one(), 2) || to > one() * Wrapping(4) {
                break;
            }
            let slope = self.slope(place, to);
            if (slope.0 > 0) != is_down {
                far = Some((to, slope));
                break;
            }
            near = (to, slope);
            step *= Wrapping(2);
        }
        let Some(far) = far else { return self.scale(place, near.0) };
        let factor = self.narrow(place, near, far);
        self.scale(place, factor);
    }

    fn narrow(&mut self, place: Option<usize>, near: (Fixed, Fixed), far: (Fixed, Fixed)) -> Fixed {
        let (mut low, mut high) = (near, far);
        let close = down(one(), self.rounded_bits.saturating_add(CLOSE_BITS));
        for _ in 0..STEPS_MAX {
            let width = high.0 - low.0;
            if width.0.abs() <= close.0 {
                break;
            }
            let spread = low.1 - high.1;
            let part = if spread.0 == 0 { down(width, 1) } else { quotient(width * low.1, spread) };
            let to = low.0 + part;
            let slope = self.slope(place, to);
            if (slope.0 > 0) == (low.1.0 > 0) {
                low = (to, slope);
                high.1 = down(high.1, 1);
            } else {
                high = (to, slope);
                low.1 = down(low.1, 1);
            }
        }
        low.0 + down(high.0 - low.0, 1)
    }

    fn scale(&mut self, place: Option<usize>, by: Fixed) {
        let (least, most) = (quotient(one(), Wrapping(FACTOR_MAX)), one() * Wrapping(FACTOR_MAX));
        let move_one = |factor: &mut Fixed| *factor = times(*factor, by).clamp(least, most);
        match place {
            Some(place) => self.factors.get_mut(place).into_iter().for_each(move_one),
            None => self.factors.iter_mut().for_each(move_one),
        }
    }

    /// The slope of the surrogate where the factor at `place`, or every factor, is `by` times what it is.
    fn slope(&mut self, place: Option<usize>, by: Fixed) -> Fixed {
        let is_moved = |at: usize| place.is_none_or(|place| place == at);
        let factor = |at: usize| {
            let factor = self.factors.get(at).copied().unwrap_or_default();
            if is_moved(at) { times(factor, by) } else { factor }
        };
        let mut sum = Wrapping(0);
        let mut add = |at: usize, slope: Fixed| {
            if is_moved(at) {
                sum += down(slope * factor(at), ONE_BITS);
            }
        };
        let parts = &self.surrogate.parts;
        let mut slopes = Slopes { rounded_bits: self.rounded_bits, factor: &factor, add: &mut add };
        let work = match place.and_then(|place| self.concerned.get(place)) {
            Some(places) => places.iter().filter_map(|at| parts.get(*at)).map(|part| slopes.part(part)).sum(),
            None => parts.iter().map(|part| slopes.part(part)).sum::<usize>(),
        };
        self.work = self.work.saturating_add(work);
        sum
    }
}

fn times(factor: Fixed, by: Fixed) -> Fixed {
    down(factor * by, ONE_BITS)
}
