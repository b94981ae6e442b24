//! The built-in bidder: each intent in the order of H(seed, place) on its best single path,
//! on venues as the ones before left them.

use super::paths::{PathCache, RateBounds};
use super::route::Routes;
use super::score::score_bundle;
use super::verify::{by_intent, check_intent, debits};
use super::{AuctionInput, Bundle};
use crate::hash::Hasher;
use crate::money::{Atoms, Score};
use crate::names::{IntentIndex, ReserveIndex};
use crate::venue::VenueState;

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
pub(super) fn route_unfilled(input: &AuctionInput, paths: &PathCache, progress: &mut Progress) -> Vec<(Bundle, Score)> {
    let mut bundles = Vec::new();
    let mut bounds = RateBounds::new(input, &progress.states);
    for index in order(input) {
        if progress.is_filled.get(index.at()).copied().unwrap_or(true) {
            continue;
        }
        let routes = Routes { input, paths, states: &progress.states, bounds: &bounds, reserves: &progress.reserves };
        let Some(routed) = routes.best(index) else { continue };
        if advance(input, progress, &routed.bundle).is_some() {
            for used in &routed.bundle.uses {
                if let Some(state) = progress.states.get(used.venue.at()) {
                    bounds.update(input, used.venue, state);
                }
            }
            let score = score_bundle(input, &routed.bundle);
            bundles.push((routed.bundle, score));
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
