//! Members and pairs that exclude each other, as a graph, and what can be decided in it without trying.
//!
//! The rules (heavy neighbourhoods, isolated cliques with their weight passed on, domination) keep the best total:
//! Lamm, Schulz, Strash, Williger and Zhang, 2019.

use std::collections::BTreeSet;

use super::component::{Component, Place, at, at_mut};
use super::work::Work;
use crate::money::Score;

/// Neighbourhoods beyond this size are not looked into.
const NEAR_MAX: usize = 12;

/// On average; beyond it branching does not end in time.
const NEIGHBOURS_MAX: usize = 8;
/// So many vertices may be as dense as they like.
const DENSE_MAX: usize = 80;

/// A graph of members with weights, numbered densely.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// What each vertex stands for.
    pub(super) places: Vec<Place>,
    weights: Vec<Score>,
    /// The neighbours of each vertex, ascending.
    near: Vec<Vec<u32>>,
}

/// What was decided, in order; read backwards it gives the set.
#[derive(Clone, Debug)]
enum Decided {
    Taken(Place),
    /// Taken if none of these is.
    Unless(Place, Vec<Place>),
}

/// What reducing a graph decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Decisions {
    /// What it is worth.
    pub(super) worth: Score,
    steps: Vec<Decided>,
}

impl Decisions {
    /// Completes a set of the graph that was left.
    pub(super) fn complete(&self, set: &mut BTreeSet<Place>) {
        for step in self.steps.iter().rev() {
            match step {
                Decided::Taken(place) => {
                    set.insert(*place);
                }
                Decided::Unless(place, others) => {
                    if !others.iter().any(|other| set.contains(other)) {
                        set.insert(*place);
                    }
                }
            }
        }
    }
}

