//! Pairs matched, the rest through venues one after another, and all that touch merged into one bundle.
//!
//! Inside a bundle a venue sees only the difference of opposing flows, so intents serve each
//! other through venues that neither could use so well alone.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, Bundle, FILLS_MAX, USES_MAX};
use clearlane_core::names::{IntentIndex, VenueIndex};

use super::book::Execution;
use super::floored::tightened;
use super::merge::merged;
use super::value::Values;
use super::{Budget, Proposal, Strategy, direct, netting};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Joint;

impl Strategy for Joint {
    fn name(&self) -> &'static str {
        "joint"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal {
        let mut left = tightened(input);
        let values = Values::of(input);
        let mut bundles = netting::net(&mut left, &values, budget);
        bundles.extend(direct::plan(&left, &values, budget, Execution::Merged));
        let merged = components(bundles).into_iter().filter_map(|component| merged_within_bounds(input, &component));
        merged.collect::<Vec<_>>().into()
    }
}

/// The merged bundle; of a component that is too large only as many parts as fit, in the order in which they hold.
fn merged_within_bounds(input: &AuctionInput, component: &[Bundle]) -> Option<Bundle> {
    let is_within = |bundle: &Bundle| bundle.fills.len() <= FILLS_MAX && bundle.uses.len() <= USES_MAX;
    let whole = merged(input, component);
    if whole.as_ref().is_some_and(is_within) {
        return whole;
    }
    let mut filled = BTreeSet::new();
    let fits = |part: &&Bundle| {
        filled.extend(part.fills.iter().map(|fill| (fill.intent, fill.option)));
        filled.len() <= FILLS_MAX
    };
    let count = component.iter().take_while(fits).count();
    component.get(..count).and_then(|parts| merged(input, parts)).filter(is_within)
}

/// What must not be in two bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
    Intent(IntentIndex),
    Venue(VenueIndex),
}

/// Bundles that share an intent or a venue, directly or through others, in the order given.
pub(super) fn components(bundles: Vec<Bundle>) -> Vec<Vec<Bundle>> {
    let mut parents: Vec<usize> = (0..bundles.len()).collect();
    let mut first_by_shared: BTreeMap<Shared, usize> = BTreeMap::new();
    for (at, bundle) in bundles.iter().enumerate() {
        let intents = bundle.fills.iter().map(|fill| Shared::Intent(fill.intent));
        let venues = bundle.uses.iter().map(|used| Shared::Venue(used.venue));
        for shared in intents.chain(venues) {
            let first = *first_by_shared.entry(shared).or_insert(at);
            let (one, other) = (root(&parents, first), root(&parents, at));
            if let Some(parent) = parents.get_mut(one.max(other)) {
                *parent = one.min(other);
            }
        }
    }
    let mut components: BTreeMap<usize, Vec<Bundle>> = BTreeMap::new();
    for (at, bundle) in bundles.into_iter().enumerate() {
        components.entry(root(&parents, at)).or_default().push(bundle);
    }
    components.into_values().collect()
}

/// Follows parents, which always have a smaller place, to the least one.
fn root(parents: &[usize], at: usize) -> usize {
    let mut at = at;
    while let Some(parent) = parents.get(at).copied().filter(|parent| *parent < at) {
        at = parent;
    }
    at
}
