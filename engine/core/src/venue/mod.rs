//! Liquidity sources and their exact integer rules, one file per kind.
//!
//! A venue trades one directed pair a use. Amounts in and out are checked against its rule
//! exactly; what the rule would have given on top stays in the venue.

mod constant_product;
mod ladder;
mod rail;
mod stable;
mod weighted;

pub use constant_product::ConstantProduct;
pub use ladder::{LEVELS_MAX, Ladder, Level};
pub use rail::Rail;
pub use stable::Stable;
pub use weighted::{WEIGHT_SUM_MAX, Weighted};

use crate::money::Atoms;
use crate::refusal::Refusal;
use crate::wide::{U256, U512};

/// Which way a venue is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Coin 0 goes in, coin 1 comes out.
    Forward,
    /// Coin 1 goes in, coin 0 comes out; ladders and rails don't offer it.
    Backward,
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
            Terms::ConstantProduct(pool) => pool.out_for(state, direction, amount_in),
            Terms::Weighted(pool) => pool.out_for(state, direction, amount_in),
            Terms::Stable(pool) => pool.out_for(state, direction, amount_in),
            Terms::Ladder(ladder) => ladder.out_for(state, direction, amount_in),
            Terms::Rail(rail) => rail.out_for(state, direction, amount_in),
        }
    }

    /// The least that buys `amount_out` in this state; `None` if nothing does.
    #[must_use]
    pub fn in_for(&self, state: &VenueState, direction: Direction, amount_out: Atoms) -> Option<Atoms> {
        match self {
            Terms::ConstantProduct(pool) => pool.in_for(state, direction, amount_out),
            Terms::Weighted(pool) => pool.in_for(state, direction, amount_out),
            Terms::Stable(pool) => pool.in_for(state, direction, amount_out),
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
            Terms::ConstantProduct(pool) => pool.take(state, direction, amount_in, amount_out),
            Terms::Weighted(pool) => pool.take(state, direction, amount_in, amount_out),
            Terms::Stable(pool) => pool.take(state, direction, amount_in, amount_out),
            Terms::Ladder(ladder) => ladder.take(state, direction, amount_in, amount_out),
            Terms::Rail(rail) => rail.take(state, direction, amount_in, amount_out),
        }
    }

    /// An upper bound on atoms out per atom in, over every size; `None` if the venue can't be used so.
    #[must_use]
    pub fn best_rate(&self, state: &VenueState, direction: Direction) -> Option<Rate> {
        match self {
            Terms::ConstantProduct(pool) => pool.best_rate(state, direction),
            Terms::Weighted(pool) => pool.best_rate(state, direction),
            Terms::Stable(pool) => pool.best_rate(state, direction),
            Terms::Ladder(ladder) => ladder.best_rate(state, direction),
            Terms::Rail(rail) => rail.best_rate(state, direction),
        }
    }
}

fn pool_state(inventory: [Atoms; 2]) -> VenueState {
    let micro = |atoms: Atoms| crate::wide::wide::<256, 4>(atoms).saturating_mul(U256::from(crate::money::MILLION));
    let [first, second] = inventory;
    VenueState::Pool { reserves_micro: [micro(first), micro(second)] }
}
