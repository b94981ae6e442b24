//! Stable pools: the two-coin StableSwap invariant (Egorov, "StableSwap", 2019) with a fixed D.
//!
//! The rule, over reserves x and y in scaled millionths and D in the same unit, is
//! `(ann (x + y) + D - ann D) 4xy >= D^3`; for one known reserve it is a quadratic in the other,
//! so the least other reserve comes exactly from one integer square root.

use super::pool::{self, Curve, Sides};
use super::{Direction, PerCoin, Rate};
use crate::money::{Atoms, MILLION, SUPPLY_MAX};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512, U1088, div_up, resize, root_up, wide};

/// The largest `ann`, so that both sides of the rule fit 512 bits.
pub const ANN_MAX: u64 = 10_000_000;

/// The largest factor between an atom and a scaled unit: eighteen decimals.
pub const STABLE_SCALE_MAX: Atoms = 1_000_000_000_000_000_000;

/// Scaled reserves in millionths stay below 2 to this, so that both sides of the rule fit 512 bits.
const SCALED_BITS: usize = 156;
/// Newton from above takes a third off a D far too large: about eighty steps for the most skewed balances.
const INVARIANT_STEPS_MAX: usize = 512;
/// A slope keeps its leading bits, few enough that rate times amount fits 512.
const SLOPE_BITS: usize = 320;

/// The terms of a stable pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stable {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
    /// The amplification coefficient `A n^(n-1) n` as the invariant uses it.
    pub ann: u64,
    /// The invariant D in scaled units.
    pub d: Atoms,
    /// What one atom of each coin counts in scaled units.
    pub scale: PerCoin<Atoms>,
}

impl Stable {
    /// The invariant D of two balances in scaled units, rounded up; `None` if a balance is zero or D too large.
    ///
    /// It is the least integer D at which the rule leaves a taker nothing for free at these balances:
    /// the rounded up root of `D^3 + 4xy (ann - 1) D = 4xy ann (x + y)`, by Newton from `x + y`.
    #[must_use]
    pub fn invariant(ann: u64, balances: &[Atoms]) -> Option<Atoms> {
        match balances {
            [first, second] => invariant_of(ann, wide(*first), wide(*second)),
            _ => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), Refusal> {
        pool::validate_fee(self.fee_ppm)?;
        let in_range = |field: &str, found: u128, most: u128| {
            if (1..=most).contains(&found) {
                return Ok(());
            }
            let message = format!("expected from 1 to {most}, found {found}");
            Err(Refusal::new(Reason::OutOfRange, field, message))
        };
        in_range("ann", u128::from(self.ann), u128::from(ANN_MAX))?;
        in_range("d", self.d, SUPPLY_MAX)?;
        in_range("scale", u128::try_from(self.scale.count()).unwrap_or(0), 2)?;
        let mut scales = self.scale.iter().enumerate();
        scales.try_for_each(|(at, scale)| in_range(&format!("scale[{at}]"), *scale, STABLE_SCALE_MAX))
    }

    /// The pool after an auction: reserves rounded down, D as [`Stable::invariant`] has it for them.
    pub(super) fn settled(&self, reserves_micro: &PerCoin<U256>) -> Option<(Stable, PerCoin<Atoms>)> {
        let reserves = pool::reserves_down(reserves_micro)?;
        if reserves.iter().any(|reserve| *reserve == 0) {
            return Some((*self, reserves));
        }
        let scaled = |coin| wide::<512, 8>(reserves.get(coin)?).checked_mul(wide(self.scale.get(coin)?));
        let d = invariant_of(self.ann, scaled(0)?, scaled(1)?)?;
        Some((Stable { d, ..*self }, reserves))
    }

    /// The scales of the coin that goes in and of the coin that comes out.
    fn scales_of(&self, direction: Direction) -> Option<(Atoms, Atoms)> {
        self.scale.get(direction.from).zip(self.scale.get(direction.into))
    }

    fn d_micro(&self) -> Option<U512> {
        wide::<512, 8>(self.d).checked_mul(wide(MILLION))
    }

    fn is_allowed(&self, direction: Direction, after: &Sides<'_>) -> Option<bool> {
        let (scale_put, scale_drawn) = self.scales_of(direction)?;
        let x = scaled(after.put, scale_put)?;
        let y = scaled(after.drawn, scale_drawn)?;
        let ann = U512::from(self.ann);
        let d = self.d_micro()?;
        let gained = ann.checked_mul(x.checked_add(y)?)?.checked_add(d)?;
        let Some(excess) = gained.checked_sub(ann.checked_mul(d)?) else {
            return Some(false);
        };
        Some(excess.checked_mul(four_times(x, y)?)? >= cube(d)?)
    }

    /// The least `2 ann y` on the curve at `x`, rounded up, in the rule's units.
    ///
    /// With `c = ann D - D - ann x` the rule is `(2 ann y - c)^2 >= c^2 + ann D^3 / x`, and its left side
    /// is the square of an integer.
    fn least_twice_ann_y(&self, x: U512) -> Option<U512> {
        let ann = U512::from(self.ann);
        let d = self.d_micro()?;
        let plus = ann.checked_mul(d)?.checked_sub(d)?;
        let minus = ann.checked_mul(x)?;
        let c = plus.abs_diff(minus);
        let rest = div_up(ann.checked_mul(cube(d)?)?, x)?;
        let root = root_up(c.checked_mul(c)?.checked_add(rest)?, 2)?;
        if plus >= minus { root.checked_add(c) } else { root.checked_sub(c) }
    }
}

impl Curve for Stable {
    fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    fn allows(&self, direction: Direction, _: &Sides<'_>, after: &Sides<'_>) -> bool {
        self.is_allowed(direction, after) == Some(true)
    }

