//! The built-in bidder: each intent in the order of H(seed, place) on its best single path,
//! on venues as the ones before left them.

use super::paths::PathCache;
use super::route::Routes;
use super::score::score_bundle;
use super::{AuctionInput, Bundle};
use crate::hash::Hasher;
use crate::money::{Atoms, Score};
use crate::names::IntentIndex;
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
    for index in order(input) {
        if progress.is_filled.get(index.at()).copied().unwrap_or(true) {
            continue;
        }
        let routes = Routes { input, paths, states: &progress.states, reserves: &progress.reserves };
        let Some(routed) = routes.best(index) else { continue };
        if advance(input, progress, &routed.bundle).is_some() {
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

fn advance(input: &AuctionInput, progress: &mut Progress, bundle: &Bundle) -> Option<()> {
    let mut next = Vec::with_capacity(bundle.uses.len());
    for used in &bundle.uses {
        let (venue, state) = (input.venues.get(used.venue.at())?, progress.states.get(used.venue.at())?);
        next.push(venue.terms.take(state, used.direction, used.amount_in, used.amount_out).ok()?);
    }
    for (used, state) in bundle.uses.iter().zip(next) {
        *progress.states.get_mut(used.venue.at())? = state;
    }
    for fill in &bundle.fills {
        let intent = input.intents.get(fill.intent.at())?;
        let reserve = intent.options.get(usize::from(fill.option))?.reserve;
        let left = progress.reserves.get_mut(reserve.at())?;
        *left = left.saturating_sub(fill.sold);
        *progress.is_filled.get_mut(fill.intent.at())? = true;
    }
    Some(())
}
