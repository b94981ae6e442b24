//! Placeholder.

use super::{Direction, Rate, VenueState};
use crate::money::Atoms;
use crate::refusal::Refusal;

/// Terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stable {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
    /// The amplification coefficient `A n^(n-1) n` as the invariant uses it.
    pub ann: u64,
    /// The invariant D in scaled units.
    pub d: Atoms,
    /// What one atom of each coin counts in scaled units.
    pub scale: [Atoms; 2],
}

impl Stable {
    pub(super) fn out_for(&self, _: &VenueState, _: Direction, _: Atoms) -> Option<Atoms> {
        None
    }
    pub(super) fn in_for(&self, _: &VenueState, _: Direction, _: Atoms) -> Option<Atoms> {
        None
    }
    pub(super) fn take(&self, _: &VenueState, _: Direction, _: Atoms, _: Atoms) -> Result<VenueState, Refusal> {
        Err(Refusal::new(crate::refusal::Reason::VenueRule, "", ""))
    }
    pub(super) fn best_rate(&self, _: &VenueState, _: Direction) -> Option<Rate> {
        None
    }
}
