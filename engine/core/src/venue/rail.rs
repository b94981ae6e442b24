//! Placeholder.

use super::{Direction, Rate, VenueState};
use crate::money::Atoms;
use crate::refusal::Refusal;

/// Terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rail {
    /// The fixed fee, in atoms of the input.
    pub fixed_fee: Atoms,
    /// The proportional fee, in parts per million, at most one million.
    pub fee_ppm: u32,
    /// Atoms out per atom in: numerator.
    pub rate_num: Atoms,
    /// Atoms out per atom in: denominator, positive.
    pub rate_den: Atoms,
    /// The least input a use.
    pub min_in: Atoms,
    /// The most input a use.
    pub max_in: Atoms,
    /// The most uses in one auction; at least one.
    pub uses_max: u32,
}

impl Rail {
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
