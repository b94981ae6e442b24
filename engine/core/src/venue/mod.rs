//! Liquidity sources and their exact integer rules, one file per kind.
//!
//! A venue trades one directed pair a use. Amounts in and out are checked against its rule
//! exactly; what the rule would have given on top stays in the venue.

mod constant_product;
mod ladder;
mod pool;
mod rail;
mod stable;
mod weighted;

#[cfg(test)]
mod tests;

pub(crate) use pool::RESERVE_MICRO_BITS;

pub use constant_product::ConstantProduct;
pub use ladder::{LEVELS_MAX, Ladder, Level};
pub use rail::Rail;
pub use stable::{ANN_MAX, STABLE_SCALE_MAX, Stable};
pub use weighted::{WEIGHT_SUM_MAX, Weighted};

use crate::money::{AUCTION_ATOMS_MAX, Atoms};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512};

/// Which way a venue is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Coin 0 goes in, coin 1 comes out.
    Forward,
    /// Coin 1 goes in, coin 0 comes out; ladders and rails don't offer it.
    Backward,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Direction {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// The terms of a venue, fixed while an auction is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    /// A constant-product pool.
    ConstantProduct(ConstantProduct),
    /// A two-coin pool with small integer weights.
    Weighted(Weighted),
    /// A two-coin stable pool.
    Stable(Stable),
    /// Order-book levels or quotes.
    Ladder(Ladder),
    /// A payment rail.
    Rail(Rail),
}

/// What changes in a venue as bundles of one auction use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VenueState {
    /// A pool's reserves in millionths of an atom, so that a fee in parts per million is exact.
    Pool {
        /// Per coin.
        reserves_micro: [U256; 2],
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
    /// `inventory` is per coin, in atoms; a ladder or rail gives from `inventory[1]`.
    #[must_use]
    pub fn opening(&self, inventory: [Atoms; 2]) -> VenueState {
        match self {
            Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) => pool_state(inventory),
            Terms::Ladder(_) | Terms::Rail(_) => {
                let [_, available] = inventory;
                VenueState::Counter { taken: 0, given: 0, uses: 0, available }
            }
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
        }
    }

    /// What earlier uses left on the table and the next one may take on top of the rate, in atoms, rounded up.
    ///
    /// Zero for constant-product and weighted pools and rails, whose rules forget it.
    #[must_use]
    pub fn unclaimed(&self, state: &VenueState, direction: Direction) -> Option<Atoms> {
        match self {
            Terms::ConstantProduct(curve) => pool::unclaimed(curve, state, direction),
            Terms::Weighted(curve) => pool::unclaimed(curve, state, direction),
            Terms::Stable(curve) => pool::unclaimed(curve, state, direction),
            Terms::Ladder(ladder) => ladder.unclaimed(state, direction),
            Terms::Rail(rail) => rail.best_rate(state, direction).map(|_| 0),
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
        }
    }

    /// The terms after an auction, and a pool's reserves; the rest of what a pool holds is its fees.
    ///
    /// A ladder keeps what its levels have left, a partly used one pro rata, rounded down.
    #[must_use]
    pub fn settle(&self, state: &VenueState) -> (Terms, Option<[Atoms; 2]>) {
        if let Some((terms, reserves)) = self.settle_pool(state) {
            return (terms, Some(reserves));
        }
        match (self, *state) {
            (Terms::Ladder(ladder), VenueState::Counter { taken, .. }) => (Terms::Ladder(ladder.rest(taken)), None),
            (terms, VenueState::Pool { .. } | VenueState::Counter { .. }) => (terms.clone(), None),
        }
    }

    /// A pool's terms and reserves in whole atoms after an auction; `None` for ladders, rails and a foreign state,
    /// or where D would exceed what may exist.
    ///
    /// Constant-product and weighted reserves round up. Stable reserves round down and D is the least integer
    /// that leaves nothing for free at them. Either way takers gain nothing by the rounding, and the reserves
    /// are at most the atoms held: the difference, fees included, belongs to the pool's fee account.
    #[must_use]
    pub fn settle_pool(&self, state: &VenueState) -> Option<(Terms, [Atoms; 2])> {
        let VenueState::Pool { reserves_micro } = *state else {
            return None;
        };
        match self {
            Terms::ConstantProduct(_) | Terms::Weighted(_) => Some((self.clone(), pool::reserves_up(reserves_micro)?)),
            Terms::Stable(stable) => {
                let (stable, reserves) = stable.settled(reserves_micro)?;
                Some((Terms::Stable(stable), reserves))
            }
            Terms::Ladder(_) | Terms::Rail(_) => None,
        }
    }
}

fn pool_state(inventory: [Atoms; 2]) -> VenueState {
    let micro = |atoms: Atoms| crate::wide::wide::<256, 4>(atoms).saturating_mul(U256::from(crate::money::MILLION));
    let [first, second] = inventory;
    VenueState::Pool { reserves_micro: [micro(first), micro(second)] }
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
