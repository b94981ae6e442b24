//! How long judging a bundle is expected to take: decides how work is spread, never what comes out.

use super::{AuctionInput, Bundle};
use crate::venue::Terms;

/// Nanoseconds for one fill: its limit, its intent's sums, its place in the footprint.
pub(super) const FILL_NANOS: u64 = 150;

/// The nanoseconds that a bundle's rules are expected to take on a machine of this kind's usual speed.
///
/// Venue rules decide it: a product of reserves takes far less than a power or a stable invariant.
#[must_use]
pub(super) fn expected_nanos(input: &AuctionInput, bundle: &Bundle) -> u64 {
    let fills = u64::try_from(bundle.fills.len()).unwrap_or(u64::MAX).saturating_mul(FILL_NANOS);
    let uses = bundle.uses.iter().filter_map(|used| input.venues.get(used.venue.at()));
    uses.fold(fills, |sum: u64, venue| sum.saturating_add(use_nanos(&venue.terms)))
}

/// The nanoseconds that one use of a venue is expected to take.
#[must_use]
pub(super) fn use_nanos(terms: &Terms) -> u64 {
    match terms {
        Terms::ConstantProduct(_) => 300,
        Terms::Weighted(_) => 4_000,
        Terms::Stable(stable) if stable.scale.count() == 2 => 1_500,
        Terms::Stable(_) => 8_000,
        Terms::Ladder(ladder) => {
            u64::try_from(ladder.levels.len()).unwrap_or(u64::MAX).saturating_mul(40).saturating_add(100)
        }
        Terms::Rail(_) => 100,
        Terms::Concentrated(_) => 1_500,
    }
}
