//! The exact conflict graph, for looking and checking; never on the hot path.

use petgraph::graph::{DiGraph, NodeIndex};

use super::resource::Footprint;

/// The most bundles of which the exact graph is built: every pair is compared, and edges may be as many.
pub const GRAPH_BUNDLES_MAX: usize = 4_096;

/// Builds the exact conflict graph, an edge from each bundle to every later one it conflicts with.
///
/// `None` beyond [`GRAPH_BUNDLES_MAX`] bundles.
#[must_use]
pub fn conflict_graph(footprints: &[Footprint]) -> Option<DiGraph<u32, ()>> {
    if footprints.len() > GRAPH_BUNDLES_MAX {
        return None;
    }
    let mut graph = DiGraph::new();
    let mut nodes: Vec<(NodeIndex, &Footprint)> = Vec::with_capacity(footprints.len());
    for (at, footprint) in footprints.iter().enumerate() {
        let node = graph.add_node(u32::try_from(at).unwrap_or(u32::MAX));
        for (earlier, other) in &nodes {
            if other.conflicts_with(footprint) {
                graph.add_edge(*earlier, node, ());
            }
        }
        nodes.push((node, footprint));
    }
    Some(graph)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Access, Resource};

    #[test]
    fn edges_join_what_does_not_commute() {
        let touch = |access| Footprint::new(vec![(Resource::Other(1), access)]);
        let graph = conflict_graph(&[touch(Access::Add), touch(Access::Add), touch(Access::Write)]).expect("small");
        assert_eq!((graph.node_count(), graph.edge_count()), (3, 2));
        assert!(conflict_graph(&vec![Footprint::default(); GRAPH_BUNDLES_MAX + 1]).is_none());
    }
}
