//! Placeholder.

use super::{Direction, Rate, VenueState};
use crate::money::Atoms;
use crate::refusal::Refusal;

/// Reduced weights sum to at most this, so that powers fit 1,088 bits.
pub const WEIGHT_SUM_MAX: u32 = 8;

/// Terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The fee on what goes in, in parts per million, below one million.
    pub fee_ppm: u32,
    /// Weights per coin, in lowest terms, positive, summing to at most [`WEIGHT_SUM_MAX`].
    pub weights: [u32; 2],
}

impl Weighted {
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
