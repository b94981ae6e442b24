//! The engine's own prices.

use super::prices::DualPrices;
use crate::auction::AuctionInput;

/// Improved reference prices.
#[must_use]
pub fn improved(input: &AuctionInput) -> DualPrices {
    DualPrices::reference(input)
}
