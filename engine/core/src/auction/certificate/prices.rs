//! Prices at which a certificate is evaluated: any that are not negative bound.

use crate::auction::AuctionInput;
use crate::names::DenominationIndex;
use crate::price::Price;

/// The most prices in one solution: as many as an auction of this size can have denominations worth bounding.
pub const DUAL_PRICES_MAX: usize = 10_000;

/// The value of one whole unit of each denomination in the reference asset, by place in the auction's input.
///
/// A [`Price`] has at most 96 bits and 40 decimals; `None` is zero, and so is what is beyond the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DualPrices(Vec<Option<Price>>);

impl DualPrices {
    /// Takes prices by place; `None` if there are more than [`DUAL_PRICES_MAX`].
    #[must_use]
    pub fn new(prices: Vec<Option<Price>>) -> Option<DualPrices> {
        (prices.len() <= DUAL_PRICES_MAX).then_some(DualPrices(prices))
    }

    /// The reference prices of an auction; zero where a denomination has none.
    #[must_use]
    pub fn reference(input: &AuctionInput) -> DualPrices {
        DualPrices(input.denominations.iter().map(|denomination| denomination.price).collect())
    }

    /// The price of one whole unit; `None` is zero.
    #[must_use]
    pub fn of(&self, denomination: DenominationIndex) -> Option<Price> {
        self.0.get(denomination.at()).copied().flatten()
    }

    /// Every price, by place.
    pub fn iter(&self) -> impl Iterator<Item = Option<Price>> + '_ {
        self.0.iter().copied()
    }

    /// How many prices there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
