//! Stable pools: the StableSwap invariant (Egorov, "StableSwap", 2019) of 2 to 8 coins with a fixed D.
//!
//! The rule, over the n reserves in scaled millionths with sum S and product P and D in the same unit, is
//! `(ann S + D - ann D) n^n P >= D^(n+1)`. For known other reserves it is a quadratic in one, so the least reserve
//! comes exactly from one integer square root. It asks of the reserves after a use alone, so a chain of uses keeps
//! the rule on summed amounts and splitting a use gains nothing. Two coins fit 512 bits, eight 1,792.

use ruint::Uint;

use super::pool::{self, Curve, Sides};
use super::{COINS_MAX, Direction, PerCoin, Rate};
use crate::money::{Atoms, MILLION, SUPPLY_MAX};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512, div_up, power, resize, root_up, wide};

/// The largest `ann`, so that both sides of the rule fit their width.
pub const ANN_MAX: u64 = 10_000_000;

/// The largest factor between an atom and a scaled unit: eighteen decimals.
pub const STABLE_SCALE_MAX: Atoms = 1_000_000_000_000_000_000;

/// Scaled reserves in millionths stay below 2 to this, so that both sides of the rule fit their width.
const SCALED_BITS: usize = 156;
/// Newton from above takes at least a ninth off a D far too large: about nine hundred steps for the most skewed
/// balances of eight coins.
const INVARIANT_STEPS_MAX: usize = 2_048;
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
    /// The invariant D of 2 to 8 balances in scaled units, rounded up; `None` if a balance is zero or D too large.
    ///
    /// It is the least integer D at which the rule leaves a taker nothing for free at these balances: the rounded up
    /// root of `D^(n+1) + n^n P (ann - 1) D = n^n P ann S`, by Newton from S.
    #[must_use]
    pub fn invariant(ann: u64, balances: &[Atoms]) -> Option<Atoms> {
        let balances = PerCoin::from_slice(balances)?;
        match balances.count() {
            2 => invariant_of::<512, 8>(ann, &balances.map(wide)),
            _ => invariant_of::<1792, 28>(ann, &balances.map(wide)),
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
        let count = self.scale.count();
        if !(2..=COINS_MAX).contains(&count) {
            let message = format!("expected from 2 to {COINS_MAX} scales, found {count}");
            return Err(Refusal::new(Reason::OutOfRange, "scale", message));
        }
        let mut scales = self.scale.iter().enumerate();
        scales.try_for_each(|(at, scale)| in_range(&format!("scale[{at}]"), *scale, STABLE_SCALE_MAX))
    }

    /// The pool after an auction: reserves rounded down, D as [`Stable::invariant`] has it for them.
    pub(super) fn settled(&self, reserves_micro: &PerCoin<U256>) -> Option<(Stable, PerCoin<Atoms>)> {
        let reserves = pool::reserves_down(reserves_micro)?;
        if reserves.iter().any(|reserve| *reserve == 0) {
            return Some((*self, reserves));
        }
        let d = match reserves.count() {
            2 => invariant_of::<512, 8>(self.ann, &self.scaled_all(&reserves)?)?,
            _ => invariant_of::<1792, 28>(self.ann, &self.scaled_all(&reserves)?)?,
        };
        Some((Stable { d, ..*self }, reserves))
    }

    fn scaled_all<const BITS: usize, const LIMBS: usize>(
        &self,
        reserves: &PerCoin<Atoms>,
    ) -> Option<PerCoin<Uint<BITS, LIMBS>>> {
        let mut scales = self.scale.iter();
        reserves.try_map(|reserve| wide::<BITS, LIMBS>(reserve).checked_mul(wide(*scales.next()?)))
    }

    /// The rule on the reserve drawn from, once the one put into is `put`.
    fn rule<const BITS: usize, const LIMBS: usize>(
        &self,
        direction: Direction,
        sides: &Sides<'_>,
        put: U256,
    ) -> Option<Rule<BITS, LIMBS>> {
        let coins = self.scale.count();
        if sides.reserves.count() != coins {
            return None;
        }
        let (mut sum, mut product) = (Uint::ZERO, n_to_the_n(coins)?);
        for (coin, (reserve, scale)) in (0_u8..).zip(sides.reserves.iter().zip(&self.scale)) {
            let reserve = if coin == direction.from { put } else { *reserve };
            if coin != direction.into {
                let scaled = scaled(reserve, *scale)?;
                sum = sum.checked_add(scaled)?;
                product = product.checked_mul(scaled)?;
            }
        }
        Some(Rule {
            ann: Uint::from(self.ann),
            d: wide::<BITS, LIMBS>(self.d).checked_mul(wide(MILLION))?,
            coins: u32::try_from(coins).ok()?,
            sum,
            product,
            scale: self.scale.get(direction.into)?,
        })
    }

    fn slope_within<const BITS: usize, const LIMBS: usize>(
        &self,
        direction: Direction,
        before: &Sides<'_>,
    ) -> Option<Rate> {
        let scale = self.scale.get(direction.from)?;
        self.rule::<BITS, LIMBS>(direction, before, before.put)?.slope(scaled(before.put, scale)?, scale)
    }
}

