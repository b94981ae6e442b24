//! Branch and reduce: the best set of a graph of members that exclude each other, exactly, or nothing in the budget.

use std::collections::BTreeSet;

use super::component::Place;
use super::reduce::Graph;
use super::work::Work;
use crate::money::Score;

/// The budget ended before the answer was sure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exhausted;

/// A set of places and what it is worth.
pub(super) type Best = (Score, BTreeSet<Place>);

/// The best set of a graph if it is worth more than `floor`.
pub(super) fn best(mut graph: Graph, floor: Score, work: &mut Work) -> Result<Option<Best>, Exhausted> {
    work.spend(graph.size());
    if work.is_done() {
        return Err(Exhausted);
    }
    let decisions = graph.reduce(work);
    let floor = floor.saturating_sub(decisions.worth);
    let found = match graph.parts().as_slice() {
        [] => Some((0, BTreeSet::new())).filter(|_| floor < 0),
        [_] => best_connected(&graph, floor, work)?,
        parts => best_of_parts(&graph, parts, floor, work)?,
    };
    Ok(found.map(|(worth, mut set)| {
        decisions.complete(&mut set);
        (worth.saturating_add(decisions.worth), set)
    }))
}

fn best_of_parts(graph: &Graph, parts: &[Vec<u32>], floor: Score, work: &mut Work) -> Result<Option<Best>, Exhausted> {
    let mut parts: Vec<Graph> = parts.iter().map(|part| graph.part(part)).collect();
    parts.sort_by_key(Graph::len);
    let bounds: Vec<Score> = parts.iter().map(Graph::cover_bound).collect();
    let mut rest = bounds.iter().copied().fold(0, Score::saturating_add);
    let (mut worth, mut all): Best = (0, BTreeSet::new());
    for (part, bound) in parts.into_iter().zip(bounds) {
        rest = rest.saturating_sub(bound);
        let needed = floor.saturating_sub(worth).saturating_sub(rest);
        let Some((part_worth, set)) = best(part, needed, work)? else { return Ok(None) };
        worth = worth.saturating_add(part_worth);
        all.extend(set);
    }
    Ok(Some((worth, all)).filter(|_| worth > floor))
}

fn best_connected(graph: &Graph, floor: Score, work: &mut Work) -> Result<Option<Best>, Exhausted> {
    work.spend(graph.size());
    if graph.cover_bound() <= floor {
        return Ok(None);
    }
    let key = |vertex: &u32| (graph.near(*vertex).len(), graph.weight(*vertex), std::cmp::Reverse(*vertex));
    let Some(pivot) = graph.vertices().max_by_key(key) else { return Ok(None) };
    let near = graph.near(pivot);
    let others: Vec<u32> = graph.vertices().filter(|vertex| *vertex != pivot).collect();
    let far: Vec<u32> = others.iter().copied().filter(|vertex| near.binary_search(vertex).is_err()).collect();
    let weight = graph.weight(pivot);
    let with = best(graph.part(&far), floor.saturating_sub(weight), work)?.map(|(worth, mut set)| {
        set.extend(graph.place(pivot));
        (worth.saturating_add(weight), set)
    });
    let floor = with.as_ref().map_or(floor, |(worth, _)| *worth);
    let without = best(graph.part(&others), floor, work)?;
    Ok(without.or(with))
}
