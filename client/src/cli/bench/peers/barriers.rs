//! Colour classes of the exact conflict graph with a barrier after each: the textbook's way to run a batch.
//!
//! DSATUR colours in an order of its own, so where bundles conflict and do not commute, the result is that of
//! another order and not the sequential run's. Nothing here claims to equal it: only times are compared.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clearlane_core::lanes::Footprint;
use clearlane_engine::executor::threads::{Stop, on_threads};
use crossbeam::utils::CachePadded;
use petgraph::graph::{NodeIndex, UnGraph};

use super::threads::bounded;
use crate::cli::bench::settlement::{Shared, Work, settle};
use crate::cli::bench::workload::Workload;

/// The colours that petgraph's DSATUR gives the bundles of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Colouring {
    /// How long building the graph and colouring it took.
    pub(crate) elapsed: Duration,
    /// How many colours there are.
    pub(crate) colours: u32,
    /// Edges of the conflict graph.
    pub(crate) edges: usize,
    /// The colour of each bundle, from 0.
    pub(crate) colour_of: Vec<u32>,
}

impl Colouring {
    /// The bundles of each colour, in order; colours by their first bundle, nearest to the order given.
    fn classes(&self) -> Vec<Vec<usize>> {
        let mut classes: Vec<Vec<usize>> = (0..self.colours).map(|_| Vec::new()).collect();
        for (at, colour) in self.colour_of.iter().enumerate() {
            classes[*colour as usize].push(at);
        }
        classes.sort_by_key(|class| class.first().copied());
        classes
    }
}

/// The most bundles that are coloured: at Zipf 1.1 that many have twelve million edges, a gigabyte.
pub(crate) const COLOURED_MAX: usize = 10_000;

/// Colours the conflict graph of a workload; `None` beyond [`COLOURED_MAX`] bundles.
pub(crate) fn colour(workload: &Workload) -> Option<Colouring> {
    if workload.footprints.len() > COLOURED_MAX {
        return None;
    }
    let started = Instant::now();
    let graph = exact_graph(&workload.footprints);
    #[expect(
        clippy::disallowed_methods,
        reason = "a peer in a measurement; colours index nodes, the map's order is not used"
    )]
    let (colours, _) = petgraph::algo::dsatur_coloring(&graph);
    let elapsed = started.elapsed();
    let colour_of = |node| colours.get(&node).and_then(|colour| u32::try_from(*colour).ok()).unwrap_or(0);
    let colour_of: Vec<u32> = graph.node_indices().map(colour_of).collect();
    let colours = colour_of.iter().max().map_or(0, |last| last + 1);
    Some(Colouring { elapsed, colours, edges: graph.edge_count(), colour_of })
}

/// An edge for every two bundles that conflict.
fn exact_graph(footprints: &[Footprint]) -> UnGraph<(), ()> {
    let mut graph = UnGraph::new_undirected();
    let mut nodes: Vec<(NodeIndex, &Footprint)> = Vec::with_capacity(footprints.len());
    for footprint in footprints {
        let node = graph.add_node(());
        for (earlier, other) in &nodes {
            if other.conflicts_with(footprint) {
                graph.add_edge(*earlier, node, ());
            }
        }
        nodes.push((node, footprint));
    }
    graph
}

/// Settles a workload class by class, as coloured before; returns what each resource holds in the end, which is
/// not what the sequential run leaves, see above.
pub(crate) fn run(workload: &Workload, work: &Work, workers: usize, colouring: &Colouring) -> Vec<u64> {
    let classes: Vec<(Vec<usize>, CachePadded<AtomicUsize>)> =
        colouring.classes().into_iter().map(|class| (class, CachePadded::default())).collect();
    let books = Shared::new(workload.batch.resources());
    let barrier = Barrier::new(bounded(workers));
    let stop = Stop::default();
    on_threads(bounded(workers), &|| {
        // The others wait for this worker once more, and then see that they have to stop.
        let _stop = stop.on_panic(|| {
            barrier.wait();
        });
        for (class, next) in &classes {
            while let Some(at) = class.get(next.fetch_add(1, Ordering::Relaxed)) {
                settle(&workload.batch, work, *at, &mut &books);
            }
            barrier.wait();
            if stop.is_set() {
                return;
            }
        }
    });
    books.into_values()
}

