//! Liquidity sources and their exact integer rules, one file per kind.
//!
//! A venue trades one directed pair a use. Amounts in and out are checked against its rule
//! exactly; what the rule would have given on top stays in the venue.

mod concentrated;
mod constant_product;
mod direction;
mod ladder;
mod logarithm;
mod per_coin;
mod pool;
mod rail;
mod range;
mod stable;
mod tick;
mod weighted;

#[cfg(test)]
mod tests;

pub use concentrated::{CROSSED_MAX, Concentrated, TICKS_MAX};
pub(crate) use logarithm::{ERROR as LOG_ERROR, FRACTION_BITS, least_with, log2};
pub(crate) use pool::RESERVE_MICRO_BITS;

pub use constant_product::ConstantProduct;
pub use direction::Direction;
pub use ladder::{LEVELS_MAX, Ladder, Level};
pub use per_coin::{COINS_MAX, PerCoin};
pub use rail::Rail;
pub use stable::{ANN_MAX, STABLE_SCALE_MAX, Stable};
pub use tick::{TICK_MAX, Tick, sqrt_price_at};
pub use weighted::{WEIGHT_MAX, WEIGHT_RATIO_MAX, WEIGHT_SUM_MAX, Weighted};

use crate::money::{AUCTION_ATOMS_MAX, Atoms};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512};

/// The terms of a venue, fixed while an auction is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    /// A constant-product pool.
    ConstantProduct(ConstantProduct),
    /// A pool of 2 to 8 coins with weights.
    Weighted(Weighted),
    /// A stable pool of 2 to 8 coins.
    Stable(Stable),
    /// Order-book levels or quotes.
    Ladder(Ladder),
    /// A payment rail.
    Rail(Rail),
    /// A pool whose liquidity lies between ticks.
    Concentrated(Concentrated),
}

/// What changes in a venue as bundles of one auction use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueState {
    /// A pool's reserves in millionths of an atom, so that a fee in parts per million is exact.
    Pool {
        /// Per coin.
        reserves_micro: PerCoin<U256>,
    },
    /// What a ladder or rail has taken and given since the auction opened.
    Counter {
        /// Atoms taken in.
        taken: Atoms,
        /// Atoms given out.
        given: Atoms,
        /// How often it was used.
        uses: u32,
        /// Atoms that its account can still give.
        available: Atoms,
    },
    /// Where a concentrated pool stands.
    Concentrated {
        /// The square root of the price, in units of 2^-96.
        sqrt_price: U256,
        /// Atoms of each coin that it holds, less fees.
        held: [Atoms; 2],
    },
}

/// An exact bound on a venue's price: at most `numerator / denominator` atoms out per atom in.
///
/// Both parts stay below 2 to the 384, so that their products with amounts fit 512 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Atoms out.
    pub numerator: U512,
    /// Atoms in.
    pub denominator: U512,
}

