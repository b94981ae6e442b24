//! The built-in bidder: each intent in the order of H(seed, place) on its best single path,
//! on venues as the ones before left them.

use super::fairness::check_floor;
use super::paths::{PathCache, RateBounds};
use super::route::Routes;
use super::verify::{by_intent, check_intent, debits, opening_states};
use super::{AuctionInput, Bundle, FloorTerms};
use crate::hash::Hasher;
use crate::money::Atoms;
use crate::names::{IntentIndex, ReserveIndex};
use crate::venue::VenueState;

/// The same input with what this bidder alone would fill of each intent, which is what a fill is measured against
/// under [`RuleSet::Floor`](super::RuleSet::Floor).
#[must_use]
pub fn with_floors(input: &AuctionInput) -> AuctionInput {
    let paths = PathCache::new(input);
    with_terms(input, &alone(input, &paths))
}

/// Notes at each intent what these bundles, one fill each, make of it.
pub(super) fn with_terms(input: &AuctionInput, alone: &[Bundle]) -> AuctionInput {
    let mut input = input.clone();
    for fill in alone.iter().flat_map(|bundle| &bundle.fills) {
        if let Some(intent) = input.intents.get_mut(fill.intent.at()) {
            intent.floor = Some(FloorTerms { option: fill.option, sold: fill.sold, bought: fill.bought });
        }
    }
    input
}

/// What it fills if nobody else bids.
pub(super) fn alone(input: &AuctionInput, paths: &PathCache) -> Vec<Bundle> {
    let reserves = input.reserves.iter().map(|reserve| reserve.amount).collect();
    let is_filled = vec![false; input.intents.len()];
    route_unfilled(input, paths, &mut Progress { states: opening_states(input), reserves, is_filled })
}

/// Where an auction stands after some bundles were executed.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// The venues.
    pub(super) states: Vec<VenueState>,
    /// What is left of each reserve.
    pub(super) reserves: Vec<Atoms>,
    /// Which intents were filled.
    pub(super) is_filled: Vec<bool>,
}

/// Routes every intent that was not filled yet; advances the progress as it goes.
///
/// An intent of which the floor is known is left to a later auction rather than filled for less.
pub(super) fn route_unfilled(input: &AuctionInput, paths: &PathCache, progress: &mut Progress) -> Vec<Bundle> {
    let mut bundles = Vec::new();
    let mut bounds = RateBounds::new(input, &progress.states);
    for index in order(input) {
        if progress.is_filled.get(index.at()).copied().unwrap_or(true) {
            continue;
        }
        let routes = Routes { input, paths, states: &progress.states, bounds: &bounds, reserves: &progress.reserves };
        let Some(routed) = routes.best(index) else { continue };
        let is_fair = check_floor(input, index, &routed.bundle.fills).is_ok();
        if is_fair && advance(input, progress, &routed.bundle).is_some() {
            for used in &routed.bundle.uses {
                if let Some(state) = progress.states.get(used.venue.at()) {
                    bounds.update(input, used.venue, state);
                }
            }
            bundles.push(routed.bundle);
        }
    }
    bundles
}

/// The order in which intents come: nobody can choose an id or a place to come first.
fn order(input: &AuctionInput) -> Vec<IntentIndex> {
    let mut keyed: Vec<_> = (0..input.intents.len())
        .map(|at| {
            let mut hasher = Hasher::new("clearlane.v1 floor order");
            (hasher.hash(input.seed).count(at).finish(), IntentIndex::from_at(at))
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, index)| index).collect()
}

/// Executes a bundle; `None`, and nothing happens, where a rule or a reserve does not allow it.
fn advance(input: &AuctionInput, progress: &mut Progress, bundle: &Bundle) -> Option<()> {
    let mut next = Vec::with_capacity(bundle.uses.len());
    for (intent, fills) in by_intent(bundle) {
        check_intent(input, intent, &fills, &[]).ok()?;
    }
    for used in &bundle.uses {
        let (venue, state) = (input.venues.get(used.venue.at())?, progress.states.get(used.venue.at())?);
        next.push(venue.terms.take(state, used.direction, used.amount_in, used.amount_out).ok()?);
    }
    let debits = debits(input, bundle);
    let is_covered = |(reserve, amount): (&ReserveIndex, &Atoms)| {
        progress.reserves.get(reserve.at()).is_some_and(|left| left >= amount)
    };
    if !debits.iter().all(is_covered) {
        return None;
    }
    for (used, state) in bundle.uses.iter().zip(next) {
        *progress.states.get_mut(used.venue.at())? = state;
    }
    for (reserve, amount) in debits {
        let left = progress.reserves.get_mut(reserve.at())?;
        *left = left.checked_sub(amount)?;
    }
    for fill in &bundle.fills {
        *progress.is_filled.get_mut(fill.intent.at())? = true;
    }
    Some(())
}
