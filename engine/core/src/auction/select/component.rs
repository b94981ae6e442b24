//! Candidates that write something in common, directly or through others, with what two of them can't both have.

use std::collections::BTreeMap;

use petgraph::unionfind::UnionFind;

use super::LOOK_NANOS;
use crate::auction::AuctionInput;
use crate::auction::cost::{FILL_NANOS, use_nanos};
use crate::auction::step::{Step, Value, advance, opening, steps, writes};
use crate::auction::sweep::Candidate;
use crate::auction::verify::size_of;
use crate::intent::Choose;
use crate::lanes::Resource;
use crate::money::{Atoms, Score};
use crate::names::IntentIndex;

/// A place among the members of a component, in the order of turns.
pub(super) type Place = u32;

/// Candidates that write something in common, directly or through others.
#[derive(Debug)]
pub(super) struct Component<'a> {
    /// What lines are judged by; a component without lines needs none.
    input: Option<&'a AuctionInput>,
    /// The members' places among all candidates, in the order of turns.
    pub(super) members: Vec<usize>,
    pub(super) weights: Vec<Score>,
    /// Members of which at most one can be taken, whatever else is.
    pub(super) cliques: Vec<Vec<Place>>,
    /// The cliques of each member.
    pub(super) cliques_of: Vec<Vec<u32>>,
    /// Resources that several members write and that may allow more than one of them.
    pub(super) lines: Vec<Line>,
    /// The lines of each member, with what it does there.
    pub(super) lines_of: Vec<Vec<(u32, Step)>>,
}

/// A resource on which the order and number of its writers decide what it still allows.
#[derive(Debug)]
pub(super) struct Line {
    resource: Resource,
    opening: Value,
    writers: Vec<Place>,
    /// What one step costs, in looks at a candidate.
    looks: u64,
}