impl Terms {
    /// The state before the first use of an auction, from what the venue's accounts hold.
    ///
    /// `inventory` is per coin, in atoms; a ladder or rail gives from that of coin 1.
    #[must_use]
    pub fn opening(&self, inventory: &PerCoin<Atoms>) -> VenueState {
        match self {
            Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) => pool_state(inventory),
            Terms::Ladder(_) | Terms::Rail(_) => {
                let available = inventory.get(Direction::FORWARD.into).unwrap_or(0);
                VenueState::Counter { taken: 0, given: 0, uses: 0, available }
            }
            Terms::Concentrated(pool) => {
                let held = [Direction::BACKWARD, Direction::FORWARD].map(|way| inventory.get(way.into).unwrap_or(0));
                VenueState::Concentrated { sqrt_price: pool.sqrt_price(), held }
            }
        }
    }

    /// Whether there is anything to give: of every coin of a curve, of the second one of a ladder or rail, of either
    /// of a concentrated pool.
    #[must_use]
    pub fn is_stocked(&self, inventory: &PerCoin<Atoms>) -> bool {
        let has = |coin| inventory.get(coin).is_some_and(|amount| amount > 0);
        match self {
            Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) => {
                inventory.iter().all(|amount| *amount > 0)
            }
            Terms::Ladder(_) | Terms::Rail(_) => has(Direction::FORWARD.into),
            Terms::Concentrated(_) => has(0) || has(1),
        }
    }

    /// The most that `amount_in` buys in this state; `None` if the venue can't be used so.
    #[must_use]
    pub fn out_for(&self, state: &VenueState, direction: Direction, amount_in: Atoms) -> Option<Atoms> {
        match self {
            Terms::ConstantProduct(curve) => pool::out_for(curve, state, direction, amount_in),
            Terms::Weighted(curve) => pool::out_for(curve, state, direction, amount_in),
            Terms::Stable(curve) => pool::out_for(curve, state, direction, amount_in),
            Terms::Ladder(ladder) => ladder.out_for(state, direction, amount_in),
            Terms::Rail(rail) => rail.out_for(state, direction, amount_in),
            Terms::Concentrated(pool) => pool.out_for(state, direction, amount_in),
        }
    }

    /// The least that buys `amount_out` in this state; `None` if nothing does.
    #[must_use]
    pub fn in_for(&self, state: &VenueState, direction: Direction, amount_out: Atoms) -> Option<Atoms> {
        match self {
            Terms::ConstantProduct(curve) => pool::in_for(curve, state, direction, amount_out),
            Terms::Weighted(curve) => pool::in_for(curve, state, direction, amount_out),
            Terms::Stable(curve) => pool::in_for(curve, state, direction, amount_out),
            Terms::Ladder(ladder) => ladder.in_for(state, direction, amount_out),
            Terms::Rail(rail) => rail.in_for(state, direction, amount_out),
            Terms::Concentrated(pool) => pool.in_for(state, direction, amount_out),
        }
    }

    /// The state after a use of exactly these amounts.
    ///
    /// # Errors
    ///
    /// `VENUE_RULE` with the numbers if the venue's rule does not allow the use.
    pub fn take(
        &self,
        state: &VenueState,
        direction: Direction,
        amount_in: Atoms,
        amount_out: Atoms,
    ) -> Result<VenueState, Refusal> {
        match self {
            Terms::ConstantProduct(curve) => pool::take(curve, state, direction, amount_in, amount_out),
            Terms::Weighted(curve) => pool::take(curve, state, direction, amount_in, amount_out),
            Terms::Stable(curve) => pool::take(curve, state, direction, amount_in, amount_out),
            Terms::Ladder(ladder) => ladder.take(state, direction, amount_in, amount_out),
            Terms::Rail(rail) => rail.take(state, direction, amount_in, amount_out),
            Terms::Concentrated(pool) => pool.take(state, direction, amount_in, amount_out),
        }
    }

    /// An upper bound on atoms out per atom in, over every size; `None` if the venue can't be used so.
    ///
    /// Every use keeps `out <= best_rate * in + unclaimed`, see [`Terms::unclaimed`].
    #[must_use]
    pub fn best_rate(&self, state: &VenueState, direction: Direction) -> Option<Rate> {
        match self {
            Terms::ConstantProduct(curve) => pool::best_rate(curve, state, direction),
            Terms::Weighted(curve) => pool::best_rate(curve, state, direction),
            Terms::Stable(curve) => pool::best_rate(curve, state, direction),
            Terms::Ladder(ladder) => ladder.best_rate(state, direction),
            Terms::Rail(rail) => rail.best_rate(state, direction),
            Terms::Concentrated(pool) => pool.best_rate(state, direction),
        }
    }

    /// What earlier uses left on the table and the next one may take on top of the rate, in atoms, rounded up.
    ///
    /// Zero for constant-product, weighted and concentrated pools and rails, whose rules forget it.
    #[must_use]
    pub fn unclaimed(&self, state: &VenueState, direction: Direction) -> Option<Atoms> {
        match self {
            Terms::ConstantProduct(curve) => pool::unclaimed(curve, state, direction),
            Terms::Weighted(curve) => pool::unclaimed(curve, state, direction),
            Terms::Stable(curve) => pool::unclaimed(curve, state, direction),
            Terms::Ladder(ladder) => ladder.unclaimed(state, direction),
            Terms::Rail(rail) => rail.best_rate(state, direction).map(|_| 0),
            Terms::Concentrated(pool) => pool.best_rate(state, direction).map(|_| 0),
        }
    }

    /// The number of coins that the terms speak of.
    #[must_use]
    pub fn coins(&self) -> usize {
        match self {
            Terms::ConstantProduct(_) | Terms::Ladder(_) | Terms::Rail(_) | Terms::Concentrated(_) => 2,
            Terms::Weighted(pool) => pool.weights.count(),
            Terms::Stable(pool) => pool.scale.count(),
        }
    }

    /// Checks that the terms lie in the ranges for which every rule here is exact.
    ///
    /// # Errors
    ///
    /// `OUT_OF_RANGE`, `AMOUNT_ZERO` or `AMOUNT_TOO_LARGE` with the field's name, fees first, then in the
    /// order of declaration.
    pub fn validate(&self) -> Result<(), Refusal> {
        match self {
            Terms::ConstantProduct(pool) => pool.validate(),
            Terms::Weighted(pool) => pool.validate(),
            Terms::Stable(pool) => pool.validate(),
            Terms::Ladder(ladder) => ladder.validate(),
            Terms::Rail(rail) => rail.validate(),
            // Checked as it was made.
            Terms::Concentrated(_) => Ok(()),
        }
    }

    /// The terms after an auction, and a pool's reserves; the rest of what a pool holds is its fees.
    ///
    /// A ladder keeps what its levels have left, a partly used one pro rata, rounded down.
    #[must_use]
    pub fn settle(&self, state: &VenueState) -> (Terms, Option<PerCoin<Atoms>>) {
        if let Some((terms, reserves)) = self.settle_pool(state) {
            return (terms, Some(reserves));
        }
        match (self, *state) {
            (Terms::Ladder(ladder), VenueState::Counter { taken, .. }) => (Terms::Ladder(ladder.rest(taken)), None),
            (terms, VenueState::Pool { .. } | VenueState::Counter { .. } | VenueState::Concentrated { .. }) => {
                (terms.clone(), None)
            }
        }
    }

    /// A pool's terms and reserves in whole atoms after an auction; `None` for ladders, rails and a foreign state,
    /// or where D would exceed what may exist.
    ///
    /// Constant-product and weighted reserves round up. Stable reserves round down and D is the least integer
    /// that leaves nothing for free at them. A concentrated pool keeps its price to the last digit and all it holds
    /// but fees. In each case takers gain nothing by the rounding, and the reserves
    /// are at most the atoms held: the difference, fees included, belongs to the pool's fee account.
    #[must_use]
    pub fn settle_pool(&self, state: &VenueState) -> Option<(Terms, PerCoin<Atoms>)> {
        match (self, state) {
            (Terms::ConstantProduct(_) | Terms::Weighted(_), VenueState::Pool { reserves_micro }) => {
                Some((self.clone(), pool::reserves_up(reserves_micro)?))
            }
            (Terms::Stable(stable), VenueState::Pool { reserves_micro }) => {
                let (stable, reserves) = stable.settled(reserves_micro)?;
                Some((Terms::Stable(stable), reserves))
            }
            (Terms::Concentrated(pool), VenueState::Concentrated { sqrt_price, held }) => {
                Some((Terms::Concentrated(pool.at(*sqrt_price)), (*held).into()))
            }
            (_, VenueState::Pool { .. } | VenueState::Counter { .. } | VenueState::Concentrated { .. }) => None,
        }
    }
}

