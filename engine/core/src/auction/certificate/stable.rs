//! Stable pools of two coins: the least of `p x + q y` over the curve, by its tangents.
//!
//! The rule is on the state after a use, with a fixed D, so uses after one another lead to reserves (x, y) on or above
//! the curve `y(x)`, which is convex: what they gain at given prices is at most `q Y + p X` less the least of
//! `F(x) = p x + q y(x)` over x >= X, with p and q what a scaled millionth is worth of the coin put in (after the
//! fee) and of the coin drawn. Where F falls at `lo` and rises at `hi`, no x has less than
//! `F(lo) - |F'(lo)| (hi - lo)`; both ends are found by bisection, so that the tangent costs next to nothing.

use super::worth::{Value, Worth};
use crate::money::{Atoms, MILLION};
use crate::venue::{Direction, Stable};
use crate::wide::{U256, U1088, div_up, resize, root_down, wide};

/// Fraction bits of y, so that pools of a few atoms are bounded tightly too.
const Y_BITS: usize = 32;
/// A worth keeps this many fewer bits here, so that products with slopes fit.
const WORTH_SHIFT: usize = 128;
/// Slopes keep their leading bits.
const SLOPE_BITS: usize = 384;
/// Scaled reserves stay below 2 to this in every state that a use may lead to.
const SCALED_BITS: usize = 156;
/// The bracket ends at this fraction of the way from the opening, as a power of two: the error is of its square.
const CLOSE_BITS: usize = 18;
/// Widening to any reserve and bisecting back takes fewer.
const STEPS_MAX: usize = 400;

/// The curve in scaled millionths, and what one of each coin is worth as a fraction.
struct Curve {
    ann: U1088,
    /// ann D - D.
    middle: U1088,
    cube: U1088,
    /// Worth of an atom put in, rounded both ways.
    put: Worth,
    drawn: Worth,
    /// The scaled units that one put in is divided among: its scale times what the fee leaves.
    put_unit: U1088,
    drawn_unit: U1088,
}

/// Which way F goes at a point; beyond one at which it rises it goes on rising, since it is convex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trend {
    Rising,
    Falling,
    Unsure,
}

/// The quotient of the curve's derivatives, `|dy/dx| = above / below`, each rounded both ways.
struct Slope {
    above: Worth,
    below: Worth,
}

/// The most that uses of one direction gain; `None` if it does not fit.
pub(super) fn most(
    pool: &Stable,
    direction: Direction,
    [put_micro, drawn_micro]: [U256; 2],
    kept_ppm: u128,
    put: &Worth,
    drawn: &Worth,
) -> Option<Value> {
    let (put_scale, drawn_scale) = pool.scale.get(direction.from).zip(pool.scale.get(direction.into))?;
    let scaled = |micro: U256, scale: Atoms| resize::<256, 4, 1088, 17>(micro)?.checked_mul(wide(scale));
    let (x, y) = (scaled(put_micro, put_scale)?, scaled(drawn_micro, drawn_scale)?);
    if x.bit_len() > SCALED_BITS || pool.ann == 0 {
        return Some(Value::ZERO);
    }
    let curve = Curve::new(pool, [put_scale, drawn_scale], kept_ppm, put, drawn)?;
    let whole = div_up(curve.drawn.up.checked_mul(y)?, curve.drawn_unit)?;
    let Some((low, high)) = curve.bracket(x)? else { return whole.checked_shl(WORTH_SHIFT) };
    let tangent = curve.most_at(x, y, low, high)?;
    tangent.min(whole).checked_shl(WORTH_SHIFT)
}

impl Curve {
    fn new(pool: &Stable, scales: [Atoms; 2], kept_ppm: u128, put: &Worth, drawn: &Worth) -> Option<Curve> {
        let [put_scale, drawn_scale] = scales;
        let ann = U1088::from(pool.ann);
        let d = wide::<1088, 17>(pool.d).checked_mul(wide(MILLION))?;
        Some(Curve {
            ann,
            middle: ann.checked_mul(d)?.checked_sub(d)?,
            cube: d.checked_mul(d)?.checked_mul(d)?,
            put: shifted(put, WORTH_SHIFT)?,
            drawn: shifted(drawn, WORTH_SHIFT)?,
            put_unit: wide::<1088, 17>(put_scale).checked_mul(wide(kept_ppm))?,
            drawn_unit: wide::<1088, 17>(drawn_scale).checked_mul(wide(MILLION))?,
        })
    }

    /// Reserves of the coin put in, from `x` on, between which F is least; `None` if F falls for ever.
    fn bracket(&self, x: U1088) -> Option<Option<(U1088, U1088)>> {
        let (mut low, mut high) = (x, x);
        let mut step = x.wrapping_shr(10).max(U1088::ONE);
        loop {
            match self.trend(high)? {
                Trend::Rising => break,
                Trend::Falling => low = high,
                Trend::Unsure => {}
            }
            high = x.checked_add(step)?;
            step = step.checked_mul(U1088::from(4_u8))?;
            if high.bit_len() > SCALED_BITS.saturating_add(2) {
                return Some(None);
            }
        }
        for _ in 0..STEPS_MAX {
            let (width, way) = (high.checked_sub(low)?, low.checked_sub(x)?);
            let close = way.wrapping_shr(CLOSE_BITS).max(x.wrapping_shr(64)).max(U1088::ONE);
            if width <= close {
                break;
            }
            let middle = low.checked_add(width.wrapping_shr(1))?;
            match self.trend(middle)? {
                Trend::Rising => high = middle,
                Trend::Falling => low = middle,
                Trend::Unsure => break,
            }
        }
        Some(Some((low, high)))
    }

