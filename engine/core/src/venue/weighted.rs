//! Weighted pools: the product of powers of the reserves never falls.
//!
//! For one pair of coins only the ratio of their weights matters, the other reserves staying as they are. Where the
//! two weights in lowest terms sum to at most [`WEIGHT_SUM_MAX`] the rule is one comparison of exact integers,
//! `put'^v drawn'^w >= put^v drawn^w`, and amounts come from an exact integer root.
//!
//! Else it is one of logarithms, with L the `log2` of `logarithm.rs`, E its error bound, v and w the weights:
//! `v L(put') + w L(drawn') >= v L(put) + w L(drawn) + 2 E (v + w)`. The last term is more than all errors together, so
//! the true product never falls. It is asked of every use, so a chain of uses keeps the rule on summed amounts and
//! splitting a use gains nothing. L rises strictly, so the rule is monotone in every amount. A taker loses less than
//! 2^-160 of the drawn reserve by it.

use super::logarithm::{ERROR, U384, least_with, log2};
use super::pool::{self, Curve, Sides};
use super::{COINS_MAX, Direction, PerCoin, Rate};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512, U1088, div_up, power, resize, root_up};

/// Two weights in lowest terms that sum to at most this are raised to as exact powers, which fit 1,088 bits.
pub const WEIGHT_SUM_MAX: u64 = 8;
/// Weights are at most this: a share of one with 18 decimals.
pub const WEIGHT_MAX: u64 = 1_000_000_000_000_000_000;
/// The heaviest coin weighs at most this many times the lightest: with more, one coin alone decides the price.
pub const WEIGHT_RATIO_MAX: u64 = 10_000;

/// The terms of a weighted pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
    /// The weight of each coin, from 1 to [`WEIGHT_MAX`], none more than [`WEIGHT_RATIO_MAX`] times another.
    pub weights: PerCoin<u64>,
}

/// The weights of a pair of coins.
#[derive(Clone, Copy, Debug)]
enum Powers {
    /// In lowest terms, small enough to raise reserves to them.
    Exact { put: u32, drawn: u32 },
    /// As they are.
    Wide { put: u64, drawn: u64 },
}

impl Weighted {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        pool::validate_fee(self.fee_ppm)?;
        let refuse = |field: &str, message| Err(Refusal::new(Reason::OutOfRange, field, message));
        let count = self.weights.count();
        if !(2..=COINS_MAX).contains(&count) {
            return refuse("weights", format!("expected from 2 to {COINS_MAX} weights, found {count}"));
        }
        for (at, weight) in self.weights.iter().enumerate() {
            if !(1..=WEIGHT_MAX).contains(weight) {
                let message = format!("expected from 1 to {WEIGHT_MAX}, found {weight}");
                return refuse(&format!("weights[{at}]"), message);
            }
        }
        let (lightest, heaviest) = (self.weights.iter().min(), self.weights.iter().max());
        match lightest.zip(heaviest) {
            Some((lightest, heaviest)) if *heaviest > lightest.saturating_mul(WEIGHT_RATIO_MAX) => {
                let message = format!(
                    "expected the heaviest within {WEIGHT_RATIO_MAX} times the lightest, found {heaviest} and {lightest}"
                );
                refuse("weights", message)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn powers(&self, direction: Direction) -> Option<Powers> {
        let (put, drawn) = self.weights.get(direction.from).zip(self.weights.get(direction.into))?;
        let divisor = greatest_common_divisor(put, drawn);
        let (small_put, small_drawn) = (put.checked_div(divisor)?, drawn.checked_div(divisor)?);
        if small_put.checked_add(small_drawn).is_none_or(|sum| sum > WEIGHT_SUM_MAX) {
            return Some(Powers::Wide { put, drawn });
        }
        Some(Powers::Exact { put: u32::try_from(small_put).ok()?, drawn: u32::try_from(small_drawn).ok()? })
    }
}

impl Curve for Weighted {
    fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    fn allows(&self, direction: Direction, before: &Sides<'_>, after: &Sides<'_>) -> bool {
        let is_allowed = || match self.powers(direction)? {
            Powers::Exact { put, drawn } => {
                let product = |sides: &Sides<'_>| product(sides, put, drawn);
                Some(product(after)? >= product(before)?)
            }
            Powers::Wide { put, drawn } => Some(log2(after.drawn)? >= least_log(put, drawn, before, after.put)?),
        };
        is_allowed() == Some(true)
    }

    fn least_drawn(&self, direction: Direction, before: &Sides<'_>, put_after: U256) -> Option<U256> {
        match self.powers(direction)? {
            Powers::Exact { put, drawn } => {
                let rest = div_up(product(before, put, drawn)?, power(resize(put_after)?, put)?)?;
                resize(root_up(rest, drawn)?)
            }
            Powers::Wide { put, drawn } => least_with(least_log(put, drawn, before, put_after)?),
        }
    }

    /// The derivative of the curve, as in the Balancer white paper's spot price.
    fn slope(&self, direction: Direction, before: &Sides<'_>) -> Option<Rate> {
        let (put, drawn) = self.weights.get(direction.from).zip(self.weights.get(direction.into))?;
        Some(Rate {
            numerator: resize::<256, 4, 512, 8>(before.drawn)?.checked_mul(U512::from(put))?,
            denominator: resize::<256, 4, 512, 8>(before.put)?.checked_mul(U512::from(drawn))?,
        })
    }
}

fn product(sides: &Sides<'_>, put: u32, drawn: u32) -> Option<U1088> {
    power(resize::<256, 4, 1088, 17>(sides.put)?, put)?.checked_mul(power(resize(sides.drawn)?, drawn)?)
}

/// The least logarithm of the drawn reserve that the rule allows; at least that of one millionth.
fn least_log(put_weight: u64, drawn_weight: u64, before: &Sides<'_>, put_after: U256) -> Option<U384> {
    let (put, drawn) = (U384::from(put_weight), U384::from(drawn_weight));
    let margin = U384::from(ERROR).checked_mul(put.checked_add(drawn)?)?.checked_mul(U384::from(2_u8))?;
    let held = log2(before.put)?.checked_mul(put)?.checked_add(log2(before.drawn)?.checked_mul(drawn)?)?;
    let owed = held.checked_add(margin)?.saturating_sub(log2(put_after)?.checked_mul(put)?);
    div_up(owed, drawn)
}

fn greatest_common_divisor(first: u64, second: u64) -> u64 {
    let (mut first, mut second) = (first, second);
    while second != 0 {
        (first, second) = (second, first.checked_rem(second).unwrap_or(0));
    }
    first
}
