//! Plans against the exact conflict graph, over random batches.

use petgraph::algo::toposort;
use petgraph::graph::DiGraph;

use super::*;

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

pub(super) fn below(state: &mut u64, bound: u32) -> u32 {
    u32::try_from((random(state) >> 11) % u64::from(bound)).expect("below a u32")
}

pub(super) fn footprints(seed: &mut u64) -> Vec<Footprint> {
    let bundles = 1 + below(seed, 24);
    let keys = 1 + below(seed, 12);
    let accesses = [Access::Read, Access::Write, Access::Add];
    // Few writes now and then, so that groups of readers meet groups of adders.
    let writes = 1 + below(seed, 8);
    let mut touched = || {
        let access = if below(seed, 8) < writes { below(seed, 3) } else { below(seed, 2) * 2 };
        (Resource::Other(below(seed, keys)), accesses[access as usize])
    };
    (0..bundles).map(|at| Footprint::new((0..1 + at % 4).map(|_| touched()).collect())).collect()
}

pub(super) fn batch_of(footprints: &[Footprint]) -> Batch {
    Batch::new(&footprints.iter().collect::<Vec<_>>()).expect("small")
}

/// The longest path that ends at each bundle, in bundles.
fn longest_paths(graph: &DiGraph<u32, ()>) -> Vec<u32> {
    let mut lengths = vec![1; graph.node_count()];
    for node in toposort(graph, None).expect("edges go forward") {
        let before = graph.neighbors_directed(node, petgraph::Direction::Incoming);
        lengths[node.index()] = before.map(|before| lengths[before.index()] + 1).max().unwrap_or(1);
    }
    lengths
}

/// Whether every conflicting pair is ordered by the links, and every two that the links order conflict along the way.
fn keeps_order(footprints: &[Footprint], plan: &Plan) -> bool {
    let mut reached: Vec<Vec<bool>> = vec![Vec::new(); plan.nodes()];
    let mut nodes: Vec<usize> = (0..plan.bundles()).collect();
    // A join comes before the first bundle that follows it.
    for join in (plan.bundles()..plan.nodes()).rev() {
        let follows = |node: usize| plan.follows(node).iter().any(|before| *before as usize == join);
        let first = nodes.iter().position(|node| follows(*node)).expect("followed");
        nodes.insert(first, join);
    }
    for node in nodes {
        let mut row = vec![false; footprints.len()];
        for before in plan.follows(node).iter().map(|before| *before as usize) {
            if plan.is_bundle(before) {
                row[before] = true;
            }
            row.iter_mut().zip(&reached[before]).for_each(|(mark, is_reached)| *mark |= *is_reached);
        }
        reached[node] = row;
    }
    let is_kept = |later: usize, earlier: usize| {
        reached[later][earlier] || !footprints[earlier].conflicts_with(&footprints[later])
    };
    (0..footprints.len()).all(|later| (0..later).all(|earlier| is_kept(later, earlier)))
}

#[test]
fn colours_are_longest_paths_and_links_keep_every_conflict_in_order() {
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut joins = 0;
    for round in 0..20_000 {
        let footprints = footprints(&mut seed);
        let plan = Plan::new(&batch_of(&footprints));
        let graph = conflict_graph(&footprints).expect("small");
        let colours: Vec<u32> = (0..plan.bundles()).map(|at| plan.colour(at)).collect();
        assert_eq!(colours, longest_paths(&graph), "round {round}");
        assert_eq!(plan.colours(), colours.iter().copied().max().unwrap_or(0), "round {round}");
        assert_eq!(plan.critical_path(&[]), u64::from(plan.colours()), "round {round}");
        let is_valid =
            graph.raw_edges().iter().all(|edge| colours[edge.source().index()] != colours[edge.target().index()]);
        assert!(is_valid && keeps_order(&footprints, &plan), "round {round}");
        joins += plan.nodes() - plan.bundles();
    }
    assert!(joins > 1_000, "joins were hardly tried: {joins}");
}