    fn least_drawn(&self, direction: Direction, _: &Sides<'_>, put: U256) -> Option<U256> {
        let (scale_put, scale_drawn) = self.scales_of(direction)?;
        let least = self.least_twice_ann_y(scaled(put, scale_put)?)?;
        let unit = U512::from(self.ann).checked_mul(wide(2))?.checked_mul(wide(scale_drawn))?;
        resize(div_up(least, unit)?)
    }

    /// The quotient of the rule's derivatives, `(4 ann x^2 y^2 + D^3 y) / (4 ann x^2 y^2 + D^3 x)`.
    ///
    /// The curve's own y lies in `(y - 1, y]`: the larger one goes above the line, the smaller one below.
    fn slope(&self, direction: Direction, before: &Sides<'_>) -> Option<Rate> {
        let (scale_put, scale_drawn) = self.scales_of(direction)?;
        let x = scaled(before.put, scale_put)?;
        let twice_ann = U512::from(self.ann).checked_mul(wide(2))?;
        let y = resize::<512, 8, 1088, 17>(div_up(self.least_twice_ann_y(x)?, twice_ann)?)?;
        let x = resize::<512, 8, 1088, 17>(x)?;
        let cube = resize::<512, 8, 1088, 17>(cube(self.d_micro()?)?)?;
        let four_ann_square = U1088::from(self.ann).checked_mul(wide(4))?.checked_mul(x)?.checked_mul(x)?;
        let derivative = |y: U1088, other: U1088| -> Option<U1088> {
            four_ann_square.checked_mul(y)?.checked_mul(y)?.checked_add(cube.checked_mul(other)?)
        };
        let above = derivative(y, y)?.checked_mul(wide(scale_put))?;
        let below = derivative(y.checked_sub(U1088::ONE)?, x)?.checked_mul(wide(scale_drawn))?;
        let shift = above.bit_len().max(below.bit_len()).saturating_sub(SLOPE_BITS);
        Some(Rate {
            numerator: resize(above.wrapping_shr(shift).checked_add(U1088::ONE)?)?,
            denominator: resize(below.wrapping_shr(shift))?,
        })
    }
}

fn scaled(reserve: U256, scale: Atoms) -> Option<U512> {
    resize::<256, 4, 512, 8>(reserve)?.checked_mul(wide(scale)).filter(|value| value.bit_len() <= SCALED_BITS)
}

fn four_times(x: U512, y: U512) -> Option<U512> {
    x.checked_mul(y)?.checked_mul(wide(4))
}

fn cube(value: U512) -> Option<U512> {
    value.checked_mul(value)?.checked_mul(value)
}

fn invariant_of(ann: u64, x: U512, y: U512) -> Option<Atoms> {
    let sum = x.checked_add(y)?;
    let four_xy = four_times(x, y)?;
    if four_xy.is_zero() || ann == 0 {
        return None;
    }
    let linear = four_xy.checked_mul(U512::from(ann.checked_sub(1)?))?;
    let constant = four_xy.checked_mul(U512::from(ann))?.checked_mul(sum)?;
    let mut d = sum;
    for _ in 0..INVARIANT_STEPS_MAX {
        let square = d.checked_mul(d)?;
        let above = square.checked_mul(d)?.checked_mul(wide(2))?.checked_add(constant)?;
        let next = above.checked_div(square.checked_mul(wide(3))?.checked_add(linear)?)?;
        if next >= d {
            let value = cube(d)?.checked_add(linear.checked_mul(d)?)?;
            let up = if value < constant { d.checked_add(U512::ONE)? } else { d };
            return Atoms::try_from(up).ok().filter(|d| *d <= SUPPLY_MAX);
        }
        d = next;
    }
    None
}
