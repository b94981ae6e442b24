//! Judges one bundle alone on the opening state, exactly.
//!
//! Checks in order: sizes, then each fill (intent, option, twice, amounts, limit), then each
//! intent as a whole (condition, options, size, completeness, minimum), under the floor rules the floor of each intent
//! and one price for each directed pair, then reserves, each venue use, conservation.

use std::collections::{BTreeMap, BTreeSet};

use super::fairness::check_fairness;
use super::score::score_bundle;
use super::{AuctionInput, AuctionIntent, AuctionOption, Bundle, FILLS_MAX, Fill, RuleSet, USES_MAX, VenueUse};
use crate::intent::Choose;
use crate::lanes::{Access, Footprint, Resource};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, Score};
use crate::names::{DenominationIndex, IntentIndex, ReserveIndex};
use crate::refusal::{Reason, Refusal};
use crate::venue::VenueState;
use crate::wide::wide;

/// A bundle that keeps every rule on the opening state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its counted surplus.
    pub score: Score,
    /// What it touches; the engine derives it, a solver never declares it.
    pub footprint: Footprint,
}

/// Judges a bundle alone on the opening state.
///
/// # Errors
///
/// The first rule that it breaks, in the order of the module's documentation.
pub fn verify(input: &AuctionInput, bundle: &Bundle) -> Result<Verified, Refusal> {
    check_sizes(bundle)?;
    let mut seen = BTreeSet::new();
    for (at, fill) in bundle.fills.iter().enumerate() {
        check_fill(input, fill, at)?;
        let is_in_range = fill.sold < AUCTION_ATOMS_MAX && fill.bought < AUCTION_ATOMS_MAX;
        if !is_in_range {
            let message = format!("expected amounts below 2^112 atoms, found {} for {}", fill.sold, fill.bought);
            return refuse(Reason::FillAmount, path(at, "sold"), message);
        }
        if !seen.insert((fill.intent, fill.option)) {
            return refuse(Reason::FilledTwice, path(at, "option"), "expected each option at most once".to_owned());
        }
    }
    for (intent, fills) in by_intent(bundle) {
        check_intent(input, intent, &fills, &[])?;
    }
    if input.rules == RuleSet::Floor {
        check_fairness(input, bundle)?;
    }
    for (reserve, amount) in debits(input, bundle) {
        let found = input.reserves.get(reserve.at()).map_or(0, |reserve| reserve.amount);
        if amount > found {
            let message = format!("expected at most {found} atoms from one account, found {amount}");
            return refuse(Reason::ReserveExceeded, "fills".to_owned(), message);
        }
    }
    check_uses(input, bundle)?;
    let slack = u128::try_from(bundle.fills.len()).unwrap_or(0);
    check_conservation(input, &bundle.fills, &bundle.uses, slack)?;
    Ok(Verified { score: score_bundle(input, bundle), footprint: footprint(input, bundle) })
}

/// The option that a fill names.
pub(super) fn option_of<'a>(input: &'a AuctionInput, fill: &Fill) -> Option<(&'a AuctionIntent, &'a AuctionOption)> {
    let intent = input.intents.get(fill.intent.at())?;
    Some((intent, intent.options.get(usize::from(fill.option))?))
}

/// The fills of a bundle by intent.
pub(super) fn by_intent(bundle: &Bundle) -> BTreeMap<IntentIndex, Vec<Fill>> {
    let mut groups: BTreeMap<IntentIndex, Vec<Fill>> = BTreeMap::new();
    for fill in &bundle.fills {
        groups.entry(fill.intent).or_default().push(*fill);
    }
    groups
}

/// What a bundle takes from each reserve.
pub(super) fn debits(input: &AuctionInput, bundle: &Bundle) -> BTreeMap<ReserveIndex, Atoms> {
    reserve_debits(input, &bundle.fills)
}

/// What fills take from each reserve.
pub(super) fn reserve_debits(input: &AuctionInput, fills: &[Fill]) -> BTreeMap<ReserveIndex, Atoms> {
    let mut debits: BTreeMap<ReserveIndex, Atoms> = BTreeMap::new();
    for fill in fills {
        if let Some((_, option)) = option_of(input, fill) {
            let sum = debits.entry(option.reserve).or_default();
            *sum = sum.saturating_add(fill.sold);
        }
    }
    debits
}