#[test]
fn parts_add_up_to_the_plan() {
    let mut seed = 77;
    for round in 0..500 {
        let batch = batch_of(&footprints(&mut seed));
        let mut planner = Planner::new(&batch);
        let mut parts = Plan::default();
        while !planner.is_done() {
            parts.append(planner.next_part(1 + round % 5));
        }
        let plan = Plan::new(&batch);
        assert_eq!(parts, plan, "round {round}");
        assert_eq!((plan.range(), plan.join_range()), (0..batch.len(), batch.len()..plan.nodes()));
    }
}

#[test]
fn components_are_those_of_the_graph() {
    let mut seed = 5;
    for round in 0..2_000 {
        let footprints = footprints(&mut seed);
        let plan = Plan::new(&batch_of(&footprints));
        let graph = conflict_graph(&footprints).expect("small");
        let components = plan.components();
        let count = components.iter().copied().max().map_or(0, |last| last as usize + 1);
        assert_eq!(count, petgraph::algo::connected_components(&graph), "round {round}");
        let is_joined =
            |edge: &petgraph::graph::Edge<()>| components[edge.source().index()] == components[edge.target().index()];
        assert!(graph.raw_edges().iter().all(is_joined), "round {round}");
    }
}

#[test]
fn no_colouring_is_below_the_busiest_resource() {
    #[expect(clippy::disallowed_methods, reason = "an oracle; the colours' number does not depend on the order")]
    let dsatur = |graph: &petgraph::graph::UnGraph<u32, ()>| petgraph::algo::dsatur_coloring(graph).1;
    let mut seed = 11;
    for round in 0..500 {
        let footprints = footprints(&mut seed);
        let plan = Plan::new(&batch_of(&footprints));
        let graph = conflict_graph(&footprints).expect("small").into_edge_type::<petgraph::Undirected>();
        // No colouring is below the clique of the busiest resource's writers, and ours is one of them.
        assert!(dsatur(&graph) >= plan.hottest() as usize, "round {round}");
        assert!(plan.colours() >= plan.hottest(), "round {round}");
    }
}

#[test]
fn a_plan_that_forgets_a_link_is_caught() {
    let write = || Footprint::new(vec![(Resource::Other(1), Access::Write)]);
    let free = || Footprint::new(vec![(Resource::Other(2), Access::Add)]);
    let conflicting = [write(), write()];
    assert!(keeps_order(&conflicting, &Plan::new(&batch_of(&conflicting))));
    assert!(!keeps_order(&conflicting, &Plan::new(&batch_of(&[free(), free()]))));
}

#[test]
fn additions_commute_and_paths_add_up() {
    let touch = |access| Footprint::new(vec![(Resource::Other(1), access)]);
    let plan =
        Plan::new(&batch_of(&[touch(Access::Add), touch(Access::Add), touch(Access::Write), touch(Access::Add)]));
    let colours: Vec<u32> = (0..4).map(|at| plan.colour(at)).collect();
    assert_eq!(colours, [1, 1, 2, 3]);
    assert_eq!((plan.colours(), plan.hottest()), (3, 1));
    assert_eq!(plan.longest_remaining(&[5, 1, 2, 4]), [11, 7, 6, 4]);
    assert_eq!(plan.critical_path(&[5, 1, 2, 4]), 11);
}

#[test]
fn a_thousand_readers_after_a_thousand_adders_take_a_link_each() {
    let touch = |access| Footprint::new(vec![(Resource::Other(1), access)]);
    let mut footprints = vec![touch(Access::Add); 1_000];
    footprints.extend(vec![touch(Access::Read); 1_000]);
    footprints.push(touch(Access::Write));
    let plan = Plan::new(&batch_of(&footprints));
    assert_eq!((plan.nodes() - plan.bundles(), plan.links()), (1, 3_000));
    assert_eq!((plan.colours(), plan.colour(1_999), plan.colour(2_000)), (3, 2, 3));
    assert_eq!(makespan(&plan, &[], 1_000), 3);
}
