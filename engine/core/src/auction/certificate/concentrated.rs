//! Concentrated pools: range by range on the way to the price that suits.
//!
//! A use pays for the way of its price at least what the ranges ask, and takes at most what they give, so with p_k from
//! nu_k to nu_k / gamma all uses one after another gain at most what the ranges' holdings are worth at p before less
//! after, whichever way they went. With nu_0 / gamma for coin 0 and nu_1 for coin 1 that is most where the price has
//! fallen to their quotient, and with nu_0 and nu_1 / gamma where it has risen to it; where the one pays the other does
//! not, or neither, so their sum bounds both. A range that is passed gives what it holds, and the last one is a
//! constant product of the virtual reserves L / q and L q, with q the square root of the price. Where the pool holds less
//! than its ranges would give, the way ends with what it holds.

use super::product;
use super::worth::{Value, Worth};
use crate::money::{Atoms, MILLION};
use crate::venue::{Concentrated, Direction, PerCoin};
use crate::wide::{U256, U1088, div_up, resize, wide};

/// What square roots of prices are counted in: 2^-96.
const PRICE_BITS: usize = 96;

/// The most that uses either way gain; `None` if it does not fit. `kept_ppm` is what the fee leaves of a million.
pub(super) fn most(
    pool: &Concentrated,
    sqrt_price: U256,
    held: [Atoms; 2],
    kept_ppm: u128,
    worths: &PerCoin<Worth>,
) -> Option<Value> {
    let [first_held, second_held] = held;
    let (first, second) = worths.get(0).zip(worths.get(1))?;
    let falling = Way { direction: Direction::FORWARD, first: by_fee(&first, kept_ppm)?, second };
    let rising = Way { direction: Direction::BACKWARD, first, second: by_fee(&second, kept_ppm)? };
    falling.most(pool, sqrt_price, second_held)?.checked_add(rising.most(pool, sqrt_price, first_held)?)
}

/// A coin that is put in is worth more by its fee.
fn by_fee(worth: &Worth, kept_ppm: u128) -> Option<Worth> {
    let (million, kept) = (wide::<1088, 17>(MILLION), wide::<1088, 17>(kept_ppm));
    Some(Worth {
        up: div_up(worth.up.checked_mul(million)?, kept)?,
        down: worth.down.checked_mul(million)?.checked_div(kept)?,
    })
}

/// One way the price may go, with what an atom of each coin counts.
struct Way {
    direction: Direction,
    first: Worth,
    second: Worth,
}

impl Way {
    fn most(&self, pool: &Concentrated, sqrt_price: U256, held: Atoms) -> Option<Value> {
        let (mut most, mut open) = (Value::ZERO, wide::<1088, 17>(held));
        for (start, end, liquidity) in pool.ranges(sqrt_price, self.direction) {
            let (start, end): (U1088, U1088) = (resize(start)?, resize(end)?);
            let out = self.out(start, end, liquidity)?;
            let cut = if out > open { self.cut(start, liquidity, open)? } else { None };
            let end = cut.unwrap_or(end);
            if self.is_reached(start)? {
                break;
            }
            let gain = if self.is_passed(end)? {
                self.whole(start, end, liquidity)?
            } else {
                self.most_within(start, liquidity)?
            };
            most = most.checked_add(gain)?;
            open = open.saturating_sub(out);
            if cut.is_some() {
                break;
            }
        }
        Some(most)
    }

    /// What a range gives, rounded down.
    fn out(&self, start: U1088, end: U1088, liquidity: u128) -> Option<U1088> {
        let way = start.abs_diff(end).checked_mul(wide(liquidity))?;
        if self.direction == Direction::FORWARD {
            return Some(way.wrapping_shr(PRICE_BITS));
        }
        way.checked_shl(PRICE_BITS)?.checked_div(start.checked_mul(end)?)
    }

    /// A price at which a range has given at least `open`; `None` if it never has.
    fn cut(&self, start: U1088, liquidity: u128, open: U1088) -> Option<Option<U1088>> {
        let scaled = U1088::ONE.wrapping_shl(PRICE_BITS).checked_mul(wide(liquidity))?;
        if self.direction == Direction::FORWARD {
            let way = div_up(open.checked_shl(PRICE_BITS)?, wide(liquidity))?;
            return Some(start.checked_sub(way).filter(|end| !end.is_zero()));
        }
        let Some(rest) = scaled.checked_sub(open.checked_mul(start)?).filter(|rest| !rest.is_zero()) else {
            return Some(None);
        };
        Some(Some(div_up(scaled.checked_mul(start)?, rest)?))
    }

    /// Whether nothing is gained beyond a price, even if rounding hides something.
    fn is_reached(&self, price: U1088) -> Option<bool> {
        let square = price.checked_mul(price)?;
        let unit = |worth: Value| worth.checked_shl(PRICE_BITS)?.checked_shl(PRICE_BITS);
        Some(if self.direction == Direction::FORWARD {
            self.second.up.checked_mul(square)? <= unit(self.first.down)?
        } else {
            unit(self.first.up)? <= self.second.down.checked_mul(square)?
        })
    }

    /// Whether going on beyond a price gains something, even if rounding hides some of it.
    fn is_passed(&self, price: U1088) -> Option<bool> {
        let square = price.checked_mul(price)?;
        let unit = |worth: Value| worth.checked_shl(PRICE_BITS)?.checked_shl(PRICE_BITS);
        Some(if self.direction == Direction::FORWARD {
            self.second.down.checked_mul(square)? >= unit(self.first.up)?
        } else {
            unit(self.first.down)? >= self.second.up.checked_mul(square)?
        })
    }

    /// What a whole range gives less what passing it costs.
    fn whole(&self, start: U1088, end: U1088, liquidity: u128) -> Option<Value> {
        let way = start.abs_diff(end).checked_mul(wide(liquidity))?;
        let product = start.checked_mul(end)?;
        let first = |worth: Value| worth.checked_mul(way)?.checked_shl(PRICE_BITS);
        let second = |worth: Value| worth.checked_mul(way);
        let one = U1088::ONE.wrapping_shl(PRICE_BITS);
        Some(if self.direction == Direction::FORWARD {
            let paid = first(self.first.down)?.checked_div(product)?;
            div_up(second(self.second.up)?, one)?.saturating_sub(paid)
        } else {
            let paid = second(self.second.down)?.checked_div(one)?;
            div_up(first(self.first.up)?, product)?.saturating_sub(paid)
        })
    }

    /// What a range gives at most if it went on for ever.
    fn most_within(&self, start: U1088, liquidity: u128) -> Option<Value> {
        let one = U1088::ONE.wrapping_shl(PRICE_BITS);
        let scaled = one.checked_mul(wide(liquidity))?;
        let along = start.checked_mul(wide(liquidity))?;
        let first = Worth {
            up: div_up(self.first.up.checked_mul(scaled)?, start)?,
            down: self.first.down.checked_mul(scaled)?.checked_div(start)?,
        };
        let second = Worth {
            up: div_up(self.second.up.checked_mul(along)?, one)?,
            down: self.second.down.checked_mul(along)?.checked_div(one)?,
        };
        if self.direction == Direction::FORWARD {
            product::most_of_values(&first, &second)
        } else {
            product::most_of_values(&second, &first)
        }
    }
}
