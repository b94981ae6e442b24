//! Lanes: footprints, the conflict graph, its colouring, and the seam that runs bundles in parallel.

mod executor;
mod plan;
mod resource;

pub use executor::{Executor, Sequential, map};
pub use plan::{Plan, Planned};
pub use resource::{Access, Footprint, Resource};