    /// `q (Y - y(lo)) - p (lo - X) + |F'(lo)| (hi - lo)`, rounded up.
    fn most_at(&self, x: U1088, y: U1088, low: U1088, high: U1088) -> Option<Value> {
        let slope = self.slope(low)?;
        let least = self.least_y(low)?;
        let drawn = y.checked_shl(Y_BITS)?.saturating_sub(least);
        let gained = div_up(self.drawn.up.checked_mul(drawn)?, self.drawn_unit.checked_shl(Y_BITS)?)?;
        let paid = self.put.down.checked_mul(low.checked_sub(x)?)?.checked_div(self.put_unit)?;
        let rate_up = self.drawn.up.checked_mul(slope.above.up)?.checked_mul(self.put_unit)?;
        let rate_down = self.put.down.checked_mul(slope.below.down)?.checked_mul(self.drawn_unit)?;
        let fall = rate_up.saturating_sub(rate_down);
        let unit = slope.below.down.checked_mul(self.drawn_unit)?.checked_mul(self.put_unit)?;
        let width = high.checked_sub(low)?;
        // Two divisions keep the product within the width; each rounds up.
        let spare = fall.bit_len().checked_add(width.bit_len())?.saturating_sub(1_080);
        let tangent = if spare == 0 {
            div_up(fall.checked_mul(width)?, unit)?
        } else {
            div_up(fall, unit)?.checked_mul(width)?
        };
        Some(gained.checked_add(tangent)?.saturating_sub(paid))
    }

    /// Whether F falls or rises at `x`: the sign of `p - q |dy/dx|`, where rounding leaves no doubt.
    fn trend(&self, x: U1088) -> Option<Trend> {
        let slope = self.slope(x)?;
        let cost = |put: U1088, below: U1088| put.checked_mul(below)?.checked_mul(self.drawn_unit);
        let gain = |drawn: U1088, above: U1088| drawn.checked_mul(above)?.checked_mul(self.put_unit);
        if cost(self.put.down, slope.below.down)? >= gain(self.drawn.up, slope.above.up)? {
            return Some(Trend::Rising);
        }
        let is_falling = cost(self.put.up, slope.below.up)? < gain(self.drawn.down, slope.above.down)?;
        Some(if is_falling { Trend::Falling } else { Trend::Unsure })
    }

    /// The curve's y at `x` times 2 to the [`Y_BITS`], rounded down; the exact one is less than one more.
    ///
    /// The larger root of `ann y^2 + (ann x + D - ann D) y = D^3 / 4x`.
    fn least_y(&self, x: U1088) -> Option<U1088> {
        let lower = self.ann.checked_mul(x)?;
        let side = self.middle.abs_diff(lower).checked_shl(Y_BITS)?;
        let rest = self.ann.checked_mul(self.cube)?.checked_shl(Y_BITS.saturating_mul(2))?.checked_div(x)?;
        let root = root_down(side.checked_mul(side)?.checked_add(rest)?, 2)?;
        let twice = if self.middle >= lower { root.checked_add(side)? } else { root.checked_sub(side)? };
        twice.checked_div(self.ann.checked_mul(U1088::from(2_u8))?)
    }

    /// `(4 ann x^2 y^2 + D^3 y) / (4 ann x^2 y^2 + D^3 x)`; both parts grow in y, which lies between two neighbours.
    fn slope(&self, x: U1088) -> Option<Slope> {
        let least = self.least_y(x)?;
        let square = self.ann.checked_mul(U1088::from(4_u8))?.checked_mul(x)?.checked_mul(x)?;
        let part = |y: U1088, other: U1088| -> Option<U1088> {
            square.checked_mul(y)?.checked_mul(y)?.checked_add(self.cube.checked_mul(other)?)
        };
        let (low, high) = (least, least.checked_add(U1088::ONE)?);
        let alone = x.checked_shl(Y_BITS.saturating_mul(2))?;
        let above = Worth { up: part(high, high.checked_shl(Y_BITS)?)?, down: part(low, low.checked_shl(Y_BITS)?)? };
        let below = Worth { up: part(high, alone)?, down: part(low, alone)? };
        let shift = above.up.bit_len().max(below.up.bit_len()).saturating_sub(SLOPE_BITS);
        Some(Slope { above: shifted(&above, shift)?, below: shifted(&below, shift)? })
    }
}

/// Fewer bits, still rounded both ways.
fn shifted(pair: &Worth, shift: usize) -> Option<Worth> {
    let up = pair.up.wrapping_shr(shift).checked_add(U1088::ONE)?;
    Some(Worth { up, down: pair.down.wrapping_shr(shift) })
}