impl Graph {
    /// The graph of a component without those members; `None` beyond `edges_max` edges, counted once a clique.
    pub(super) fn of(
        component: &Component<'_>,
        is_left_out: impl Fn(Place) -> bool,
        edges_max: usize,
    ) -> Option<Graph> {
        let pairs = component
            .cliques
            .iter()
            .fold(0_usize, |sum, clique| sum.saturating_add(clique.len().saturating_mul(clique.len())));
        if pairs > edges_max {
            return None;
        }
        let places: Vec<Place> = component.places().filter(|place| !is_left_out(*place)).collect();
        let number = |place: &Place| places.binary_search(place).ok().and_then(|at| u32::try_from(at).ok());
        let near_of = |place: &Place| {
            let cliques = component.cliques_of(*place).iter().flat_map(|clique| component.clique(*clique));
            let mut near: Vec<u32> = cliques.filter(|other| *other != place).filter_map(number).collect();
            near.sort_unstable();
            near.dedup();
            near
        };
        let near = places.iter().map(near_of).collect();
        let weights = places.iter().map(|place| component.weight(*place)).collect();
        Some(Graph { places, weights, near })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Vertices and neighbours: what looking at all of it costs.
    pub(super) fn size(&self) -> u64 {
        let size = self.near.iter().fold(self.len(), |sum, near| sum.saturating_add(near.len()));
        u64::try_from(size).unwrap_or(u64::MAX)
    }

    pub(super) fn near(&self, vertex: u32) -> &[u32] {
        at(&self.near, vertex).map_or(&[], Vec::as_slice)
    }

    pub(super) fn weight(&self, vertex: u32) -> Score {
        at(&self.weights, vertex).copied().unwrap_or(0)
    }

    pub(super) fn place(&self, vertex: u32) -> Option<Place> {
        at(&self.places, vertex).copied()
    }

    pub(super) fn vertices(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// Whether each vertex has few neighbours, so that most of the graph needs no trying.
    pub(super) fn is_sparse(&self) -> bool {
        let ends = self.near.iter().fold(0_usize, |sum, near| sum.saturating_add(near.len()));
        self.len() <= DENSE_MAX || ends <= self.len().saturating_mul(NEIGHBOURS_MAX)
    }

    fn has_edge(&self, one: u32, other: u32) -> bool {
        self.near(one).binary_search(&other).is_ok()
    }

    /// The graph of some vertices, ascending.
    pub(super) fn part(&self, vertices: &[u32]) -> Graph {
        let mut number = vec![None; self.len()];
        for (new, vertex) in (0_u32..).zip(vertices) {
            if let Some(slot) = at_mut(&mut number, *vertex) {
                *slot = Some(new);
            }
        }
        let near_of = |vertex: &u32| {
            let near = self.near(*vertex).iter();
            near.filter_map(|other| at(&number, *other).copied().flatten()).collect()
        };
        Graph {
            places: vertices.iter().filter_map(|vertex| self.place(*vertex)).collect(),
            weights: vertices.iter().map(|vertex| self.weight(*vertex)).collect(),
            near: vertices.iter().map(near_of).collect(),
        }
    }

    /// The connected parts, each ascending.
    pub(super) fn parts(&self) -> Vec<Vec<u32>> {
        let mut is_seen = vec![false; self.len()];
        let mut parts = Vec::new();
        for start in self.vertices() {
            let mut open = vec![start];
            let mut part = Vec::new();
            while let Some(vertex) = open.pop() {
                if at_mut(&mut is_seen, vertex).is_some_and(|is_seen| !std::mem::replace(is_seen, true)) {
                    part.push(vertex);
                    open.extend_from_slice(self.near(vertex));
                }
            }
            if !part.is_empty() {
                part.sort_unstable();
                parts.push(part);
            }
        }
        parts
    }

    /// No independent set is worth more: the heaviest of each clique of a greedy cover.
    pub(super) fn cover_bound(&self) -> Score {
        let mut order: Vec<u32> = self.vertices().collect();
        order.sort_by_key(|vertex| std::cmp::Reverse(self.weight(*vertex)));
        let mut clique_of: Vec<Option<usize>> = vec![None; self.len()];
        let mut sizes: Vec<usize> = Vec::new();
        let mut bound: Score = 0;
        let mut met: Vec<usize> = Vec::new();
        for vertex in order {
            met.clear();
            met.extend(self.near(vertex).iter().filter_map(|near| at(&clique_of, *near).copied().flatten()));
            met.sort_unstable();
            let is_whole = |run: &&[usize]| run.first().and_then(|clique| sizes.get(*clique)) == Some(&run.len());
            let joined = met.chunk_by(|one, other| one == other).filter(is_whole).max_by_key(|run| run.len());
            let clique = joined.and_then(|run| run.first().copied()).unwrap_or(sizes.len());
            if clique == sizes.len() {
                sizes.push(0);
                bound = bound.saturating_add(self.weight(vertex));
            }
            if let Some(size) = sizes.get_mut(clique) {
                *size = size.saturating_add(1);
            }
            if let Some(slot) = at_mut(&mut clique_of, vertex) {
                *slot = Some(clique);
            }
        }
        bound
    }

    /// Decides what needs no trying; what is left stays in the graph.
    pub(super) fn reduce(&mut self, work: &mut Work) -> Decisions {
        let mut decisions = Decisions::default();
        let mut is_alive = vec![true; self.len()];
        let mut open: Vec<u32> = self.vertices().rev().collect();
        while let Some(vertex) = open.pop() {
            if !at(&is_alive, vertex).copied().unwrap_or(false) {
                continue;
            }
            work.spend(u64::try_from(self.near(vertex).len()).unwrap_or(u64::MAX).saturating_add(1));
            for gone in self.decide(vertex, &mut decisions, &mut open) {
                if let Some(is_alive) = at_mut(&mut is_alive, gone) {
                    *is_alive = false;
                }
                for other in self.near(gone).to_vec() {
                    self.cut(other, gone);
                    open.push(other);
                }
            }
        }
        let alive: Vec<u32> =
            self.vertices().filter(|vertex| at(&is_alive, *vertex).copied().unwrap_or(false)).collect();
        *self = self.part(&alive);
        decisions
    }

    fn cut(&mut self, vertex: u32, gone: u32) {
        if let Some(near) = at_mut(&mut self.near, vertex)
            && let Ok(at) = near.binary_search(&gone)
        {
            near.remove(at);
        }
    }

    /// The vertices that go, by the first rule that fits this one.
    fn decide(&mut self, vertex: u32, decisions: &mut Decisions, open: &mut Vec<u32>) -> Vec<u32> {
        let near = self.near(vertex).to_vec();
        let weight = self.weight(vertex);
        let Some(place) = self.place(vertex) else { return Vec::new() };
        let around = near.iter().fold(0, |sum: Score, other| sum.saturating_add(self.weight(*other)));
        let heaviest = near.iter().map(|other| self.weight(*other)).max().unwrap_or(0);
        let is_clique = near.len() <= NEAR_MAX && self.is_clique(&near);
        let with = |near: Vec<u32>| near.into_iter().chain([vertex]).collect();
        if weight >= around || (is_clique && weight >= heaviest) {
            decisions.worth = decisions.worth.saturating_add(weight);
            decisions.steps.push(Decided::Taken(place));
            return with(near);
        }
        if is_clique {
            let (heavier, lighter): (Vec<u32>, Vec<u32>) =
                near.into_iter().partition(|other| self.weight(*other) > weight);
            let others = heavier.iter().filter_map(|other| self.place(*other)).collect();
            decisions.worth = decisions.worth.saturating_add(weight);
            decisions.steps.push(Decided::Unless(place, others));
            for other in heavier {
                if let Some(left) = at_mut(&mut self.weights, other) {
                    *left = left.saturating_sub(weight);
                }
                open.push(other);
                open.extend_from_slice(self.near(other));
            }
            return with(lighter);
        }
        let is_dominated = |other: &u32| {
            self.weight(*other) <= weight
                && self.near(*other).len() >= near.len()
                && near.iter().all(|third| third == other || self.has_edge(*other, *third))
        };
        if near.len() > NEAR_MAX { Vec::new() } else { near.iter().copied().find(is_dominated).into_iter().collect() }
    }

    fn is_clique(&self, vertices: &[u32]) -> bool {
        let mut rest = vertices;
        while let [first, others @ ..] = rest {
            if !others.iter().all(|other| self.has_edge(*first, *other)) {
                return false;
            }
            rest = others;
        }
        true
    }
}
