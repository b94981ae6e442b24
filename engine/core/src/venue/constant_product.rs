//! Placeholder.

use super::{Direction, Rate, VenueState};
use crate::money::Atoms;
use crate::refusal::Refusal;

/// Terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantProduct {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
}

impl ConstantProduct {
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
