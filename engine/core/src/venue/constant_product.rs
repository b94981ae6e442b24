//! Constant-product pools: the product of the two reserves never falls.
//!
//! The fee does not enter the reserves; a chain of uses implies the rule on summed amounts,
//! because each use is held against the product that the use before it left.

use super::pool::{self, Curve, Sides};
use super::{Direction, Rate};
use crate::refusal::Refusal;
use crate::wide::{U256, U512, div_up, resize};

/// The terms of a constant-product pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantProduct {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
}

impl ConstantProduct {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        pool::validate_fee(self.fee_ppm)
    }
}

impl Curve for ConstantProduct {
    fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    fn allows(&self, _: Direction, before: &Sides<'_>, after: &Sides<'_>) -> bool {
        let products = product(after.put, after.drawn).zip(product(before.put, before.drawn));
        products.is_some_and(|(after, before)| after >= before)
    }

    fn least_drawn(&self, _: Direction, before: &Sides<'_>, put: U256) -> Option<U256> {
        resize(div_up(product(before.put, before.drawn)?, resize(put)?)?)
    }

    fn slope(&self, _: Direction, before: &Sides<'_>) -> Option<Rate> {
        Some(Rate { numerator: resize(before.drawn)?, denominator: resize(before.put)? })
    }
}

fn product(first: U256, second: U256) -> Option<U512> {
    resize::<256, 4, 512, 8>(first)?.checked_mul(resize(second)?)
}
