//! Placeholder.

use super::{Direction, Rate, VenueState};
use crate::money::Atoms;
use crate::refusal::Refusal;

/// The most levels of one ladder.
pub const LEVELS_MAX: usize = 256;

/// One level of a ladder: up to `amount_in` at `amount_out / amount_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The most it takes.
    pub amount_in: Atoms,
    /// What it gives for that.
    pub amount_out: Atoms,
}

/// Terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Levels, best first, each pro rata.
    pub levels: Vec<Level>,
}

impl Ladder {
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