/// When the last class ends on so many workers, with a barrier of no cost after each: longest bundle first within
/// a class, each to the worker that is free first. A missing cost counts 1, no worker counts as one.
pub(crate) fn makespan(colouring: &Colouring, costs: &[u64], workers: usize) -> u64 {
    let cost = |at: &usize| costs.get(*at).copied().unwrap_or(1);
    let class_ends = |class: Vec<usize>| {
        let mut costs: Vec<u64> = class.iter().map(cost).collect();
        costs.sort_unstable_by_key(|cost| Reverse(*cost));
        list_schedule(&costs, workers)
    };
    colouring.classes().into_iter().map(class_ends).fold(0, u64::saturating_add)
}

/// When the last of these ends, each given in turn to the worker that is free first.
fn list_schedule(costs: &[u64], workers: usize) -> u64 {
    let mut free: BinaryHeap<Reverse<u64>> = (0..workers.clamp(1, costs.len().max(1))).map(|_| Reverse(0)).collect();
    let mut last = 0;
    for cost in costs {
        let Reverse(start) = free.pop().unwrap_or(Reverse(last));
        let end = start.saturating_add(*cost);
        last = last.max(end);
        free.push(Reverse(end));
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::peers::tests::{in_order, small_work};
    use crate::cli::bench::workload::{Shape, WORKLOADS};

    #[test]
    fn no_two_bundles_of_a_colour_conflict() {
        for of in WORKLOADS {
            let workload = Workload::new(of, 120, 5);
            let colouring = colour(&workload).expect("small");
            let mut edges = 0;
            for (at, one) in workload.footprints.iter().enumerate() {
                for (before, other) in workload.footprints[..at].iter().enumerate() {
                    let is_conflict = one.conflicts_with(other);
                    edges += usize::from(is_conflict);
                    let is_same = colouring.colour_of[at] == colouring.colour_of[before];
                    assert!(!(is_conflict && is_same), "{}: {before} and {at}", workload.name);
                }
            }
            assert_eq!(colouring.edges, edges, "{}", workload.name);
            assert_eq!(colouring.classes().concat().len(), 120);
        }
    }

    #[test]
    fn classes_run_on_any_number_of_workers_alike() {
        let work = small_work(300);
        for of in WORKLOADS {
            let workload = Workload::new(of, 300, 7);
            let colouring = colour(&workload).expect("small");
            let alone = run(&workload, &work, 1, &colouring);
            for workers in [2, 4] {
                assert_eq!(run(&workload, &work, workers, &colouring), alone, "{}", workload.name);
            }
            if workload.batch.is_commuting() {
                assert_eq!(alone, in_order(&workload, &work), "{}", workload.name);
            }
        }
    }

    #[test]
    fn each_class_waits_for_the_longest_of_the_one_before() {
        let colouring = Colouring { elapsed: Duration::ZERO, colours: 2, edges: 0, colour_of: vec![1, 0, 1, 1, 0] };
        let costs = [3, 4, 5, 2, 4];
        assert_eq!([1, 2, 3, 64].map(|workers| makespan(&colouring, &costs, workers)), [18, 9, 9, 9]);
        assert_eq!(makespan(&colouring, &[], 2), 3);
    }

    #[test]
    fn the_exact_graph_is_bounded() {
        let bundles = u32::try_from(COLOURED_MAX + 1).expect("small");
        assert!(colour(&Workload::new(("many", Shape::Credits), bundles, 0)).is_none());
    }
}
