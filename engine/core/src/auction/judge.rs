//! Judges a whole solution of an auction file: all fills and venue uses together, leftovers allowed.
//!
//! Checks in order: fills one by one, intents as a whole, reserves, venue uses, conservation.

use std::collections::{BTreeMap, BTreeSet};

use super::score::score_fill;
use super::verify::{check_conservation, check_fill, check_intent, reserve_debits};
use super::{AuctionInput, Fill, VenueUse};
use crate::money::{Atoms, Score};
use crate::names::IntentIndex;
use crate::refusal::{Reason, Refusal};
use crate::venue::VenueState;

/// The score of a whole solution. A venue of two coins may be used once in each direction, a rail as often as it
/// allows and one of more coins in any order of uses.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn judge(input: &AuctionInput, fills: &[Fill], uses: &[VenueUse]) -> Result<Score, Refusal> {
    let mut by_intent: BTreeMap<IntentIndex, Vec<Fill>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut score: Score = 0;
    for (at, fill) in fills.iter().enumerate() {
        check_fill(input, fill, at)?;
        if !seen.insert((fill.intent, fill.option)) {
            let field = format!("fills[{at}].option");
            return refuse(Reason::FilledTwice, field, "expected each option at most once".to_owned());
        }
        by_intent.entry(fill.intent).or_default().push(*fill);
        score = score.saturating_add(score_fill(input, fill));
    }
    for (intent, fills) in &by_intent {
        check_intent(input, *intent, fills, &[])?;
    }
    for (reserve, amount) in reserve_debits(input, fills) {
        let found = input.reserves.get(reserve.at()).map_or(0, |reserve| reserve.amount);
        if amount > found {
            let message = format!("expected at most {found} atoms from one account, found {amount}");
            return refuse(Reason::ReserveExceeded, "fills".to_owned(), message);
        }
    }
    check_uses(input, uses)?;
    check_conservation(input, fills, uses, Atoms::MAX)?;
    Ok(score)
}

fn check_uses(input: &AuctionInput, uses: &[VenueUse]) -> Result<(), Refusal> {
    let mut states: BTreeMap<_, VenueState> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (at, used) in uses.iter().enumerate() {
        let field = format!("uses[{at}]");
        let Some(venue) = input.venues.get(used.venue.at()) else {
            return refuse(Reason::UnknownVenue, field, format!("no venue {}", used.venue.0));
        };
        if !seen.insert((used.venue, used.direction)) && !venue.has_single_uses() {
            let message = format!("expected venue {} at most once in each direction", venue.name);
            return refuse(Reason::VenueUsedTwice, field, message);
        }
        let before = states.get(&used.venue).copied().unwrap_or(venue.opening);
        let after = venue.terms.take(&before, used.direction, used.amount_in, used.amount_out);
        states.insert(used.venue, after.map_err(|refusal| Refusal { field, ..refusal })?);
    }
    Ok(())
}

fn refuse<T>(reason: Reason, field: String, message: String) -> Result<T, Refusal> {
    Err(Refusal::new(reason, field, message))
}
