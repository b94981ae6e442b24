//! The sweep: valid bundles one after another, best score first, each taken if every rule still holds.
//!
//! It runs in lanes. A bundle leaves the new state of each resource it writes in a slot of its
//! own, and the next writer of that resource reads it there; so the outcome is that of the
//! sequential order, whatever runs at the same time. An executor that leaves out a turn, or takes
//! one before those that it follows, is never made up for: the sweep panics.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::cost::expected_nanos;
use super::precedence::Precedence;
use super::step::{Value, advance, opening, steps, writes};
use super::verify::{Verified, debits};
use super::{AuctionInput, Bundle};
use crate::lanes::{Batch, Executor, Footprint, Plan, Resource};
use crate::money::{Atoms, Score};
use crate::names::{SolverId, VenueIndex};
use crate::refusal::{Reason, Refusal};
use crate::venue::VenueState;

/// A valid bundle that waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) solver: SolverId,
    pub(super) number: u32,
    pub(super) bundle: &'a Bundle,
    pub(super) verified: Verified,
    pub(super) precedence: Precedence,
}

/// What happened to one candidate in its turn.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Why it was dropped, if it was.
    pub(super) dropped: Option<Dropped>,
    /// The state after it of each resource it writes, in the order of its footprint.
    after: Vec<Cell>,
}

/// Why a candidate was dropped.
#[derive(Clone, Debug)]
pub(super) struct Dropped {
    pub(super) on: Resource,
    pub(super) refusal: Refusal,
    /// The candidate taken last on that resource.
    pub(super) by: Option<usize>,
}

/// A written resource between two writers.
#[derive(Clone, Debug)]
struct Cell {
    value: Value,
    /// The candidate taken last on it.
    by: Option<usize>,
}

/// The candidates in their order, their plan, and their turns.
pub(super) struct Sweep<'a> {
    pub(super) candidates: Vec<Candidate<'a>>,
    pub(super) plan: Plan,
    pub(super) turns: Vec<Turn>,
}

/// Where the state that a turn finds must be by then; anything else would be a wrong result.
const IN_ORDER: &str = "the executor runs every bundle after all the earlier ones that it conflicts with";

/// Runs the sweep: best score first, then more intents, then the seeded hash.
///
/// # Panics
///
/// If the executor does not run every bundle once all those that it follows have run.
pub(super) fn sweep<'a>(
    input: &AuctionInput,
    mut candidates: Vec<Candidate<'a>>,
    executor: &dyn Executor,
) -> Sweep<'a> {
    candidates.sort_by_key(|candidate| candidate.precedence);
    let footprints: Vec<&Footprint> = candidates.iter().map(|candidate| &candidate.verified.footprint).collect();
    let costs: Vec<u64> = candidates.iter().map(|candidate| expected_nanos(input, candidate.bundle)).collect();
    let batch = Batch::new(&footprints);
    let previous = previous_writers(&footprints);
    let slots: Vec<OnceLock<Turn>> = candidates.iter().map(|_| OnceLock::new()).collect();
    let take = |at: usize| {
        if let (Some(slot), Some(candidate), Some(sources)) = (slots.get(at), candidates.get(at), previous.get(at)) {
            slot.get_or_init(|| take_turn(input, candidate, at, sources, &slots, true));
        }
    };
    let plan = match &batch {
        Some(batch) => executor.run_batch(batch, &costs, &take).unwrap_or_else(|| Plan::new(batch)),
        None => {
            // More than a batch can number, which no auction holds.
            (0..candidates.len()).for_each(take);
            Plan::default()
        }
    };
    let turns = slots.into_iter().map(|slot| slot.into_inner().expect(IN_ORDER)).collect();
    Sweep { candidates, plan, turns }
}

impl<'a> Sweep<'a> {
    /// The turns that these candidates have where only they are taken; they must be able to execute.
    ///
    /// A candidate whose turn would have allowed it is dropped for the first one taken later that could not follow it.
    pub(super) fn only(&self, input: &AuctionInput, is_taken: &[bool]) -> Sweep<'a> {
        let candidates = self.candidates.clone();
        let footprints: Vec<&Footprint> = candidates.iter().map(|candidate| &candidate.verified.footprint).collect();
        let previous = previous_writers(&footprints);
        let slots: Vec<OnceLock<Turn>> = candidates.iter().map(|_| OnceLock::new()).collect();
        let mut later: BTreeMap<Resource, Vec<usize>> = BTreeMap::new();
        for (at, ((slot, candidate), sources)) in slots.iter().zip(&candidates).zip(&previous).enumerate() {
            let may_run = is_taken.get(at).copied().unwrap_or(false);
            slot.get_or_init(|| take_turn(input, candidate, at, sources, &slots, may_run));
            for resource in writes(&candidate.verified.footprint).filter(|_| may_run) {
                later.entry(resource).or_default().push(at);
            }
        }
        let mut turns: Vec<Turn> = slots.into_iter().filter_map(OnceLock::into_inner).collect();
        for (at, turn) in turns.iter_mut().enumerate() {
            let left_out = turn.dropped.as_mut().filter(|dropped| dropped.refusal.reason == Reason::WorthLess);
            let found = left_out.zip(candidates.get(at)).and_then(|(dropped, candidate)| {
                Some((dropped, kept_out_by(input, &candidates, candidate, at, &turn.after, &later)?))
            });
            if let Some((dropped, found)) = found {
                *dropped = found;
            }
        }
        Sweep { candidates, plan: self.plan.clone(), turns }
    }

    /// The places of the candidates that were taken, in order.
    pub(super) fn taken(&self) -> impl Iterator<Item = usize> + '_ {
        self.turns.iter().enumerate().filter(|(_, turn)| turn.dropped.is_none()).map(|(at, _)| at)
    }

    /// The venues as the last writers left them.
    pub(super) fn venue_states(&self, opening: Vec<VenueState>) -> Vec<VenueState> {
        let mut states = opening;
        for (candidate, turn) in self.candidates.iter().zip(&self.turns) {
            for (resource, cell) in writes(&candidate.verified.footprint).zip(&turn.after) {
                if let (Resource::Venue(index), Value::Venue(state)) = (resource, &cell.value)
                    && let Some(slot) = states.get_mut(index.at())
                {
                    *slot = *state;
                }
            }
        }
        states
    }
}