impl Curve for Stable {
    fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    fn allows(&self, direction: Direction, _: &Sides<'_>, after: &Sides<'_>) -> bool {
        let is_allowed = match self.scale.count() {
            2 => self.rule::<512, 8>(direction, after, after.put).and_then(|rule| rule.allows(after.drawn)),
            _ => self.rule::<1792, 28>(direction, after, after.put).and_then(|rule| rule.allows(after.drawn)),
        };
        is_allowed == Some(true)
    }

    fn least_drawn(&self, direction: Direction, before: &Sides<'_>, put: U256) -> Option<U256> {
        match self.scale.count() {
            2 => self.rule::<512, 8>(direction, before, put)?.least(),
            _ => self.rule::<1792, 28>(direction, before, put)?.least(),
        }
    }

    fn slope(&self, direction: Direction, before: &Sides<'_>) -> Option<Rate> {
        match self.scale.count() {
            2 => self.slope_within::<1088, 17>(direction, before),
            _ => self.slope_within::<1792, 28>(direction, before),
        }
    }
}

/// The rule on one reserve, the others known.
struct Rule<const BITS: usize, const LIMBS: usize> {
    ann: Uint<BITS, LIMBS>,
    /// In scaled millionths.
    d: Uint<BITS, LIMBS>,
    coins: u32,
    /// Of the other reserves in scaled millionths.
    sum: Uint<BITS, LIMBS>,
    /// Of the other reserves in scaled millionths, times n^n.
    product: Uint<BITS, LIMBS>,
    /// What one atom of the reserve counts.
    scale: Atoms,
}

impl<const BITS: usize, const LIMBS: usize> Rule<BITS, LIMBS> {
    fn allows(&self, drawn: U256) -> Option<bool> {
        let y = scaled::<BITS, LIMBS>(drawn, self.scale)?;
        let gained = self.ann.checked_mul(self.sum.checked_add(y)?)?.checked_add(self.d)?;
        let Some(excess) = gained.checked_sub(self.ann.checked_mul(self.d)?) else {
            return Some(false);
        };
        Some(excess.checked_mul(self.product.checked_mul(y)?)? >= self.d_power()?)
    }

    fn least(&self) -> Option<U256> {
        let unit = self.ann.checked_mul(wide(2))?.checked_mul(wide(self.scale))?;
        resize(div_up(self.least_twice_ann_y()?, unit)?)
    }

    /// D to the power of n + 1.
    fn d_power(&self) -> Option<Uint<BITS, LIMBS>> {
        power(self.d, self.coins.checked_add(1)?)
    }

