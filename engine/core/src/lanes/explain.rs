//! Why one bundle of a batch runs when it does: whom it meets where, what it waits for, what would free it.
//!
//! For people who look at a plan: it builds the exact conflict graph and plans again for every alternative.

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::batch::Batch;
use super::explanation::{ExplainError, Explanation, Freed, Joint, Met, Sharing, Standing, Step};
use super::graph::{GRAPH_BUNDLES_MAX, conflict_graph};
use super::makespan::schedule;
use super::plan::{Plan, cost_of};
use super::preview::{PREVIEW_BUNDLES_MAX, Preview};
use super::resource::{Access, Footprint, Resource};

/// The most resources, and the most predecessors, without which a bundle is planned again: each plans a batch.
pub const ALTERNATIVES_MAX: usize = 64;

/// What can be explained fits a preview.
const _: () = assert!(GRAPH_BUNDLES_MAX <= PREVIEW_BUNDLES_MAX);

/// Explains the bundle at a place of a batch in order, scheduled on some workers.
///
/// A missing cost counts 1; no worker counts as one.
///
/// # Errors
///
/// There is no such bundle, or the batch is too large to be looked at exactly.
pub fn explain(
    footprints: &[Footprint],
    costs: &[u64],
    at: usize,
    workers: usize,
) -> Result<Explanation, ExplainError> {
    let bundles = footprints.len();
    let own = footprints.get(at).ok_or(ExplainError::NoSuchBundle { at, bundles })?;
    let graph = conflict_graph(footprints).ok_or(ExplainError::TooManyBundles(bundles))?;
    let batch = Batch::new(&footprints.iter().collect::<Vec<_>>()).ok_or(ExplainError::TooManyResources)?;
    let plan = Plan::new(&batch);
    let sharings = sharings(footprints, (at, own), &neighbours(&graph, at));
    let follows = direct_predecessors(&plan, at);
    Ok(Explanation {
        at,
        cost: cost_of(costs, at),
        standing: Standing {
            colour: plan.colour(at),
            start: start_of(&plan, costs, at, bundles),
            start_on_workers: start_of(&plan, costs, at, workers),
        },
        chain: chain(footprints, &graph, &plan, at),
        if_commuting: if_commuting(footprints, costs, at, &sharings),
        without: without(footprints, costs, at, &by_colour(&plan, &follows)),
        sharings,
        follows,
    })
}

/// All bundles that conflict with one, in order.
fn neighbours(graph: &DiGraph<u32, ()>, at: usize) -> Vec<usize> {
    let mut found: Vec<usize> = graph.neighbors_undirected(NodeIndex::new(at)).map(NodeIndex::index).collect();
    found.sort_unstable();
    found
}

fn sharings(footprints: &[Footprint], (at, own): (usize, &Footprint), neighbours: &[usize]) -> Vec<Sharing> {
    let of_resource = |(resource, access): (Resource, Access)| {
        let met = neighbours.iter().filter_map(|other| {
            let theirs = footprints.get(*other)?.access_to(resource)?;
            (!access.commutes_with(theirs)).then_some(Met { bundle: *other, access: theirs })
        });
        let (earlier, later): (Vec<Met>, Vec<Met>) = met.partition(|met| met.bundle < at);
        Sharing { resource, access, earlier, later }
    };
    own.iter().map(of_resource).filter(|sharing| !(sharing.earlier.is_empty() && sharing.later.is_empty())).collect()
}