/// The places of candidates by component, each in the order of turns; only where there are several.
pub(super) fn contended(candidates: &[Candidate<'_>]) -> Vec<Vec<usize>> {
    let mut first: BTreeMap<Resource, usize> = BTreeMap::new();
    let mut joined = UnionFind::<usize>::new(candidates.len());
    for (at, candidate) in candidates.iter().enumerate() {
        for resource in writes(&candidate.verified.footprint) {
            let other = *first.entry(resource).or_insert(at);
            joined.union(other, at);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..candidates.len() {
        groups.entry(joined.find_mut(at)).or_default().push(at);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

impl<'a> Component<'a> {
    pub(super) fn new(input: &'a AuctionInput, candidates: &[Candidate<'_>], members: Vec<usize>) -> Component<'a> {
        let mut writers: BTreeMap<Resource, Vec<(Place, Step)>> = BTreeMap::new();
        let mut weights = Vec::with_capacity(members.len());
        for (place, candidate) in (0..).zip(members.iter().filter_map(|at| candidates.get(*at))) {
            weights.push(candidate.verified.score);
            let resources: Vec<Resource> = writes(&candidate.verified.footprint).collect();
            let steps = steps(input, candidate.bundle, &resources);
            for (resource, step) in resources.into_iter().zip(steps) {
                writers.entry(resource).or_default().push((place, step));
            }
        }
        let mut component = Component { input: Some(input), members, ..Component::of(weights) };
        for (resource, writers) in writers.into_iter().filter(|(_, writers)| writers.len() > 1) {
            component.add(input, resource, writers);
        }
        component
    }

    /// Members of these weights that don't exclude each other.
    fn of(weights: Vec<Score>) -> Component<'a> {
        Component {
            input: None,
            members: (0..weights.len()).collect(),
            cliques: Vec::new(),
            cliques_of: vec![Vec::new(); weights.len()],
            lines: Vec::new(),
            lines_of: vec![Vec::new(); weights.len()],
            weights,
        }
    }

    /// Members of which at most one of each group can be taken.
    pub(super) fn disjoint(weights: Vec<Score>, groups: impl Iterator<Item = Vec<usize>>) -> Component<'a> {
        let mut component = Component::of(weights);
        for group in groups.filter(|group| group.len() > 1) {
            component.exclude(group.into_iter().filter_map(|place| Place::try_from(place).ok()).collect());
        }
        component
    }

    fn add(&mut self, input: &AuctionInput, resource: Resource, writers: Vec<(Place, Step)>) {
        let clique = exclusive(input, resource, &writers);
        if clique.len() < writers.len() {
            let line = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
            let places = writers.iter().map(|(place, _)| *place).collect();
            let looks = step_looks(input, resource);
            self.lines.push(Line { resource, opening: opening(input, resource), writers: places, looks });
            for (place, step) in writers {
                if let Some(lines) = at_mut(&mut self.lines_of, place) {
                    lines.push((line, step));
                }
            }
        }
        if clique.len() > 1 {
            self.exclude(clique);
        }
    }

    fn exclude(&mut self, clique: Vec<Place>) {
        let number = u32::try_from(self.cliques.len()).unwrap_or(u32::MAX);
        for place in &clique {
            if let Some(cliques) = at_mut(&mut self.cliques_of, *place) {
                cliques.push(number);
            }
        }
        self.cliques.push(clique);
    }

    /// The number of members.
    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn places(&self) -> std::ops::Range<Place> {
        0..u32::try_from(self.weights.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn weight(&self, place: Place) -> Score {
        at(&self.weights, place).copied().unwrap_or(0)
    }

    pub(super) fn cliques_of(&self, place: Place) -> &[u32] {
        at(&self.cliques_of, place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn lines_of(&self, place: Place) -> &[(u32, Step)] {
        at(&self.lines_of, place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn clique(&self, number: u32) -> &[Place] {
        at(&self.cliques, number).map_or(&[], Vec::as_slice)
    }

    pub(super) fn writers(&self, line: u32) -> &[Place] {
        at(&self.lines, line).map_or(&[], |line| line.writers.as_slice())
    }

    /// What one step on a line costs, in looks at a candidate.
    pub(super) fn looks(&self, line: u32) -> u64 {
        at(&self.lines, line).map_or(1, |line| line.looks)
    }

    /// The state of a line before its first writer.
    pub(super) fn opening(&self, line: u32) -> Option<Value> {
        at(&self.lines, line).map(|line| line.opening.clone())
    }

    /// A line's state after a member's step there; `None` where a rule does not allow it.
    pub(super) fn after(&self, line: u32, place: Place, before: &Value) -> Option<Value> {
        let resource = at(&self.lines, line)?.resource;
        let (_, step) = self.lines_of(place).iter().find(|(other, _)| *other == line)?;
        advance(self.input?, resource, step, before).ok()
    }
}

fn step_looks(input: &AuctionInput, resource: Resource) -> u64 {
    let nanos = match resource {
        Resource::Venue(index) => input.venues.get(index.at()).map_or(FILL_NANOS, |venue| use_nanos(&venue.terms)),
        Resource::Intent(_) | Resource::Reserve(_) | Resource::Fact(_) | Resource::Other(_) => FILL_NANOS,
    };
    nanos.div_ceil(LOOK_NANOS)
}

pub(super) fn at<T>(table: &[T], number: u32) -> Option<&T> {
    table.get(usize::try_from(number).unwrap_or(usize::MAX))
}

pub(super) fn at_mut<T>(table: &mut [T], number: u32) -> Option<&mut T> {
    table.get_mut(usize::try_from(number).unwrap_or(usize::MAX))
}

/// The writers of which no two can be taken together: those that claim most of what there is, as long as the two
/// least of them claim more than all of it.
///
/// Only rules that other bundles can't mend count: what is left of an intent, an option of it or a reserve.
fn exclusive(input: &AuctionInput, resource: Resource, writers: &[(Place, Step)]) -> Vec<Place> {
    let all = || writers.iter().map(|(place, _)| *place).collect::<Vec<_>>();
    let mut claims: Vec<(Atoms, Place)> = Vec::with_capacity(writers.len());
    let mut size: Atoms = 0;
    for (place, step) in writers {
        let claim = match (resource, step) {
            (Resource::Intent(index), Step::Fill(fills)) => claim(input, index, fills),
            (Resource::Reserve(index), Step::Debit(amount)) => {
                input.reserves.get(index.at()).map(|reserve| (*amount, reserve.amount))
            }
            (
                Resource::Intent(_)
                | Resource::Venue(_)
                | Resource::Reserve(_)
                | Resource::Fact(_)
                | Resource::Other(_),
                Step::Fill(_) | Step::Use(_) | Step::Debit(_) | Step::Nothing,
            ) => None,
        };
        let Some((claimed, of)) = claim else { return Vec::new() };
        size = size.max(of);
        claims.push((claimed, *place));
    }
    if let Resource::Intent(index) = resource
        && input.intents.get(index.at()).is_some_and(|intent| intent.is_all_or_nothing)
    {
        return all();
    }
    claims.sort_unstable_by(|one, other| other.cmp(one));
    let exceeds = |pair: &[(Atoms, Place)]| match pair {
        [(one, _), (other, _)] => one.saturating_add(*other) > size,
        _ => false,
    };
    let count = claims.windows(2).take_while(|pair| exceeds(pair)).count().saturating_add(1);
    let mut clique: Vec<Place> = claims.into_iter().take(count).map(|(_, place)| place).collect();
    clique.sort_unstable();
    clique
}

/// How much of an intent's fixed side some fills claim, and of how much at most.
fn claim(input: &AuctionInput, index: IntentIndex, fills: &[crate::auction::Fill]) -> Option<(Atoms, Atoms)> {
    let intent = input.intents.get(index.at())?;
    let claimed = fills.iter().fold(0, |sum: Atoms, fill| sum.saturating_add(intent.fixed_of(fill.sold, fill.bought)));
    let sizes = (0..).take(intent.options.len()).map(|option| size_of(intent, option));
    let size = match intent.choose {
        Choose::Split => intent.remaining,
        Choose::One => sizes.max().unwrap_or(0),
    };
    Some((claimed, size))
}
