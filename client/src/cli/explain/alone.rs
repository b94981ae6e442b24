//! An intent with nobody else: what venues would make of it at the open and after what executed, and who took them.

use std::collections::BTreeSet;

use clearlane_core::auction::{AuctionInput, Bundle, Clearing, Executed, PathCache, RateBounds, Routed, Routes};
use clearlane_core::money::Atoms;
use clearlane_core::names::{IntentIndex, VenueIndex};
use clearlane_core::venue::VenueState;

/// The market around one intent.
pub(super) struct Alone {
    /// The auction with no other intent.
    pub(super) input: AuctionInput,
    /// Its paths.
    pub(super) paths: PathCache,
    /// The venues' rates at the open.
    pub(super) opening: RateBounds,
    /// The same after what executed.
    pub(super) after: RateBounds,
    opening_states: Vec<VenueState>,
    after_states: Vec<VenueState>,
    reserves_after: Vec<Atoms>,
}

/// A bundle that executed over a venue.
pub(super) struct Taker<'a> {
    pub(super) venue: VenueIndex,
    pub(super) executed: &'a Executed,
}

impl Alone {
    /// The market around an intent of an auction that was cleared.
    pub(super) fn new(input: &AuctionInput, intent: IntentIndex, clearing: &Clearing) -> Alone {
        let opening_states: Vec<VenueState> = input.venues.iter().map(|venue| venue.opening).collect();
        let mut after_states = opening_states.clone();
        let mut reserves_after: Vec<Atoms> = input.reserves.iter().map(|reserve| reserve.amount).collect();
        for executed in &clearing.executed {
            execute(input, &executed.bundle, &mut after_states, &mut reserves_after);
        }
        let intents = input.intents.get(intent.at()).cloned().into_iter().collect();
        // Only their places count, and facts are met by what is on offer.
        let input = AuctionInput { intents, ..input.clone() };
        Alone {
            paths: PathCache::new(&input),
            opening: RateBounds::new(&input, &opening_states),
            after: RateBounds::new(&input, &after_states),
            input,
            opening_states,
            after_states,
            reserves_after,
        }
    }

    /// What its best path gives at the open.
    pub(super) fn at_the_open(&self) -> Option<Routed> {
        let reserves: Vec<Atoms> = self.input.reserves.iter().map(|reserve| reserve.amount).collect();
        self.best(&self.input, &self.opening_states, &self.opening, &reserves)
    }

    /// What its best path would give after what executed.
    pub(super) fn now(&self) -> Option<Routed> {
        self.best(&self.input, &self.after_states, &self.after, &self.reserves_after)
    }

    /// What its best path would give at the open if a part of it were enough.
    pub(super) fn in_part(&self) -> Option<Routed> {
        let mut input = self.input.clone();
        for intent in &mut input.intents {
            intent.is_all_or_nothing = false;
            intent.options.iter_mut().for_each(|option| option.minimum = 1);
        }
        let reserves: Vec<Atoms> = input.reserves.iter().map(|reserve| reserve.amount).collect();
        self.best(&input, &self.opening_states, &self.opening, &reserves)
    }

    /// What is left of the account behind an option after what executed.
    pub(super) fn left_of(&self, reserve: usize) -> Atoms {
        self.reserves_after.get(reserve).copied().unwrap_or(0)
    }

    fn best(
        &self,
        input: &AuctionInput,
        states: &[VenueState],
        bounds: &RateBounds,
        reserves: &[Atoms],
    ) -> Option<Routed> {
        Routes { input, paths: &self.paths, states, bounds, reserves }.best(IntentIndex(0))
    }
}

/// Who used a venue that this path uses.
pub(super) fn takers<'a>(clearing: &'a Clearing, path: &Bundle) -> Vec<Taker<'a>> {
    let wanted: BTreeSet<VenueIndex> = path.uses.iter().map(|used| used.venue).collect();
    let of_bundle = |executed: &'a Executed| {
        let wanted = wanted.clone();
        let venues = executed.bundle.uses.iter().map(|used| used.venue);
        venues.filter(move |venue| wanted.contains(venue)).map(move |venue| Taker { venue, executed })
    };
    clearing.executed.iter().flat_map(of_bundle).collect()
}

/// Takes in what a bundle that executed did.
fn execute(input: &AuctionInput, bundle: &Bundle, states: &mut [VenueState], reserves: &mut [Atoms]) {
    for used in &bundle.uses {
        let (venue, state) = (input.venues.get(used.venue.at()), states.get_mut(used.venue.at()));
        let Some((venue, state)) = venue.zip(state) else { continue };
        if let Ok(next) = venue.terms.take(state, used.direction, used.amount_in, used.amount_out) {
            *state = next;
        }
    }
    for fill in &bundle.fills {
        let intent = input.intents.get(fill.intent.at());
        let option = intent.and_then(|intent| intent.options.get(usize::from(fill.option)));
        if let Some(left) = option.and_then(|option| reserves.get_mut(option.reserve.at())) {
            *left = left.saturating_sub(fill.sold);
        }
    }
}
