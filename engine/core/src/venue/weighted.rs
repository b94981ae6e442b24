//! Weighted pools: the product of powers of the two reserves never falls.
//!
//! Weights are small integers in lowest terms, so the rule is one comparison of exact integers;
//! amounts come from an exact integer root.

use super::pool::{self, Curve, Sides};
use super::{Direction, PerCoin, Rate};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512, U1088, div_up, power, resize, root_up};

/// Reduced weights sum to at most this, so that powers fit 1,088 bits.
pub const WEIGHT_SUM_MAX: u64 = 8;

/// The terms of a weighted pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
    /// Weights per coin, in lowest terms, positive, summing to at most [`WEIGHT_SUM_MAX`].
    pub weights: PerCoin<u64>,
}

impl Weighted {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        pool::validate_fee(self.fee_ppm)?;
        let (first, second) = match self.weights.as_slice() {
            [first, second] => (*first, *second),
            other => {
                let message = format!("expected 2 weights, found {}", other.len());
                return Err(Refusal::new(Reason::OutOfRange, "weights", message));
            }
        };
        let are_positive = first > 0 && second > 0;
        let is_small = first.checked_add(second).is_some_and(|sum| sum <= WEIGHT_SUM_MAX);
        if are_positive && is_small && have_no_common_divisor(first, second) {
            return Ok(());
        }
        let message = format!(
            "expected positive weights in lowest terms that sum to at most {WEIGHT_SUM_MAX}, found {first} and {second}"
        );
        Err(Refusal::new(Reason::OutOfRange, "weights", message))
    }

    /// The weights of the coin that goes in and of the coin that comes out.
    fn weights_of(&self, direction: Direction) -> Option<(u32, u32)> {
        let weight = |coin| u32::try_from(self.weights.get(coin)?).ok();
        weight(direction.from).zip(weight(direction.into))
    }

    fn product(&self, direction: Direction, sides: &Sides<'_>) -> Option<U1088> {
        let (weight_put, weight_drawn) = self.weights_of(direction)?;
        power(resize::<256, 4, 1088, 17>(sides.put)?, weight_put)?
            .checked_mul(power(resize(sides.drawn)?, weight_drawn)?)
    }
}

impl Curve for Weighted {
    fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    fn allows(&self, direction: Direction, before: &Sides<'_>, after: &Sides<'_>) -> bool {
        let products = self.product(direction, after).zip(self.product(direction, before));
        products.is_some_and(|(after, before)| after >= before)
    }

    fn least_drawn(&self, direction: Direction, before: &Sides<'_>, put: U256) -> Option<U256> {
        let (weight_put, weight_drawn) = self.weights_of(direction)?;
        let rest = div_up(self.product(direction, before)?, power(resize(put)?, weight_put)?)?;
        resize(root_up(rest, weight_drawn)?)
    }

    /// The derivative of the curve, as in the Balancer white paper's spot price.
    fn slope(&self, direction: Direction, before: &Sides<'_>) -> Option<Rate> {
        let (weight_put, weight_drawn) = self.weights_of(direction)?;
        Some(Rate {
            numerator: resize::<256, 4, 512, 8>(before.drawn)?.checked_mul(U512::from(weight_put))?,
            denominator: resize::<256, 4, 512, 8>(before.put)?.checked_mul(U512::from(weight_drawn))?,
        })
    }
}

fn have_no_common_divisor(first: u64, second: u64) -> bool {
    (2..=WEIGHT_SUM_MAX).all(|divisor| !(first.is_multiple_of(divisor) && second.is_multiple_of(divisor)))
}
