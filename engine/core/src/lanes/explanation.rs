//! What is said of one bundle of a plan, and why nothing may be said of it.

use super::batch::RESOURCES_MAX;
use super::graph::GRAPH_BUNDLES_MAX;
use super::resource::{Access, Resource};

/// Why there is no explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainError {
    /// There is no bundle at this place.
    NoSuchBundle {
        /// The place.
        at: usize,
        /// How many bundles there are.
        bundles: usize,
    },
    /// There are more than [`GRAPH_BUNDLES_MAX`] bundles.
    TooManyBundles(usize),
    /// Resources have numbers that no [`Batch`](super::Batch) holds.
    TooManyResources,
}

impl std::fmt::Display for ExplainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExplainError::NoSuchBundle { at, bundles } => {
                write!(f, "expected a bundle's place below {bundles}, found {at}")
            }
            ExplainError::TooManyBundles(found) => {
                write!(f, "expected at most {GRAPH_BUNDLES_MAX} bundles to explain one of, found {found}")
            }
            ExplainError::TooManyResources => {
                write!(f, "expected at most {RESOURCES_MAX} resources, found more")
            }
        }
    }
}

impl std::error::Error for ExplainError {}

/// When a bundle's turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its colour.
    pub colour: u32,
    /// When it starts if no worker is ever short.
    pub start: u64,
    /// When it starts in the schedule on the given workers.
    pub start_on_workers: u64,
}

/// Another bundle that touches a resource in a way that does not commute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// The other's place.
    pub bundle: usize,
    /// How the other touches the resource.
    pub access: Access,
}

/// A resource on which the bundle conflicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// The resource.
    pub resource: Resource,
    /// How the explained bundle touches it.
    pub access: Access,
    /// Conflicting bundles that come before it, in order.
    pub earlier: Vec<Met>,
    /// Conflicting bundles that come after it, in order.
    pub later: Vec<Met>,
}

/// The resource that keeps two bundles in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joint {
    /// The first such resource.
    pub resource: Resource,
    /// How the earlier bundle touches it.
    pub before: Access,
    /// How the later one does.
    pub after: Access,
}

/// One bundle of the chain that leads to a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The bundle's place.
    pub bundle: usize,
    /// Its colour: 1 for the first step, one more for each.
    pub colour: u32,
    /// What joins it to the step before; none for the first.
    pub joint: Option<Joint>,
}

/// What would become of the bundle if one thing were otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed<T> {
    /// The resource that would commute, or the bundle that would be gone.
    pub without: T,
    /// Its colour then.
    pub colour: u32,
    /// When it would start then if no worker were ever short.
    pub start: u64,
}

/// Why one bundle runs when it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The bundle's place.
    pub at: usize,
    /// What it costs.
    pub cost: u64,
    /// When its turn comes.
    pub standing: Standing,
    /// Where it conflicts and with whom, in order of resource.
    pub sharings: Vec<Sharing>,
    /// The earlier bundles that it directly follows, in order.
    pub follows: Vec<usize>,
    /// One longest path of conflicts that ends with it: a bundle a colour.
    pub chain: Vec<Step>,
    /// What it would be if a resource were only added to, for each on which an earlier bundle conflicts; one on
    /// which only later ones do holds it up in no way. At most [`ALTERNATIVES_MAX`](super::ALTERNATIVES_MAX).
    pub if_commuting: Vec<Freed<Resource>>,
    /// What it would be without one of those it directly follows, highest colours first; at most
    /// [`ALTERNATIVES_MAX`](super::ALTERNATIVES_MAX).
    pub without: Vec<Freed<usize>>,
}
