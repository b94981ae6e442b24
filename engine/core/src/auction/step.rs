//! What a bundle does to one written resource, and the state of that resource between two bundles.
//!
//! The state of a resource depends on the bundles that write it and on nothing else, so a set of bundles keeps
//! every rule exactly if it does on each resource by itself.

use std::collections::BTreeMap;

use super::verify::{by_intent, check_intent, debits};
use super::{AuctionInput, Bundle, Fill, VenueUse};
use crate::lanes::{Access, Footprint, Resource};
use crate::money::Atoms;
use crate::refusal::{Reason, Refusal};
use crate::venue::VenueState;

/// What one bundle does to one resource.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Fills an intent.
    Fill(Vec<Fill>),
    /// Uses a venue.
    Use(VenueUse),
    /// Takes from a scarce reserve.
    Debit(Atoms),
    /// Leaves it as it is.
    Nothing,
}

/// The state of a resource.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "venues are most of what is written, and a turn allocates no state")]
pub(super) enum Value {
    /// The fills made of an intent so far, those of each option added up.
    Intent(Vec<Fill>),
    /// A venue's state.
    Venue(VenueState),
    /// What is left of a scarce reserve.
    Reserve(Atoms),
}

/// The resources that a bundle of this footprint writes, in their order.
pub(super) fn writes(footprint: &Footprint) -> impl Iterator<Item = Resource> + '_ {
    footprint.iter().filter(|(_, access)| *access == Access::Write).map(|(resource, _)| resource)
}

/// What a bundle does to each of these resources.
pub(super) fn steps(input: &AuctionInput, bundle: &Bundle, resources: &[Resource]) -> Vec<Step> {
    let mut fills = by_intent(bundle);
    let draws = resources.iter().any(|resource| matches!(resource, Resource::Reserve(_)));
    let debits = if draws { debits(input, bundle) } else { BTreeMap::new() };
    let step = |resource: &Resource| match resource {
        Resource::Intent(index) => Step::Fill(fills.remove(index).unwrap_or_default()),
        Resource::Venue(index) => {
            let used = bundle.uses.iter().find(|used| used.venue == *index);
            used.map_or(Step::Nothing, |used| Step::Use(*used))
        }
        Resource::Reserve(index) => Step::Debit(debits.get(index).copied().unwrap_or(0)),
        Resource::Fact(_) | Resource::Other(_) => Step::Nothing,
    };
    resources.iter().map(step).collect()
}

/// A resource's state at the open.
pub(super) fn opening(input: &AuctionInput, resource: Resource) -> Value {
    let none = VenueState::Counter { taken: 0, given: 0, uses: 0, available: 0 };
    match resource {
        Resource::Intent(_) | Resource::Fact(_) | Resource::Other(_) => Value::Intent(Vec::new()),
        Resource::Venue(index) => Value::Venue(input.venues.get(index.at()).map_or(none, |venue| venue.opening)),
        Resource::Reserve(index) => Value::Reserve(input.reserves.get(index.at()).map_or(0, |reserve| reserve.amount)),
    }
}

/// The state after a step, or the rule of the resource that does not allow it.
pub(super) fn advance(input: &AuctionInput, resource: Resource, step: &Step, before: &Value) -> Result<Value, Refusal> {
    match (resource, step, before) {
        (Resource::Intent(index), Step::Fill(now), Value::Intent(earlier)) => {
            check_intent(input, index, now, earlier)?;
            Ok(Value::Intent(by_option(earlier.iter().chain(now))))
        }
        (Resource::Venue(index), Step::Use(used), Value::Venue(state)) => {
            let Some(venue) = input.venues.get(index.at()) else { return Ok(before.clone()) };
            let after = venue.terms.take(state, used.direction, used.amount_in, used.amount_out)?;
            Ok(Value::Venue(after))
        }
        (Resource::Reserve(_), Step::Debit(amount), Value::Reserve(left)) => {
            Ok(Value::Reserve(left.checked_sub(*amount).ok_or_else(|| too_little(*amount, *left))?))
        }
        (
            Resource::Intent(_) | Resource::Venue(_) | Resource::Reserve(_) | Resource::Fact(_) | Resource::Other(_),
            Step::Fill(_) | Step::Use(_) | Step::Debit(_) | Step::Nothing,
            _,
        ) => Ok(before.clone()),
    }
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

fn too_little(amount: Atoms, left: Atoms) -> Refusal {
    Refusal::new(Reason::ReserveExceeded, "fills", format!("expected at most {left} atoms, found {amount}"))
}
