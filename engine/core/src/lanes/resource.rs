//! The resources that bundles touch, and how.

use crate::names::{IntentIndex, ReserveIndex, VenueIndex};

/// Something that two bundles may both touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// An intent's remainder.
    Intent(IntentIndex),
    /// A venue's state.
    Venue(VenueIndex),
    /// What is left of an account's reserve.
    Reserve(ReserveIndex),
    /// A resource known only by number, as in a file of footprints.
    Other(u32),
}

/// How a bundle touches a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Looks at it.
    Read,
    /// Depends on its state and changes it.
    Write,
    /// Adds to it or takes from it without looking; commutes with other `Add`s.
    Add,
}

/// Everything one bundle touches, sorted by resource, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint(Vec<(Resource, Access)>);

impl Footprint {
    /// Makes a footprint; a resource named twice with different access is written.
    #[must_use]
    pub fn new(mut touched: Vec<(Resource, Access)>) -> Footprint {
        touched.sort_unstable();
        touched.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same && later.1 != earlier.1 {
                earlier.1 = Access::Write;
            }
            is_same
        });
        Footprint(touched)
    }

    /// How many resources it touches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it touches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The resources with their access, in order of resource.
    pub fn iter(&self) -> impl Iterator<Item = (Resource, Access)> + '_ {
        self.0.iter().copied()
    }

    /// Whether both touch a resource in ways that do not commute.
    #[must_use]
    pub fn conflicts_with(&self, other: &Footprint) -> bool {
        self.iter().any(|(resource, access)| {
            let position = other.0.binary_search_by_key(&resource, |(theirs, _)| *theirs);
            let theirs = position.ok().and_then(|at| other.0.get(at));
            theirs.is_some_and(|(_, theirs)| access == Access::Write || *theirs != access)
        })
    }
}
