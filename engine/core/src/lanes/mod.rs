//! Lanes: footprints, the conflict graph, its colouring, and the seam that runs bundles in parallel.

mod executor;
mod graph;
mod makespan;
mod picture;
mod plan;
mod resource;

pub use executor::{Executor, Sequential, map};
pub use graph::{GRAPH_BUNDLES_MAX, conflict_graph};
pub use makespan::{PlanReport, Slot, WORKERS, makespan, schedule};
pub use picture::{picture, svg};
pub use plan::{Plan, Planned};
pub use resource::{Access, Footprint, Resource};
