//! The resources that bundles touch, and how.

use crate::names::{FactIndex, IntentIndex, ReserveIndex, VenueIndex};

/// Something that two bundles may both touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// An intent's remainder.
    Intent(IntentIndex),
    /// A venue's state.
    Venue(VenueIndex),
    /// What is left of an account's reserve.
    Reserve(ReserveIndex),
    /// A fact that a condition reads.
    Fact(FactIndex),
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

impl Access {
    /// Whether two bundles that touch a resource like this may do so in any order.
    #[must_use]
    pub fn commutes_with(self, other: Access) -> bool {
        self == other && self != Access::Write
    }
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

    /// How it touches a resource, if at all.
    #[must_use]
    pub fn access_to(&self, resource: Resource) -> Option<Access> {
        let position = self.0.binary_search_by_key(&resource, |(touched, _)| *touched).ok()?;
        self.0.get(position).map(|(_, access)| *access)
    }

    /// Whether both touch a resource in ways that do not commute.
    #[must_use]
    pub fn conflicts_with(&self, other: &Footprint) -> bool {
        self.conflicts(other).next().is_some()
    }

    /// The resources that both touch in ways that do not commute, with the access of each, in order of resource.
    pub fn conflicts<'a>(&'a self, other: &'a Footprint) -> impl Iterator<Item = (Resource, Access, Access)> + 'a {
        self.iter().filter_map(|(resource, own)| {
            let theirs = other.access_to(resource)?;
            (!own.commutes_with(theirs)).then_some((resource, own, theirs))
        })
    }

    /// The same with every touch of one resource an [`Access::Add`].
    #[must_use]
    pub fn commuting_on(&self, resource: Resource) -> Footprint {
        let changed = self.iter().map(|(other, access)| (other, if other == resource { Access::Add } else { access }));
        Footprint(changed.collect())
    }
}
