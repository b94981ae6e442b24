//! Gnosis Protocol v1, literally: a batch of limit orders cleared at one price a token, what a solution of it is, and
//! the pure function that judges one.
//!
//! Source: `BatchExchange.sol` and `TokenConservation.sol` of gnosis/dex-contracts. Amounts keep all their 128 bits
//! here, since the objective depends on every one of them.

mod judge;
mod objective;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::money::Atoms;
use crate::names::{DenominationIndex, IntentIndex, Name, OwnerIndex};
use crate::wide::{U512, wide};

pub use judge::judge_batch;
pub use objective::{BatchVerdict, Objective};

/// The price of an atom of the fee token; all prices are relative to it.
pub const FEE_TOKEN_PRICE: Atoms = 1_000_000_000_000_000_000;
/// The fee: one part in this many of what is sold, taken in the fee token.
pub const FEE_DENOMINATOR: Atoms = 1_000;
/// The least price, and the fewest atoms that a trade may sell or buy.
pub const AMOUNT_MINIMUM: Atoms = 10_000;
/// The most orders that the protocol executes in one batch: what a block had room for.
pub const ORDERS_MAX: usize = 30;

/// One batch: who holds what, and which orders stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchInput {
    /// Every token, by its place.
    pub tokens: Vec<Name>,
    /// The token in which fees are taken.
    pub fee_token: DenominationIndex,
    /// What owners hold of a token before the batch; nothing where absent.
    pub balances: BTreeMap<(OwnerIndex, DenominationIndex), Atoms>,
    /// The orders; each may be executed in part.
    pub orders: Vec<BatchOrder>,
}

/// A standing order: sells at most `give_amount` for at least `get_amount / give_amount` an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOrder {
    /// Whose.
    pub owner: OwnerIndex,
    /// The token sold.
    pub give: DenominationIndex,
    /// The token bought.
    pub get: DenominationIndex,
    /// The most atoms to sell, and the denominator of the limit.
    pub give_amount: Atoms,
    /// The numerator of the limit: the least atoms to buy where all is sold.
    pub get_amount: Atoms,
}

/// A price for each token that is traded, and what executes at these prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchSolution {
    /// The price of an atom, on the scale of [`FEE_TOKEN_PRICE`].
    pub prices: BTreeMap<DenominationIndex, Atoms>,
    /// What executes, each order at most once.
    pub trades: Vec<BatchTrade>,
}

/// What one order sells and buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTrade {
    /// The order, by its place in the batch.
    pub order: IntentIndex,
    /// Atoms sold.
    pub sold: Atoms,
    /// Atoms bought.
    pub bought: Atoms,
}

impl BatchInput {
    /// What an owner holds of a token before the batch.
    #[must_use]
    pub fn balance(&self, owner: OwnerIndex, token: DenominationIndex) -> Atoms {
        self.balances.get(&(owner, token)).copied().unwrap_or(0)
    }
}

impl BatchOrder {
    /// Whether selling at these prices, the fee paid, is no worse than the limit: then no rounding breaks it.
    #[must_use]
    pub fn accepts(&self, give_price: Atoms, get_price: Atoms) -> bool {
        let product = |factors: [Atoms; 3]| {
            factors.into_iter().try_fold(U512::ONE, |product, factor| product.checked_mul(wide(factor)))
        };
        let asked = product([get_price, self.get_amount, FEE_DENOMINATOR]);
        let paid = product([give_price, self.give_amount, FEE_DENOMINATOR.saturating_sub(1)]);
        asked.zip(paid).is_some_and(|(asked, paid)| asked <= paid)
    }
}

/// What an order sells to buy that much: `floor(floor(bought p_get / 999) 1000 / p_give)`, with the fee in it; `None`
/// if that is no amount.
#[must_use]
pub fn sold_for(bought: Atoms, get_price: Atoms, give_price: Atoms) -> Option<Atoms> {
    let net: U512 = wide::<512, 8>(bought).checked_mul(wide(get_price))?;
    let value = net.checked_div(wide(FEE_DENOMINATOR.saturating_sub(1)))?.checked_mul(wide(FEE_DENOMINATOR))?;
    Atoms::try_from(value.checked_div(wide(give_price))?).ok()
}