/// Judges the fills of one intent together with those that earlier bundles made of it.
pub(super) fn check_intent(
    input: &AuctionInput,
    index: IntentIndex,
    fills: &[Fill],
    earlier: &[Fill],
) -> Result<(), Refusal> {
    let Some(intent) = input.intents.get(index.at()) else { return Ok(()) };
    let field = format!("intents[{}]", index.0);
    let all = || earlier.iter().chain(fills);
    let fixed = |fill: &Fill| intent.fixed_of(fill.sold, fill.bought);
    if let Some(clause) = input.unmet(intent) {
        let fact = input.facts.get(clause.fact.at()).map_or("a known fact", |fact| fact.name.as_str());
        let message = format!("expected {fact} to be as the condition says, found otherwise");
        return refuse(Reason::ConditionNotMet, format!("{field}.condition"), message);
    }
    let first = fills.first().map_or(0, |fill| fill.option);
    if intent.choose == Choose::One && all().any(|fill| fill.option != first) {
        return refuse(Reason::MoreThanOneOption, field, "expected one option of a one-of intent".to_owned());
    }
    for (at, option) in intent.options.iter().enumerate() {
        let sum_of = |is_counted: &dyn Fn(usize) -> bool| {
            let counted = all().filter(|fill| is_counted(usize::from(fill.option)));
            counted.fold(0, |sum: Atoms, fill| sum.saturating_add(fixed(fill)))
        };
        let is_same = |other: usize| intent.options.get(other).is_some_and(|other| other.number == option.number);
        let (sum, shared) = (sum_of(&|other| other == at), sum_of(&is_same));
        if sum > option.maximum || shared > option.left {
            let (most, found) = if sum > option.maximum { (option.maximum, sum) } else { (option.left, shared) };
            let message = format!("expected at most {most} atoms through option {at}, found {found}");
            return refuse(Reason::OverFilled, field, message);
        }
    }
    let size = size_of(intent, first);
    let total = all().fold(0, |sum: Atoms, fill| sum.saturating_add(fixed(fill)));
    let Some(rest) = size.checked_sub(total) else {
        return refuse(Reason::OverFilled, field, format!("expected at most {size} atoms, found {total}"));
    };
    if intent.is_all_or_nothing && rest != 0 {
        return refuse(Reason::NotComplete, field, format!("expected all {size} atoms, found {total}"));
    }
    let filled_now = fills.iter().fold(0, |sum: Atoms, fill| sum.saturating_add(fixed(fill)));
    let minimum = intent.options.get(usize::from(first)).map_or(0, |option| option.minimum);
    if rest > 0 && (filled_now < minimum || rest < minimum) {
        let message = format!("expected parts of at least {minimum} atoms, found {filled_now} leaving {rest}");
        return refuse(Reason::BelowMinimumFill, field, message);
    }
    Ok(())
}

/// The whole of an intent: what is left of the shared fixed side, or of the chosen option where they don't share it.
///
/// Nothing of an all-or-nothing intent was filled before, so the whole of its option is left.
#[must_use]
pub fn size_of(intent: &AuctionIntent, option: u16) -> Atoms {
    let chosen = intent.options.get(usize::from(option));
    match (intent.choose, intent.is_all_or_nothing) {
        (Choose::Split, _) => intent.remaining,
        (Choose::One, true) => chosen.map_or(0, |option| intent.fixed_of(option.give_amount, option.get_amount)),
        (Choose::One, false) => chosen.map_or(0, |option| option.left),
    }
}

fn check_sizes(bundle: &Bundle) -> Result<(), Refusal> {
    if bundle.fills.is_empty() {
        return refuse(Reason::Empty, "fills".to_owned(), "expected at least one fill, found none".to_owned());
    }
    for (count, most, field) in [(bundle.fills.len(), FILLS_MAX, "fills"), (bundle.uses.len(), USES_MAX, "uses")] {
        if count > most {
            return refuse(Reason::TooLarge, field.to_owned(), format!("expected at most {most}, found {count}"));
        }
    }
    Ok(())
}

