//! One range between two ticks: a constant product of virtual reserves, stepped through as Uniswap v3 does.
//!
//! With liquidity L and the square root p of the price the virtual reserves are L / p of coin 0 and L p of coin 1.
//! What goes in is rounded up, what comes out down, and the price against the taker, each exactly once a step
//! (`SqrtPriceMath`, without its shortcut for products beyond 256 bits).

use crate::money::Atoms;
use crate::wide::{U256, U512, div_up, resize, wide};

/// One, as the square root of a price.
const UNIT: U512 = U512::from_limbs([0, 1 << 32, 0, 0, 0, 0, 0, 0]);

/// What a use may pass through until the next tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// Whether coin 0 goes in, so that the price falls.
    pub(super) is_falling: bool,
    /// The square root of the price now.
    pub(super) price: U256,
    /// That of the tick ahead: not above `price` if falling, not below it if rising.
    pub(super) bound: U256,
    /// The liquidity in between.
    pub(super) liquidity: u128,
}

/// Where a use ends within a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) price: U256,
    pub(super) amount_out: U256,
}

impl Range {
    /// What must go in, after fees, to reach the tick.
    pub(super) fn whole_in(&self) -> Option<U256> {
        if self.is_falling { self.first_between(self.bound, div_up) } else { self.second_between(self.bound, div_up) }
    }

    /// What comes out on the way to the tick.
    pub(super) fn whole_out(&self) -> Option<U256> {
        self.out_at(self.bound)
    }

    /// Where less than [`Range::whole_in`] leads.
    pub(super) fn stop(&self, net_in: Atoms) -> Option<Stop> {
        let (price, net): (U512, U512) = (resize(self.price)?, wide(net_in));
        let price = if self.is_falling {
            let scaled = self.scaled()?;
            div_up(scaled.checked_mul(price)?, scaled.checked_add(net.checked_mul(price)?)?)?
        } else {
            price.checked_add(net.checked_mul(UNIT)?.checked_div(wide(self.liquidity))?)?
        };
        let price = resize(price)?;
        Some(Stop { price, amount_out: self.out_at(price)? })
    }

    /// The least that must go in, after fees, for at most [`Range::whole_out`] to come out.
    pub(super) fn in_for(&self, amount_out: Atoms) -> Option<U256> {
        let (price, out): (U512, U512) = (resize(self.price)?, wide(amount_out));
        if self.is_falling {
            let way = div_up(out.checked_mul(UNIT)?, wide(self.liquidity))?;
            return self.first_between(resize(price.checked_sub(way)?)?, div_up);
        }
        let scaled = self.scaled()?;
        let target = div_up(scaled.checked_mul(price)?, scaled.checked_sub(out.checked_mul(price)?)?)?;
        self.second_between(resize(target)?, div_up)
    }

    fn out_at(&self, price: U256) -> Option<U256> {
        let down = U512::checked_div;
        if self.is_falling { self.second_between(price, down) } else { self.first_between(price, down) }
    }

    /// Atoms of coin 0 between the price and another: `L |1/p - 1/q|`.
    fn first_between(&self, other: U256, divide: impl Fn(U512, U512) -> Option<U512>) -> Option<U256> {
        let product = resize::<256, 4, 512, 8>(self.price)?.checked_mul(resize(other)?)?;
        let way = resize(self.price.abs_diff(other))?;
        resize(divide(self.scaled()?.checked_mul(way)?, product)?)
    }

    /// Atoms of coin 1 between the price and another: `L |p - q|`.
    fn second_between(&self, other: U256, divide: impl Fn(U512, U512) -> Option<U512>) -> Option<U256> {
        let way: U512 = resize(self.price.abs_diff(other))?;
        resize(divide(way.checked_mul(wide(self.liquidity))?, UNIT)?)
    }

    fn scaled(&self) -> Option<U512> {
        UNIT.checked_mul(wide(self.liquidity))
    }
}