/// Per bundle and written resource, where its state is found: the writer before and its place there.
type Sources = Vec<Option<(usize, usize)>>;

fn previous_writers(footprints: &[&Footprint]) -> Vec<Sources> {
    let mut last: BTreeMap<Resource, (usize, usize)> = BTreeMap::new();
    let sources = |(at, footprint): (usize, &&Footprint)| {
        writes(footprint).enumerate().map(|(place, resource)| last.insert(resource, (at, place))).collect()
    };
    footprints.iter().enumerate().map(sources).collect()
}

fn take_turn(
    input: &AuctionInput,
    candidate: &Candidate<'_>,
    at: usize,
    sources: &Sources,
    slots: &[OnceLock<Turn>],
    may_run: bool,
) -> Turn {
    let resources: Vec<Resource> = writes(&candidate.verified.footprint).collect();
    let found = |(resource, source): (&Resource, &Option<(usize, usize)>)| match *source {
        None => Cell { value: opening(input, *resource), by: None },
        Some((writer, place)) => {
            let turn = slots.get(writer).and_then(OnceLock::get);
            turn.and_then(|turn| turn.after.get(place)).expect(IN_ORDER).clone()
        }
    };
    let before: Vec<Cell> = resources.iter().zip(sources).map(found).collect();
    match advance_all(input, candidate.bundle, &resources, &before) {
        Ok(_) if !may_run => Turn { dropped: Some(worth_less(&resources)), after: before },
        Ok(values) => {
            let after = values.into_iter().map(|value| Cell { value, by: Some(at) }).collect();
            Turn { dropped: None, after }
        }
        Err((place, refusal)) => {
            let by = before.get(place).and_then(|cell| cell.by);
            let on = resources.get(place).copied().unwrap_or(Resource::Venue(VenueIndex(0)));
            Turn { dropped: Some(Dropped { on, refusal, by }), after: before }
        }
    }
}

/// The new value of each written resource, or the place of the first that no longer allows the bundle.
fn advance_all(
    input: &AuctionInput,
    bundle: &Bundle,
    resources: &[Resource],
    before: &[Cell],
) -> Result<Vec<Value>, (usize, Refusal)> {
    let steps = steps(input, bundle, resources);
    let all = resources.iter().zip(&steps).zip(before).enumerate();
    let values = all.map(|(place, ((resource, step), cell))| {
        advance(input, *resource, step, &cell.value).map_err(|refusal| (place, refusal))
    });
    values.collect()
}

fn worth_less(resources: &[Resource]) -> Dropped {
    let on = resources.first().copied().unwrap_or(Resource::Venue(VenueIndex(0)));
    let message = "expected what can't execute with it to be worth less, found more";
    Dropped { on, refusal: Refusal::new(Reason::WorthLess, "bundle", message), by: None }
}

/// The first candidate taken later that could not follow this one, and on what.
fn kept_out_by(
    input: &AuctionInput,
    candidates: &[Candidate<'_>],
    candidate: &Candidate<'_>,
    place: usize,
    before: &[Cell],
    taken: &BTreeMap<Resource, Vec<usize>>,
) -> Option<Dropped> {
    let resources: Vec<Resource> = writes(&candidate.verified.footprint).collect();
    let steps_here = steps(input, candidate.bundle, &resources);
    resources.iter().zip(&steps_here).zip(before).find_map(|((resource, step), cell)| {
        let mut state = advance(input, *resource, step, &cell.value).ok()?;
        let writers = taken.get(resource)?;
        let later = writers.get(writers.partition_point(|at| *at <= place)..)?;
        later.iter().find_map(|at| {
            let step = steps(input, candidates.get(*at)?.bundle, std::slice::from_ref(resource));
            match advance(input, *resource, step.first()?, &state) {
                Ok(after) => {
                    state = after;
                    None
                }
                Err(_) => Some(Dropped { by: Some(*at), ..worth_less(std::slice::from_ref(resource)) }),
            }
        })
    })
}

/// The fills that the taken candidates made, and what they left of each reserve.
pub(super) fn totals(input: &AuctionInput, sweep: &Sweep<'_>) -> (Vec<bool>, Vec<Atoms>) {
    let mut is_filled = vec![false; input.intents.len()];
    let mut reserves: Vec<Atoms> = input.reserves.iter().map(|reserve| reserve.amount).collect();
    for candidate in sweep.taken().filter_map(|at| sweep.candidates.get(at)) {
        for fill in &candidate.bundle.fills {
            if let Some(slot) = is_filled.get_mut(fill.intent.at()) {
                *slot = true;
            }
        }
        for (reserve, amount) in debits(input, candidate.bundle) {
            if let Some(left) = reserves.get_mut(reserve.at()) {
                *left = left.saturating_sub(amount);
            }
        }
    }
    (is_filled, reserves)
}

/// The sum of the scores of the taken candidates.
pub(super) fn score(sweep: &Sweep<'_>) -> Score {
    let scores = sweep.taken().filter_map(|at| sweep.candidates.get(at)).map(|candidate| candidate.verified.score);
    scores.fold(0, Score::saturating_add)
}