    /// The least `2 ann y` on the curve, rounded up, in the rule's units.
    ///
    /// With S the sum and P the product of the other reserves and `c = ann D - D - ann S` the rule is
    /// `(2 ann y - c)^2 >= c^2 + 4 ann D^(n+1) / (n^n P)`, and its left side is the square of an integer.
    fn least_twice_ann_y(&self) -> Option<Uint<BITS, LIMBS>> {
        let plus = self.ann.checked_mul(self.d)?.checked_sub(self.d)?;
        let minus = self.ann.checked_mul(self.sum)?;
        let c = plus.abs_diff(minus);
        let rest = div_up(self.ann.checked_mul(wide(4))?.checked_mul(self.d_power()?)?, self.product)?;
        let root = root_up(c.checked_mul(c)?.checked_add(rest)?, 2)?;
        if plus >= minus { root.checked_add(c) } else { root.checked_sub(c) }
    }

    /// The quotient of the rule's derivatives, `(ann Q y x + D^(n+1)) y / ((ann Q y y + D^(n+1)) x)`, with x the reserve
    /// put into, y the one drawn from, and Q = n^n times the product of all but y.
    ///
    /// The curve's own y lies in `(y - 1, y]`: the larger one goes above the line, the smaller one below.
    fn slope(&self, x: Uint<BITS, LIMBS>, scale_put: Atoms) -> Option<Rate> {
        let y = div_up(self.least_twice_ann_y()?, self.ann.checked_mul(wide(2))?)?;
        let lower = y.checked_sub(Uint::ONE)?;
        let (weighed, d_power) = (self.ann.checked_mul(self.product)?, self.d_power()?);
        let derivative = |y: Uint<BITS, LIMBS>, other: Uint<BITS, LIMBS>| {
            weighed.checked_mul(y)?.checked_mul(other)?.checked_add(d_power)
        };
        let above = derivative(y, x)?.checked_mul(y)?.checked_mul(wide(scale_put))?;
        let below = derivative(lower, lower)?.checked_mul(x)?.checked_mul(wide(self.scale))?;
        let shift = above.bit_len().max(below.bit_len()).saturating_sub(SLOPE_BITS);
        Some(Rate {
            numerator: resize(above.wrapping_shr(shift).checked_add(Uint::ONE)?)?,
            denominator: resize(below.wrapping_shr(shift))?,
        })
    }
}

fn scaled<const BITS: usize, const LIMBS: usize>(reserve: U256, scale: Atoms) -> Option<Uint<BITS, LIMBS>> {
    let scaled: U512 = resize::<256, 4, 512, 8>(reserve)?.checked_mul(wide(scale))?;
    if scaled.bit_len() <= SCALED_BITS { resize(scaled) } else { None }
}

fn n_to_the_n<const BITS: usize, const LIMBS: usize>(coins: usize) -> Option<Uint<BITS, LIMBS>> {
    power(Uint::from(coins), u32::try_from(coins).ok()?)
}

fn invariant_of<const BITS: usize, const LIMBS: usize>(
    ann: u64,
    balances: &PerCoin<Uint<BITS, LIMBS>>,
) -> Option<Atoms> {
    let coins = u32::try_from(balances.count()).ok().filter(|coins| *coins >= 2)?;
    let (mut sum, mut product) = (Uint::ZERO, n_to_the_n::<BITS, LIMBS>(balances.count())?);
    for balance in balances {
        sum = sum.checked_add(*balance)?;
        product = product.checked_mul(*balance)?;
    }
    if product.is_zero() || ann == 0 {
        return None;
    }
    let linear = product.checked_mul(Uint::from(ann.checked_sub(1)?))?;
    let constant = product.checked_mul(Uint::from(ann))?.checked_mul(sum)?;
    let (many, more) = (Uint::from(coins), Uint::from(coins.checked_add(1)?));
    let mut d = sum;
    for _ in 0..INVARIANT_STEPS_MAX {
        let lower = power(d, coins)?;
        let above = lower.checked_mul(d)?.checked_mul(many)?.checked_add(constant)?;
        let next = above.checked_div(lower.checked_mul(more)?.checked_add(linear)?)?;
        if next >= d {
            let value = lower.checked_mul(d)?.checked_add(linear.checked_mul(d)?)?;
            let up = if value < constant { d.checked_add(Uint::ONE)? } else { d };
            return Atoms::try_from(up).ok().filter(|d| *d <= SUPPLY_MAX);
        }
        d = next;
    }
    None
}
