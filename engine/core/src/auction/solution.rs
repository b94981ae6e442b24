//! What solvers answer: bundles of fills and venue uses, promised in atoms.

use super::certificate::DualPrices;
use crate::money::Atoms;
use crate::names::{AuctionId, SolverId};
use crate::names::{IntentIndex, VenueIndex};
use crate::venue::Direction;

/// The most bundles in one solution: one per intent of a full auction.
pub const BUNDLES_MAX: usize = 20_000;
/// The most fills in one bundle: all intents of a full auction netted at once. Judging takes n log n in fills and
/// uses, and a message bounds their bytes.
pub const FILLS_MAX: usize = 20_000;
/// The most venue uses in one bundle: all venues of a full auction.
pub const USES_MAX: usize = 10_000;

/// One solver's sealed answer to one auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// Who answers.
    pub solver: SolverId,
    /// To which auction.
    pub auction: AuctionId,
    /// Atomic units; each is judged and executed by itself.
    pub bundles: Vec<Bundle>,
    /// Prices at which the auction's certificate is evaluated too, if the solver gives any.
    pub prices: Option<DualPrices>,
}

/// An atomic unit: all of it happens or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// What users give and get.
    pub fills: Vec<Fill>,
    /// How venues are used; each at most once.
    pub uses: Vec<VenueUse>,
}

/// What one option of an intent gives and gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The intent, by its place in the auction's input.
    pub intent: IntentIndex,
    /// The option, by its place in that intent.
    pub option: u16,
    /// Atoms that leave the owner.
    pub sold: Atoms,
    /// Atoms that reach the payee.
    pub bought: Atoms,
}

/// One use of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueUse {
    /// The venue, by its place in the auction's input.
    pub venue: VenueIndex,
    /// Which way.
    pub direction: Direction,
    /// Atoms that go in.
    pub amount_in: Atoms,
    /// Atoms that come out.
    pub amount_out: Atoms,
}