/// The bundles that one directly follows, those behind a join in its place.
fn direct_predecessors(plan: &Plan, at: usize) -> Vec<usize> {
    let nodes = |node: usize| plan.follows(node).iter().filter_map(|before| usize::try_from(*before).ok());
    let mut found = Vec::new();
    for before in nodes(at) {
        if plan.is_bundle(before) {
            found.push(before);
        } else {
            // A join follows bundles only.
            found.extend(nodes(before));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// From colour to colour back to the first, by the earliest bundle each: colours are longest paths, so there is one.
fn chain(footprints: &[Footprint], graph: &DiGraph<u32, ()>, plan: &Plan, at: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut next = Some(at);
    while let Some(bundle) = next {
        let colour = plan.colour(bundle);
        let earlier = graph.neighbors_directed(NodeIndex::new(bundle), Direction::Incoming).map(NodeIndex::index);
        next = earlier.filter(|before| plan.colour(*before).saturating_add(1) == colour).min();
        let joint = next.and_then(|before| joint(footprints.get(before)?, footprints.get(bundle)?));
        steps.push(Step { bundle, colour, joint });
    }
    steps.reverse();
    steps
}

fn joint(before: &Footprint, after: &Footprint) -> Option<Joint> {
    let (resource, before, after) = before.conflicts(after).next()?;
    Some(Joint { resource, before, after })
}

fn if_commuting(footprints: &[Footprint], costs: &[u64], at: usize, sharings: &[Sharing]) -> Vec<Freed<Resource>> {
    let holding = sharings.iter().filter(|sharing| !sharing.earlier.is_empty()).take(ALTERNATIVES_MAX);
    let freed = |sharing: &Sharing| {
        let resource = sharing.resource;
        let changed: Vec<Footprint> = footprints.iter().map(|footprint| footprint.commuting_on(resource)).collect();
        let plan = Plan::new(&Batch::new(&changed.iter().collect::<Vec<_>>())?);
        let start = start_of(&plan, costs, at, footprints.len());
        Some(Freed { without: resource, colour: plan.colour(at), start })
    };
    holding.filter_map(freed).collect()
}

/// Bundles by colour, highest first, then by place.
fn by_colour(plan: &Plan, bundles: &[usize]) -> Vec<usize> {
    let mut sorted = bundles.to_vec();
    sorted.sort_by_key(|bundle| (std::cmp::Reverse(plan.colour(*bundle)), *bundle));
    sorted
}

/// Takes each of these bundles out and puts it back; bundles that come later do not matter.
fn without(footprints: &[Footprint], costs: &[u64], at: usize, predecessors: &[usize]) -> Vec<Freed<usize>> {
    let mut preview = Preview::default();
    for (place, footprint) in footprints.iter().enumerate().take(at.saturating_add(1)) {
        if preview.insert(place, footprint.clone(), cost_of(costs, place)).is_err() {
            return Vec::new();
        }
    }
    let mut freed = |gone: usize| {
        let footprint = preview.remove(&gone)?;
        let found = Freed { without: gone, colour: preview.colour(&at)?, start: preview.start(&at)? };
        preview.insert(gone, footprint, cost_of(costs, gone)).ok()?;
        Some(found)
    };
    predecessors.iter().take(ALTERNATIVES_MAX).filter_map(|gone| freed(*gone)).collect()
}

/// When a bundle starts on some workers; with one a bundle none is ever short.
fn start_of(plan: &Plan, costs: &[u64], at: usize, workers: usize) -> u64 {
    let slots = schedule(plan, costs, workers);
    slots.iter().find(|slot| usize::try_from(slot.bundle) == Ok(at)).map_or(0, |slot| slot.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::tests::{batch_of, below, footprints};

    const POOL: Resource = Resource::Other(1);
    const RAIL: Resource = Resource::Other(2);

    fn touching(touched: &[(Resource, Access)]) -> Footprint {
        Footprint::new(touched.to_vec())
    }

    /// Two writers of the pool, a reader of it that writes the rail, and one that adds to both.
    fn queue() -> Vec<Footprint> {
        vec![
            touching(&[(POOL, Access::Write)]),
            touching(&[(POOL, Access::Write)]),
            touching(&[(POOL, Access::Read), (RAIL, Access::Write)]),
            touching(&[(POOL, Access::Add), (RAIL, Access::Add)]),
            touching(&[(RAIL, Access::Read)]),
        ]
    }

    #[test]
    fn a_bundle_is_told_whom_it_meets_and_what_would_free_it() {
        let found = explain(&queue(), &[5, 2, 1, 4, 1], 2, 1).expect("small");
        assert_eq!((found.at, found.cost), (2, 1));
        assert_eq!(found.standing, Standing { colour: 3, start: 7, start_on_workers: 7 });
        let met = |bundle, access| Met { bundle, access };
        assert_eq!(
            found.sharings,
            [
                Sharing {
                    resource: POOL,
                    access: Access::Read,
                    earlier: vec![met(0, Access::Write), met(1, Access::Write)],
                    later: vec![met(3, Access::Add)],
                },
                Sharing {
                    resource: RAIL,
                    access: Access::Write,
                    earlier: Vec::new(),
                    later: vec![met(3, Access::Add), met(4, Access::Read)],
                },
            ]
        );
        assert_eq!(found.follows, [1]);
        let joint = |before, after| Some(Joint { resource: POOL, before, after });
        let step = |bundle, colour, joint| Step { bundle, colour, joint };
        let writes = joint(Access::Write, Access::Write);
        assert_eq!(found.chain, [step(0, 1, None), step(1, 2, writes), step(2, 3, joint(Access::Write, Access::Read))]);
        assert_eq!(found.if_commuting, [Freed { without: POOL, colour: 1, start: 0 }]);
        assert_eq!(found.without, [Freed { without: 1, colour: 2, start: 5 }]);
    }

    #[test]
    fn a_join_is_told_by_its_members() {
        let touch = |access| touching(&[(POOL, access)]);
        let batch = [touch(Access::Add), touch(Access::Add), touch(Access::Read), touch(Access::Read)];
        let found = explain(&batch, &[1, 3], 3, 1).expect("small");
        assert_eq!(found.follows, [0, 1]);
        // On one worker the other reader goes first.
        assert_eq!(found.standing, Standing { colour: 2, start: 3, start_on_workers: 5 });
        let freed = |without, start| Freed { without, colour: 2, start };
        assert_eq!(found.without, [freed(0, 3), freed(1, 1)]);
    }

    #[test]
    fn what_is_too_large_or_missing_is_refused_by_name() {
        for (batch, at, message) in [
            (queue(), 5, "expected a bundle's place below 5, found 5"),
            (vec![Footprint::default(); 4_097], 0, "expected at most 4096 bundles to explain one of, found 4097"),
            (
                vec![touching(&[(Resource::Other(u32::MAX), Access::Add)])],
                0,
                "expected at most 1073741824 resources, found more",
            ),
        ] {
            assert_eq!(explain(&batch, &[], at, 1).expect_err("refused").to_string(), message);
        }
    }

    fn assert_sharings(batch: &[Footprint], found: &Explanation) {
        let met = |other: &usize| {
            found.sharings.iter().flat_map(|of| of.earlier.iter().chain(&of.later)).any(|met| met.bundle == *other)
        };
        let conflicts = |other: &usize| *other != found.at && batch[*other].conflicts_with(&batch[found.at]);
        assert!((0..batch.len()).all(|other| met(&other) == conflicts(&other)));
        let is_before = |sharing: &Sharing| sharing.earlier.iter().all(|met| met.bundle < found.at);
        assert!(found.sharings.iter().all(is_before));
    }

    fn assert_chain(batch: &[Footprint], found: &Explanation) {
        assert_eq!(found.chain.len(), found.standing.colour as usize);
        assert_eq!(found.chain.last().map(|step| step.bundle), Some(found.at));
        for (pair, colour) in found.chain.windows(2).zip(2..) {
            let [before, after] = [pair[0], pair[1]];
            let joint = after.joint.expect("joined");
            assert!(before.bundle < after.bundle && after.colour == colour);
            assert_eq!(batch[before.bundle].access_to(joint.resource), Some(joint.before));
            assert_eq!(batch[after.bundle].access_to(joint.resource), Some(joint.after));
            assert!(!joint.before.commutes_with(joint.after));
        }
    }

    /// Every alternative is what planning anew gives; resources on which only later bundles conflict free nobody.
    fn assert_alternatives(batch: &[Footprint], found: &Explanation) {
        let planned = |batch: &[Footprint], at: usize| Plan::new(&batch_of(batch)).colour(at);
        for freed in &found.without {
            assert!(found.follows.contains(&freed.without));
            let mut fewer = batch.to_vec();
            fewer.remove(freed.without);
            assert_eq!(freed.colour, planned(&fewer, found.at - 1));
        }
        for sharing in &found.sharings {
            let changed: Vec<Footprint> = batch.iter().map(|one| one.commuting_on(sharing.resource)).collect();
            let freed = found.if_commuting.iter().find(|freed| freed.without == sharing.resource);
            assert_eq!(freed.map_or(found.standing.colour, |freed| freed.colour), planned(&changed, found.at));
        }
    }

    #[test]
    fn every_explanation_is_what_the_plan_says() {
        let mut seed = 0x51ed_270b;
        for round in 0..2_000 {
            let batch = footprints(&mut seed);
            let costs: Vec<u64> = batch.iter().map(|_| u64::from(below(&mut seed, 4))).collect();
            let at = below(&mut seed, u32::try_from(batch.len()).expect("few")) as usize;
            let workers = 1 + below(&mut seed, 4) as usize;
            let found = explain(&batch, &costs, at, workers).expect("small");
            assert!(found.standing.start <= found.standing.start_on_workers, "round {round}");
            let highest = found.follows.iter().map(|before| Plan::new(&batch_of(&batch)).colour(*before)).max();
            assert_eq!(highest.map_or(1, |colour| colour + 1), found.standing.colour, "round {round}");
            assert_sharings(&batch, &found);
            assert_chain(&batch, &found);
            assert_alternatives(&batch, &found);
        }
    }
}
