//! Judges a whole solution of an auction file: all fills and venue uses together, leftovers allowed.
//!
//! Checks in order: fills one by one, intents as a whole, venue uses, conservation.

use std::collections::{BTreeMap, BTreeSet};

use super::score::score_fill;
use super::verify::{check_intent, option_of};
use super::{AuctionInput, Fill, VenueUse};
use crate::money::{Atoms, Score};
use crate::names::{DenominationIndex, IntentIndex};
use crate::refusal::{Reason, Refusal};
use crate::venue::{Direction, VenueState};
use crate::wide::wide;

/// The score of a whole solution; a venue may be used once in each direction.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn judge(input: &AuctionInput, fills: &[Fill], uses: &[VenueUse]) -> Result<Score, Refusal> {
    let mut by_intent: BTreeMap<IntentIndex, Vec<Fill>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut score: Score = 0;
    for (at, fill) in fills.iter().enumerate() {
        let field = format!("fills[{at}]");
        check_fill(input, fill, &field)?;
        if !seen.insert((fill.intent, fill.option)) {
            return refuse(Reason::FilledTwice, field, "expected each option at most once".to_owned());
        }
        by_intent.entry(fill.intent).or_default().push(*fill);
        score = score.saturating_add(score_fill(input, fill));
    }
    for (intent, fills) in &by_intent {
        check_intent(input, *intent, fills, &[])?;
    }
    check_uses(input, uses)?;
    check_conservation(input, fills, uses)?;
    Ok(score)
}

fn check_fill(input: &AuctionInput, fill: &Fill, field: &str) -> Result<(), Refusal> {
    let Some((intent, option)) = option_of(input, fill) else {
        return refuse(Reason::UnknownIntent, field.to_owned(), "expected a known intent and option".to_owned());
    };
    if intent.fixed_of(fill.sold, fill.bought) == 0 {
        return refuse(Reason::FillAmount, field.to_owned(), "expected a positive fill, found 0".to_owned());
    }
    let gained = wide::<256, 4>(fill.bought).checked_mul(wide(option.give_amount));
    let owed = wide::<256, 4>(fill.sold).checked_mul(wide(option.get_amount));
    if gained.zip(owed).is_none_or(|(gained, owed)| gained < owed) {
        let (get, give) = (option.get_amount, option.give_amount);
        let message = format!("expected at least {get} per {give}, found {} per {}", fill.bought, fill.sold);
        return refuse(Reason::LimitBroken, field.to_owned(), message);
    }
    Ok(())
}

fn check_uses(input: &AuctionInput, uses: &[VenueUse]) -> Result<(), Refusal> {
    let mut states: BTreeMap<_, VenueState> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (at, used) in uses.iter().enumerate() {
        let field = format!("uses[{at}]");
        let Some(venue) = input.venues.get(used.venue.at()) else {
            return refuse(Reason::UnknownVenue, field, format!("no venue {}", used.venue.0));
        };
        if !seen.insert((used.venue, used.direction)) {
            let message = format!("expected venue {} at most once in each direction", venue.name);
            return refuse(Reason::VenueUsedTwice, field, message);
        }
        let before = states.get(&used.venue).copied().unwrap_or(venue.opening);
        let after = venue.terms.take(&before, used.direction, used.amount_in, used.amount_out);
        states.insert(used.venue, after.map_err(|refusal| Refusal { field, ..refusal })?);
    }
    Ok(())
}

fn check_conservation(input: &AuctionInput, fills: &[Fill], uses: &[VenueUse]) -> Result<(), Refusal> {
    let mut sums: BTreeMap<DenominationIndex, (Atoms, Atoms)> = BTreeMap::new();
    let mut add = |denomination, inward: Atoms, outward: Atoms| {
        let (in_sum, out_sum) = sums.entry(denomination).or_default();
        *in_sum = in_sum.saturating_add(inward);
        *out_sum = out_sum.saturating_add(outward);
    };
    for fill in fills {
        if let Some((_, option)) = option_of(input, fill) {
            add(option.give, fill.sold, 0);
            add(option.get, 0, fill.bought);
        }
    }
    for used in uses {
        let Some(venue) = input.venues.get(used.venue.at()) else { continue };
        let [first, second] = venue.coins;
        let (put, drawn) = if used.direction == Direction::Forward { (first, second) } else { (second, first) };
        add(put, 0, used.amount_in);
        add(drawn, used.amount_out, 0);
    }
    for (denomination, (inward, outward)) in sums {
        if inward < outward {
            let asset = input.denominations.get(denomination.at()).map_or("?", |found| found.asset.as_str());
            let message = format!("expected {outward} atoms of {asset} to come in, found {inward}");
            return refuse(Reason::NotConserved, "solution".to_owned(), message);
        }
    }
    Ok(())
}

fn refuse<T>(reason: Reason, field: String, message: String) -> Result<T, Refusal> {
    Err(Refusal::new(reason, field, message))
}
