//! The lanes in which the bundles of an open auction would run if it closed now.
//!
//! It takes promises at their word: whether a bundle keeps the rules is judged when the auction is cleared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cost::expected_nanos;
use super::precedence::Precedence;
use super::score::score_bundle;
use super::verify::footprint;
use super::{AuctionInput, Bundle, PlanSummary};
use crate::lanes::{Footprint, Preview};
use crate::names::{AuctionId, SolverId};

/// The most fills and uses of one solver that are followed: a solution of that many is derived in tens of
/// milliseconds, and one of more says nothing about lanes that this many do not.
pub const FOLLOWED_LEGS_MAX: usize = 65_536;

/// A plan that follows the solutions of one auction as they come, change and go.
#[derive(Clone, Debug)]
pub struct OpenPlan {
    input: Arc<AuctionInput>,
    preview: Preview<Precedence>,
    by_solver: BTreeMap<SolverId, Vec<Precedence>>,
}

impl OpenPlan {
    /// Follows an auction that has no solution yet.
    #[must_use]
    pub fn new(input: Arc<AuctionInput>) -> OpenPlan {
        OpenPlan { input, preview: Preview::default(), by_solver: BTreeMap::new() }
    }

    /// The auction that it follows.
    #[must_use]
    pub fn auction(&self) -> AuctionId {
        self.input.auction
    }

    /// Puts a solver's bundles in place of its earlier ones; none at all where it withdrew.
    ///
    /// Bundles beyond [`FOLLOWED_LEGS_MAX`] legs, and those for which the preview has no room, are left out.
    pub fn put(&mut self, solver: SolverId, bundles: &[Bundle]) {
        let earlier = self.by_solver.remove(&solver).unwrap_or_default();
        let mut legs = 0_usize;
        let followed = bundles.iter().zip(0_u32..).take_while(|(bundle, _)| {
            legs = legs.saturating_add(bundle.fills.len()).saturating_add(bundle.uses.len());
            legs <= FOLLOWED_LEGS_MAX
        });
        let input = self.input.as_ref();
        let planned: Vec<(Precedence, Footprint, u64)> = followed
            .map(|(bundle, number)| {
                let precedence = Precedence::of(input, (solver, number), bundle, score_bundle(input, bundle));
                (precedence, footprint(input, bundle), expected_nanos(input, bundle))
            })
            .collect();
        let keys = planned.iter().map(|(precedence, ..)| *precedence).collect();
        self.preview.change(&earlier, planned);
        self.by_solver.insert(solver, keys);
    }

    /// Its shape: bundles, colours and the writers of the busiest resource.
    #[must_use]
    pub fn summary(&self) -> PlanSummary {
        PlanSummary {
            bundles: u32::try_from(self.preview.len()).unwrap_or(u32::MAX),
            colours: self.preview.colours(),
            hottest: self.preview.hottest(),
        }
    }

    /// The nanoseconds that its longest path is expected to take.
    #[must_use]
    pub fn critical_path(&self) -> u64 {
        self.preview.critical_path()
    }
}
