//! Stable pools of more than two coins: all uses of all pairs together, by a tangent plane of the curve.
//!
//! As for weighted pools, for any p_k from nu_k to nu_k / gamma all uses gain at most the sum of `p_k R_k` less the least
//! of `sum of p_k Z_k` over reserves Z that the rule allows. With S the sum and P the product of the n reserves,
//! `E = ann S + D - ann D` and `F = log(E n^n P / D^(n+1))` the rule is `F >= 0`, and F is concave. So at any point z
//! with E > 0 every allowed Z has `grad F(z) (Z - z) >= -F(z) >= 1 - E n^n P / D^(n+1)` there, and where
//! `p_k >= mu grad F_k(z)` in every coin the sum of `p_k Z_k` is at least
//! `mu (ann S / E + n + 1 - E n^n P / D^(n+1))`.
//!
//! Any z and mu will do; mu is the largest that leaves every p_k at most nu_k / gamma. `tangent_point.rs` finds the best z.

use ruint::Uint;

use super::tangent_point::points;
use super::worth::{Value, Worth};
use crate::money::{Atoms, MILLION};
use crate::venue::{PerCoin, Stable};
use crate::wide::{U256, div_up, power, resize, wide};

/// As wide as the rule of eight coins.
pub(super) type U1792 = Uint<1792, 28>;

/// Fraction bits of how far a point is beyond the curve.
const RATIO_BITS: usize = 256;

/// Less than this part of all that a pool holds is not worth looking for a better point, as a power of two.
const QUIET_BITS: usize = 64;

/// Fraction bits of scaled millionths, so that pools of a few atoms are bounded tightly too: what eight coins have room
/// for in the width, and what four have.
const FINE_BITS: usize = 32;
const FINE_BITS_OF_FEW: usize = 64;

/// A coin in scaled millionths, with fraction bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin {
    pub(super) reserve: U1792,
    /// What one is worth where it is drawn, rounded up.
    pub(super) low_up: U1792,
    /// What one is worth where it is put in, rounded down.
    pub(super) high_down: U1792,
}

/// The curve of a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    pub(super) ann: U1792,
    pub(super) d: U1792,
    pub(super) coins: u32,
}

/// The most that uses of any pairs gain together; `None` if it does not fit.
pub(super) fn most(
    pool: &Stable,
    reserves_micro: &PerCoin<U256>,
    kept_ppm: u128,
    worths: &PerCoin<Worth>,
) -> Option<Value> {
    let rows = reserves_micro.iter().zip(worths).zip(&pool.scale);
    let fine_bits = if pool.scale.count() > 4 { FINE_BITS } else { FINE_BITS_OF_FEW };
    let coins = rows.map(|((reserve, worth), scale)| Coin::new(*reserve, worth, (*scale, fine_bits), kept_ppm));
    let coins = coins.collect::<Option<Vec<_>>>()?;
    // The product of the reserves is nothing, and no use keeps the rule.
    if coins.iter().any(|coin| coin.reserve.is_zero()) {
        return Some(Value::ZERO);
    }
    let whole =
        coins.iter().try_fold(U1792::ZERO, |sum, coin| sum.checked_add(coin.reserve.checked_mul(coin.low_up)?))?;
    let curve = Curve::new(pool, coins.len(), fine_bits)?;
    let opening: Vec<U1792> = coins.iter().map(|coin| coin.reserve).collect();
    let most = curve.most_at(&coins, &opening).map_or(whole, |most| most.min(whole));
    // At prices that suit the opening nothing is gained but what rounding D leaves, and no point is better.
    if most <= whole.wrapping_shr(QUIET_BITS) {
        return resize(most);
    }
    let points = points(&curve, &coins).unwrap_or_default();
    let nearer = points.iter().filter_map(|point| curve.most_at(&coins, point));
    resize(nearer.fold(most, U1792::min))
}

impl Coin {
    fn new(reserve_micro: U256, worth: &Worth, (scale, fine_bits): (Atoms, usize), kept_ppm: u128) -> Option<Coin> {
        let scale = wide::<1792, 28>(scale).checked_shl(fine_bits)?;
        let (up, down): (U1792, U1792) = (resize(worth.up)?, resize(worth.down)?);
        let drawn_unit = scale.checked_mul(wide(MILLION))?;
        Some(Coin {
            reserve: resize::<256, 4, 1792, 28>(reserve_micro)?.checked_mul(scale)?,
            low_up: div_up(up, drawn_unit)?,
            high_down: down.checked_div(scale.checked_mul(wide(kept_ppm))?)?,
        })
    }
}

impl Curve {
    fn new(pool: &Stable, coins: usize, fine_bits: usize) -> Option<Curve> {
        let d = wide::<1792, 28>(pool.d).checked_mul(wide(MILLION))?.checked_shl(fine_bits)?;
        Some(Curve { ann: U1792::from(pool.ann), d, coins: u32::try_from(coins).ok()? })
    }

    /// E, where it is positive.
    pub(super) fn excess(&self, sum: U1792) -> Option<U1792> {
        let plus = self.ann.checked_mul(sum)?.checked_add(self.d)?;
        plus.checked_sub(self.ann.checked_mul(self.d)?).filter(|excess| !excess.is_zero())
    }

    /// The bound by the tangent plane at a point; `None` where there is none or it does not fit.
    fn most_at(&self, coins: &[Coin], point: &[U1792]) -> Option<U1792> {
        let sum = point.iter().try_fold(U1792::ZERO, |sum, z| sum.checked_add(*z))?;
        let excess = self.excess(sum)?;
        // The derivative of F along a coin is `(ann z + E) / (E z)`.
        let parts = |z: U1792| Some((self.ann.checked_mul(z)?.checked_add(excess)?, excess.checked_mul(z)?));
        let mut factor: Option<U1792> = None;
        for (coin, z) in coins.iter().zip(point) {
            let (above, below) = parts(*z)?;
            let most = coin.high_down.checked_mul(below)?.checked_div(above)?;
            factor = Some(factor.map_or(most, |factor| factor.min(most)));
        }
        let factor = factor?;
        let mut gained =
            factor.checked_mul(self.beyond(excess, point)?)?.checked_add(U1792::ONE.wrapping_shl(RATIO_BITS))?;
        gained = gained.wrapping_shr(RATIO_BITS);
        for (coin, z) in coins.iter().zip(point) {
            let (above, below) = parts(*z)?;
            let price = div_up(factor.checked_mul(above)?, below)?.max(coin.low_up);
            gained = gained.checked_add(price.checked_mul(coin.reserve)?)?;
        }
        let held = factor.checked_mul(self.ann)?.checked_mul(sum)?.checked_div(excess)?;
        let count = U1792::from(self.coins.checked_add(1)?);
        Some(gained.saturating_sub(held.checked_add(factor.checked_mul(count)?)?))
    }

    /// `E n^n P / D^(n+1)` with [`RATIO_BITS`] fraction bits, rounded up.
    fn beyond(&self, excess: U1792, point: &[U1792]) -> Option<U1792> {
        let mut above = excess.checked_mul(power(U1792::from(self.coins), self.coins)?)?;
        for z in point {
            above = above.checked_mul(*z)?;
        }
        let below = power(self.d, self.coins.checked_add(1)?)?;
        // Both parts may lose bits that the quotient does not show.
        let shift = above.bit_len().saturating_sub(1_500);
        let (above, below) = (above.wrapping_shr(shift).checked_add(U1792::ONE)?, below.wrapping_shr(shift));
        div_up(above.checked_shl(RATIO_BITS)?, below)
    }
}
