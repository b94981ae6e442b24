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
use super::verify::{Verified, by_intent, check_intent, debits};
use super::{AuctionInput, Bundle, Fill};
use crate::lanes::{Access, Batch, Executor, Footprint, Plan, Resource};
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

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "venues are most of what is written, and a turn allocates no state")]
enum Value {
    /// The fills made of an intent so far, those of each option added up.
    Intent(Vec<Fill>),
    /// A venue's state.
    Venue(VenueState),
    /// What is left of a scarce reserve.
    Reserve(Atoms),
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
            slot.get_or_init(|| take_turn(input, candidate, at, sources, &slots));
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

impl Sweep<'_> {
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

fn writes(footprint: &Footprint) -> impl Iterator<Item = Resource> + '_ {
    footprint.iter().filter(|(_, access)| *access == Access::Write).map(|(resource, _)| resource)
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
) -> Turn {
    let resources: Vec<Resource> = writes(&candidate.verified.footprint).collect();
    let found = |(resource, source): (&Resource, &Option<(usize, usize)>)| match *source {
        None => opening(input, *resource),
        Some((writer, place)) => {
            let turn = slots.get(writer).and_then(OnceLock::get);
            turn.and_then(|turn| turn.after.get(place)).expect(IN_ORDER).clone()
        }
    };
    let before: Vec<Cell> = resources.iter().zip(sources).map(found).collect();
    match advance(input, candidate.bundle, &resources, &before) {
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

fn opening(input: &AuctionInput, resource: Resource) -> Cell {
    let none = VenueState::Counter { taken: 0, given: 0, uses: 0, available: 0 };
    let value = match resource {
        Resource::Intent(_) | Resource::Fact(_) | Resource::Other(_) => Value::Intent(Vec::new()),
        Resource::Venue(index) => Value::Venue(input.venues.get(index.at()).map_or(none, |venue| venue.opening)),
        Resource::Reserve(index) => Value::Reserve(input.reserves.get(index.at()).map_or(0, |reserve| reserve.amount)),
    };
    Cell { value, by: None }
}

/// The new value of each written resource, or the place of the first that no longer allows the bundle.
fn advance(
    input: &AuctionInput,
    bundle: &Bundle,
    resources: &[Resource],
    before: &[Cell],
) -> Result<Vec<Value>, (usize, Refusal)> {
    let fills = by_intent(bundle);
    let debits = debits(input, bundle);
    let mut values = Vec::with_capacity(resources.len());
    for (place, (resource, cell)) in resources.iter().zip(before).enumerate() {
        let value = match (resource, &cell.value) {
            (Resource::Intent(index), Value::Intent(earlier)) => {
                let now = fills.get(index).map_or(&[][..], Vec::as_slice);
                check_intent(input, *index, now, earlier).map_err(|refusal| (place, refusal))?;
                Value::Intent(by_option(earlier.iter().chain(now)))
            }
            (Resource::Venue(index), Value::Venue(state)) => {
                Value::Venue(use_venue(input, bundle, *index, state).map_err(|refusal| (place, refusal))?)
            }
            (Resource::Reserve(index), Value::Reserve(left)) => {
                let amount = debits.get(index).copied().unwrap_or(0);
                Value::Reserve(left.checked_sub(amount).ok_or_else(|| (place, too_little(amount, *left)))?)
            }
            (
                Resource::Intent(_)
                | Resource::Venue(_)
                | Resource::Reserve(_)
                | Resource::Fact(_)
                | Resource::Other(_),
                other,
            ) => other.clone(),
        };
        values.push(value);
    }
    Ok(values)
}

/// One fill an option, with the sums: as many as an intent has options, however many bundles fill it.
fn by_option<'a>(fills: impl Iterator<Item = &'a Fill>) -> Vec<Fill> {
    let mut sums: Vec<Fill> = Vec::new();
    for fill in fills {
        match sums.iter_mut().find(|sum| sum.option == fill.option) {
            Some(sum) => {
                sum.sold = sum.sold.saturating_add(fill.sold);
                sum.bought = sum.bought.saturating_add(fill.bought);
            }
            None => sums.push(*fill),
        }
    }
    sums
}

fn use_venue(
    input: &AuctionInput,
    bundle: &Bundle,
    index: VenueIndex,
    state: &VenueState,
) -> Result<VenueState, Refusal> {
    let used = bundle.uses.iter().find(|used| used.venue == index);
    match (used, input.venues.get(index.at())) {
        (Some(used), Some(venue)) => venue.terms.take(state, used.direction, used.amount_in, used.amount_out),
        (None, _) | (_, None) => Ok(*state),
    }
}

fn too_little(amount: Atoms, left: Atoms) -> Refusal {
    Refusal::new(Reason::ReserveExceeded, "fills", format!("expected at most {left} atoms, found {amount}"))
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