fn pool_state(inventory: &PerCoin<Atoms>) -> VenueState {
    let micro = |atoms: Atoms| crate::wide::wide::<256, 4>(atoms).saturating_mul(U256::from(crate::money::MILLION));
    VenueState::Pool { reserves_micro: inventory.map(micro) }
}

fn is_auction_amount(amount: Atoms) -> bool {
    (1..AUCTION_ATOMS_MAX).contains(&amount)
}

fn validate_amount(field: &str, amount: Atoms) -> Result<(), Refusal> {
    if amount == 0 {
        return Err(Refusal::new(Reason::AmountZero, field, "expected a positive amount, found 0"));
    }
    if amount >= AUCTION_ATOMS_MAX {
        let message = format!("expected less than {AUCTION_ATOMS_MAX} atoms, found {amount}");
        return Err(Refusal::new(Reason::AmountTooLarge, field, message));
    }
    Ok(())
}

fn too_much(most: Option<Atoms>, amount_in: Atoms, amount_out: Atoms) -> Refusal {
    let message = match most {
        Some(most) => format!("expected at most {most} out for {amount_in} in, found {amount_out}"),
        None => format!("expected a direction and an amount that the venue takes, found {amount_in} in"),
    };
    Refusal::new(Reason::VenueRule, "uses", message)
}