/// Judges one fill: its intent and option exist, it fills something, and it keeps the limit.
pub(super) fn check_fill(input: &AuctionInput, fill: &Fill, at: usize) -> Result<(), Refusal> {
    let Some(intent) = input.intents.get(fill.intent.at()) else {
        let message = format!("expected an intent below {}, found {}", input.intents.len(), fill.intent.0);
        return refuse(Reason::UnknownIntent, path(at, "intent"), message);
    };
    let Some(option) = intent.options.get(usize::from(fill.option)) else {
        let message = format!("expected an option below {}, found {}", intent.options.len(), fill.option);
        return refuse(Reason::UnknownOption, path(at, "option"), message);
    };
    if intent.fixed_of(fill.sold, fill.bought) == 0 {
        let message = format!("expected a positive fill, found {} for {}", fill.sold, fill.bought);
        return refuse(Reason::FillAmount, path(at, "sold"), message);
    }
    let gained = wide::<256, 4>(fill.bought).checked_mul(wide(option.give_amount));
    let owed = wide::<256, 4>(fill.sold).checked_mul(wide(option.get_amount));
    if gained.zip(owed).is_none_or(|(gained, owed)| gained < owed) {
        let message = format!(
            "expected at least {} per {}, found {} per {}",
            option.get_amount, option.give_amount, fill.bought, fill.sold
        );
        return refuse(Reason::LimitBroken, path(at, "bought"), message);
    }
    Ok(())
}

fn check_uses(input: &AuctionInput, bundle: &Bundle) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for (at, used) in bundle.uses.iter().enumerate() {
        let field = format!("uses[{at}]");
        let Some(venue) = input.venues.get(used.venue.at()) else {
            let message = format!("expected a venue below {}, found {}", input.venues.len(), used.venue.0);
            return refuse(Reason::UnknownVenue, field, message);
        };
        if !seen.insert(used.venue) {
            let message = format!("expected venue {} at most once", venue.name);
            return refuse(Reason::VenueUsedTwice, field, message);
        }
        let taken = venue.terms.take(&venue.opening, used.direction, used.amount_in, used.amount_out);
        taken.map_err(|refusal| Refusal { field, ..refusal })?;
    }
    Ok(())
}

/// In every denomination what comes in covers what goes out, with at most `slack` atoms left over.
pub(super) fn check_conservation(
    input: &AuctionInput,
    fills: &[Fill],
    uses: &[VenueUse],
    slack: Atoms,
) -> Result<(), Refusal> {
    let mut sums: BTreeMap<DenominationIndex, (Atoms, Atoms)> = BTreeMap::new();
    let mut add = |denomination: DenominationIndex, inward: Atoms, outward: Atoms| {
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
        let Some((put, drawn)) = venue.sides(used.direction) else { continue };
        add(put, 0, used.amount_in);
        add(drawn, used.amount_out, 0);
    }
    for (denomination, (inward, outward)) in sums {
        let is_balanced = inward.checked_sub(outward).is_some_and(|left| left <= slack);
        if !is_balanced {
            let found = input.denominations.get(denomination.at());
            let name = found.map_or(String::new(), |found| format!("{} in {}", found.asset, found.module));
            let spare = if slack == Atoms::MAX { " or more".to_owned() } else { format!(" to {outward}+{slack}") };
            let message = format!("expected {outward}{spare} atoms of {name} to come in, found {inward}");
            return refuse(Reason::NotConserved, "uses".to_owned(), message);
        }
    }
    Ok(())
}

/// What a bundle touches and how: the engine derives it, a solver never declares it.
#[must_use]
pub fn footprint(input: &AuctionInput, bundle: &Bundle) -> Footprint {
    let mut touched = Vec::with_capacity(bundle.fills.len().saturating_mul(2).saturating_add(bundle.uses.len()));
    for fill in &bundle.fills {
        touched.push((Resource::Intent(fill.intent), Access::Write));
    }
    let intents = bundle.fills.iter().filter_map(|fill| input.intents.get(fill.intent.at()));
    let facts = intents.flat_map(|intent| intent.condition.iter().map(|clause| clause.fact));
    touched.extend(facts.map(|fact| (Resource::Fact(fact), Access::Read)));
    touched.sort_unstable();
    touched.dedup();
    for used in &bundle.uses {
        touched.push((Resource::Venue(used.venue), Access::Write));
    }
    for reserve in debits(input, bundle).into_keys() {
        let is_scarce = input.reserves.get(reserve.at()).is_some_and(|reserve| reserve.is_scarce);
        touched.push((Resource::Reserve(reserve), if is_scarce { Access::Write } else { Access::Add }));
    }
    Footprint::new(touched)
}

/// The states of all venues at the open.
pub(super) fn opening_states(input: &AuctionInput) -> Vec<VenueState> {
    input.venues.iter().map(|venue| venue.opening).collect()
}

fn path(at: usize, rest: &str) -> String {
    format!("fills[{at}].{rest}")
}

fn refuse<T>(reason: Reason, field: String, message: String) -> Result<T, Refusal> {
    Err(Refusal::new(reason, field, message))
}
