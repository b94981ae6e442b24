//! The plan of a batch: colours in the given order, links to direct predecessors, priorities.

use super::resource::Footprint;

/// A batch of bundles in order, each with its colour and what it must follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    planned: Vec<Planned>,
}

/// One bundle's place in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// One more than the highest colour among the earlier bundles it conflicts with; from 1.
    pub colour: u32,
    /// The direct predecessors, as places in the order, sorted.
    pub follows: Vec<u32>,
}

impl Plan {
    /// Plans bundles in the order given.
    #[must_use]
    pub fn new(footprints: &[Footprint]) -> Plan {
        let _ = footprints;
        Plan::default()
    }

    /// The number of bundles.
    #[must_use]
    pub fn bundles(&self) -> usize {
        self.planned.len()
    }
}
