//! The priority graph that schedulers of Solana use, `prio-graph`: how long it takes to build, and its levels.
//!
//! It knows reads and writes only, so an addition counts as a write. Built with the feature `peers`; without it
//! there is nothing to call.

use std::time::Duration;

use crate::cli::bench::workload::Workload;

/// What the priority graph makes of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Levels {
    /// How long it took to insert every bundle and take out every level.
    pub(crate) elapsed: Duration,
    /// Levels, "natural batches": those that wait for nobody, then those that wait only for them, and so on.
    pub(crate) levels: usize,
}

/// Plans a workload; `None` without the feature `peers`.
#[cfg(not(feature = "peers"))]
pub(crate) fn plan(_workload: &Workload) -> Option<Levels> {
    None
}

/// Plans a workload; `None` without the feature `peers`.
#[cfg(feature = "peers")]
pub(crate) fn plan(workload: &Workload) -> Option<Levels> {
    use clearlane_core::lanes::Access;
    use prio_graph::{AccessKind, GraphNode, PrioGraph};

    let access_of = |access: Access| match access {
        Access::Read => AccessKind::Read,
        Access::Write | Access::Add => AccessKind::Write,
    };
    let bundles = u32::try_from(workload.batch.len()).ok()?;
    let touched = (0..bundles).map(|bundle| {
        let touches = workload.batch.touches_of(bundle as usize).iter();
        (bundle, touches.map(move |touch| (touch.resource(), access_of(touch.access()))))
    });
    let started = std::time::Instant::now();
    let levels = PrioGraph::natural_batches(touched, |bundle: &u32, _: &GraphNode<u32>| turn::Turn::of(*bundle));
    Some(Levels { elapsed: started.elapsed(), levels: levels.len() })
}

#[cfg(feature = "peers")]
mod turn {
    use std::cmp::Reverse;

    /// A bundle by its turn: the earlier, the higher.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(super) struct Turn(Reverse<u32>);

    impl Turn {
        pub(super) fn of(bundle: u32) -> Turn {
            Turn(Reverse(bundle))
        }
    }

    impl prio_graph::TopLevelId<u32> for Turn {
        fn id(&self) -> u32 {
            self.0.0
        }
    }
}

#[cfg(all(test, feature = "peers"))]
mod tests {
    use clearlane_core::lanes::Plan;

    use super::*;
    use crate::cli::bench::workload::Shape;

    #[test]
    fn levels_are_our_colours_where_all_is_written() {
        for shape in [Shape::Uniform, Shape::Zipf(11), Shape::Rings] {
            let workload = Workload::new(("written", shape), 500, 3);
            let levels = plan(&workload).expect("built with peers").levels;
            assert_eq!(levels, Plan::new(&workload.batch).colours() as usize, "{shape:?}");
        }
    }
}
