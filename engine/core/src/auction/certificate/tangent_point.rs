//! Where the tangent plane of a stable pool's curve bounds best: at the reserves that the best uses lead to.
//!
//! At the optimum `p_k = mu (ann / E + 1 / Z_k)`. With `t = mu ann / E` a coin is drawn down to `mu / (nu_k - t)`, put in up
//! to `mu / (nu_k / gamma - t)`, or idle between, so at a given t mu is the level at which `E n^n P = D^(n+1)` with
//! `E = mu ann / t`: that of a weighted pool with one more coin, which is E. What is left is t alone: from zero to the
//! least nu_k / gamma, `ann S + D - ann D` grows from less than E to more. A point that is a little off still gives a bound.

use super::level::{Band, OFFSET_BITS, level_of, log_by_weight, number_below};
use super::tangent::{Coin, Curve, U1792};
use crate::venue::FRACTION_BITS;
use crate::wide::{U512, resize};

/// Steps in which either end of a bracket is looked for.
const WIDENINGS_MAX: usize = 48;
/// Steps in which it is narrowed; a third of them halve it.
const STEPS_MAX: usize = 96;
/// A bracket of this part of its end is narrow enough, as a power of two.
const CLOSE_BITS: usize = 110;

/// Reserves at a `t`, and how far off E they are.
struct Tried {
    t: U1792,
    point: Vec<U1792>,
    is_beyond: bool,
    off: U1792,
}

/// Logarithms that are the same for every `t`.
struct Search<'a> {
    curve: &'a Curve,
    coins: &'a [Coin],
    /// `log2(D^(n+1) / (ann n^n product of R))` and what its negative parts sum to.
    plus: U512,
    minus: U512,
}

/// The points at both ends of the narrowest bracket around the best; `None` where there is none or it does not fit.
pub(super) fn points(curve: &Curve, coins: &[Coin]) -> Option<Vec<Vec<U1792>>> {
    let search = Search::new(curve, coins)?;
    let end = coins.iter().map(|coin| coin.high_down).min().filter(|end| !end.is_zero())?;
    let (mut low, mut high) = (search.below(end)?, search.beyond(end)?);
    for step in 0..STEPS_MAX {
        let width = high.t.checked_sub(low.t)?;
        if width <= end.wrapping_shr(CLOSE_BITS) || width <= U1792::ONE {
            break;
        }
        let is_halved = step.checked_rem(3) == Some(2);
        let part = if is_halved {
            width.wrapping_shr(1)
        } else {
            width.checked_mul(low.off)?.checked_div(low.off.checked_add(high.off)?)?
        };
        let tried = search.at(low.t.checked_add(part.clamp(U1792::ONE, width))?)?;
        // The end that stays is weighed half, so that the next step is beyond the zero.
        if tried.is_beyond {
            high = tried;
            low.off = low.off.wrapping_shr(1);
        } else {
            low = tried;
            high.off = high.off.wrapping_shr(1);
        }
    }
    Some(vec![low.point, high.point])
}

impl<'a> Search<'a> {
    fn new(curve: &'a Curve, coins: &'a [Coin]) -> Option<Search<'a>> {
        let log = |number: U1792| log(number)?.checked_sub(U512::from(OFFSET_BITS).checked_shl(FRACTION_BITS)?);
        let count = U512::from(curve.coins);
        let plus = log(curve.d)?.checked_mul(count.checked_add(U512::ONE)?)?;
        let mut minus = log(U1792::from(curve.coins))?.checked_mul(count)?.checked_add(log(curve.ann)?)?;
        for coin in coins {
            minus = minus.checked_add(log(coin.reserve)?)?;
        }
        Some(Search { curve, coins, plus, minus })
    }

    fn below(&self, end: U1792) -> Option<Tried> {
        let parts = (1..WIDENINGS_MAX).map(|step| end.wrapping_shr(step));
        parts.filter_map(|t| self.at(t)).find(|tried| !tried.is_beyond)
    }

    fn beyond(&self, end: U1792) -> Option<Tried> {
        let parts = (1..WIDENINGS_MAX).map(|step| end.saturating_sub(end.wrapping_shr(step.saturating_mul(3))));
        parts.filter_map(|t| self.at(t)).find(|tried| tried.is_beyond)
    }

    fn at(&self, t: U1792) -> Option<Tried> {
        let mut bands = Vec::with_capacity(self.coins.len().checked_add(1)?);
        for coin in self.coins {
            let low = log(above(coin.low_up, t).checked_mul(coin.reserve)?)?;
            let high = log(above(coin.high_down, t).checked_mul(coin.reserve)?)?.max(low);
            bands.push(Band { low, high, weight: U512::ONE });
        }
        let excess = log(t)?.checked_add(self.plus)?.checked_sub(self.minus)?;
        bands.push(Band { low: excess, high: excess, weight: U512::ONE });
        let level = level_of(&bands)?;
        let factor: U1792 = resize(number_below(level)?)?;
        let mut point = Vec::with_capacity(self.coins.len());
        let mut sum = U1792::ZERO;
        for (coin, band) in self.coins.iter().zip(&bands) {
            let z = if level < band.low {
                factor.checked_div(above(coin.low_up, t))?
            } else if level > band.high {
                factor.checked_div(above(coin.high_down, t))?
            } else {
                coin.reserve
            };
            let z = z.max(U1792::ONE);
            sum = sum.checked_add(z)?;
            point.push(z);
        }
        // `ann S + D` against `ann D + E`.
        let found = self.curve.ann.checked_mul(sum)?.checked_add(self.curve.d)?;
        let owed = self
            .curve
            .ann
            .checked_mul(self.curve.d)?
            .checked_add(factor.checked_mul(self.curve.ann)?.checked_div(t)?)?;
        Some(Tried { t, point, is_beyond: found > owed, off: found.abs_diff(owed) })
    }
}

/// How far a price is above `t`; next to nothing for one that is not.
fn above(price: U1792, t: U1792) -> U1792 {
    price.saturating_sub(t).max(U1792::ONE)
}

fn log(number: U1792) -> Option<U512> {
    log_by_weight(resize(number)?, 1)
}
