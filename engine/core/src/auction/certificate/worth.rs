//! What one atom is worth, in fixed point, as a pair that holds the exact value between them.

use crate::money::{Atoms, Score};
use crate::price::Price;
use crate::wide::{U1088, div_up, power, wide};

use super::super::score::SCORE_UNIT;

/// A value in 10^-18 reference units times 2 to the [`FRACTION_BITS`].
pub(super) type Value = U1088;

/// An atom worth 10^-58 reference units still has 100 significant bits at this precision.
pub(super) const FRACTION_BITS: usize = 256;

/// The value of one atom, rounded both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) up: Value,
    pub(super) down: Value,
}

impl Worth {
    /// The worth of an atom of an asset with `scale` decimals at the price of a whole unit; `None` is worth nothing.
    pub(super) fn of(price: Option<Price>, scale: u8) -> Option<Worth> {
        let Some(price) = price else { return Some(Worth::default()) };
        let exponent = u32::from(price.places()).checked_add(u32::from(scale))?;
        let divisor = power(U1088::from(10_u8), exponent)?;
        let numerator = wide::<1088, 17>(price.mantissa()).checked_mul(wide(SCORE_UNIT))?;
        let numerator = numerator.checked_shl(FRACTION_BITS)?;
        Some(Worth { up: div_up(numerator, divisor)?, down: numerator.checked_div(divisor)? })
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.up.is_zero()
    }

    pub(super) fn up(&self, amount: Atoms) -> Option<Value> {
        self.up.checked_mul(wide(amount))
    }

    pub(super) fn down(&self, amount: Atoms) -> Option<Value> {
        self.down.checked_mul(wide(amount))
    }
}

/// A value as a score, rounded up; what does not fit, or could not be computed, is the top.
pub(super) fn score_up(value: Option<Value>) -> Score {
    let rounded = value.and_then(|value| {
        let whole = value.wrapping_shr(FRACTION_BITS);
        if value == whole.wrapping_shl(FRACTION_BITS) { Some(whole) } else { whole.checked_add(U1088::ONE) }
    });
    rounded.and_then(|whole| Score::try_from(whole).ok()).unwrap_or(Score::MAX)
}

/// Computes `value * numerator / denominator`, rounded up; `None` if it does not fit.
pub(super) fn share_up(value: Value, numerator: Atoms, denominator: Atoms) -> Option<Value> {
    div_up(value.checked_mul(wide(numerator))?, wide(denominator))
}
