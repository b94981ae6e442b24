//! Lanes: footprints, the conflict graph, its colouring, and the seam that runs bundles in parallel.

mod batch;
mod bounds;
mod executor;
mod explain;
mod explanation;
mod graph;
mod makespan;
mod partition;
mod picture;
mod plan;
mod planner;
mod preview;
mod resource;
mod runs;

#[cfg(test)]
mod tests;

pub use batch::{BATCH_BUNDLES_MAX, Batch, RESOURCES_MAX, Touch};
pub use bounds::bound_in_order;
pub use executor::{Executor, Job, Sequential, map};
pub use explain::{ALTERNATIVES_MAX, explain};
pub use explanation::{ExplainError, Explanation, Freed, Joint, Met, Sharing, Standing, Step};
pub use graph::{GRAPH_BUNDLES_MAX, conflict_graph};
pub use makespan::{PlanReport, Slot, WORKERS, ended, makespan, schedule, schedule_expecting};
pub use partition::apply_in_partitions;
pub use picture::{picture, svg};
pub use plan::{Lists, Plan};
pub use planner::Planner;
pub use preview::{PREVIEW_BUNDLES_MAX, Preview, PreviewError};
pub use resource::{Access, Footprint, Resource};
