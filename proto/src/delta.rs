//! An auction's input by what changed against an earlier one's: what was added or changed, and where the rest stands.
//!
//! Which rows are the same only makes a delta short: a row that is kept is compared as it would come out, and the
//! digest of the whole input goes with it.

mod places;

use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, FloorTerms, INTENTS_MAX, Reserve,
    VENUES_MAX,
};
use clearlane_core::hash::{Hash, Hasher};
use clearlane_core::names::{CommandId, DenominationIndex, IntentIndex, Name, ReserveIndex, VenueIndex};
use clearlane_core::refusal::{Reason, Refusal};
use prost::Message as _;

use crate::field::{at_most, each, refuse, required};
use crate::{auction, wire};
use places::Places;

/// The digest by which a solver sees that it holds the input that the engine told, floors included.
#[must_use]
pub fn digest(input: &AuctionInput) -> Hash {
    Hasher::new("clearlane.v1 told auction").bytes(&auction::input_to_wire(input).encode_to_vec()).finish()
}

/// What solvers are told of an auction that hold an earlier one's input.
#[must_use]
pub fn between(base: &AuctionInput, next: &AuctionInput) -> wire::AuctionDelta {
    let denominations = Places::matching(coins(base), coins(next));
    let reserves = Places::matching(payers(base), payers(next));
    let intents = Places::matching(intents(base), intents(next));
    let venues =
        Places::matching(base.venues.iter().map(|venue| &venue.name), next.venues.iter().map(|venue| &venue.name));
    let moved = Moved { base, denominations: &denominations, reserves: &reserves };
    let denomination_rows = denominations.compared(&next.denominations, |at| base.denominations.get(at).cloned());
    let reserve_rows = reserves.compared(&next.reserves, |at| moved.reserve(at));
    let told: Vec<AuctionIntent> = next.intents.iter().map(bare).collect();
    let intent_rows = intents.compared(&told, |at| moved.intent(at));
    let venue_rows = venues.compared(&next.venues, |at| moved.venue(at));
    let whole = |place: &usize| next.intents.get(*place).map(auction::intent_to_wire);
    wire::AuctionDelta {
        auction: next.auction.0,
        base: base.auction.0,
        rows: Some(wire::AuctionInput {
            denominations: given(&next.denominations, &denomination_rows, auction::denomination_to_wire),
            reserves: given(&next.reserves, &reserve_rows, auction::reserve_to_wire),
            intents: intent_rows.iter().filter_map(whole).collect(),
            venues: given(&next.venues, &venue_rows, auction::venue_to_wire),
            ..auction::input_to_wire(&without_tables(next))
        }),
        floors: floors(base, next, &intents, &intent_rows),
        denominations: denominations.to_wire(&denomination_rows),
        reserves: reserves.to_wire(&reserve_rows),
        intents: intents.to_wire(&intent_rows),
        venues: venues.to_wire(&venue_rows),
        digest: digest(next).0.to_vec(),
    }
}

/// The input that comes of a delta against `base`.
///
/// # Errors
///
/// `WRONG_AUCTION` if it is told against another auction or something else comes out than was told, `MALFORMED` for
/// places that make no table, else what is wrong with the first wrong row.
pub fn applied(base: &AuctionInput, delta: &wire::AuctionDelta) -> Result<AuctionInput, Refusal> {
    if delta.base != base.auction.0 {
        let message = format!("expected a delta against auction {}, found one against {}", base.auction.0, delta.base);
        return refuse(Reason::WrongAuction, "delta.base", message);
    }
    let rows = required(delta.rows.as_ref(), "delta.rows")?;
    let places =
        |places: Option<&wire::Places>, base: usize, rows: usize, field| Places::read(places, base, rows, field);
    let denominations = places(
        delta.denominations.as_ref(),
        base.denominations.len(),
        rows.denominations.len(),
        "delta.denominations",
    )?;
    let reserves = places(delta.reserves.as_ref(), base.reserves.len(), rows.reserves.len(), "delta.reserves")?;
    let intents = places(delta.intents.as_ref(), base.intents.len(), rows.intents.len(), "delta.intents")?;
    let venues = places(delta.venues.as_ref(), base.venues.len(), rows.venues.len(), "delta.venues")?;
    at_most(intents.len(), INTENTS_MAX, "delta.intents")?;
    at_most(venues.len(), VENUES_MAX, "delta.venues")?;
    let (coins, payers) = (denominations.len(), reserves.len());
    let moved = Moved { base, denominations: &denominations, reserves: &reserves };
    let denomination_rows = each(&rows.denominations, "rows.denominations", auction::denomination_to_core)?;
    let reserve_rows = each(&rows.reserves, "rows.reserves", |row, field| auction::reserve_to_core(row, coins, field))?;
    let intent_rows =
        each(&rows.intents, "rows.intents", |row, field| auction::intent_to_core(row, coins, payers, field))?;
    let venue_rows = each(&rows.venues, "rows.venues", |row, field| auction::venue_to_core(row, coins, field))?;
    let mut input = AuctionInput {
        denominations: denominations.table(denomination_rows, |at| base.denominations.get(at).cloned())?,
        reserves: reserves.table(reserve_rows, |at| moved.reserve(at))?,
        intents: intents.table(intent_rows, |at| moved.floored_intent(at))?,
        venues: venues.table(venue_rows, |at| moved.venue(at))?,
        ..auction::input_to_core(&frame(rows))?
    };
    for (number, change) in delta.floors.iter().enumerate() {
        change_floor(&mut input, change, &format!("delta.floors[{number}]"))?;
    }
    let found = digest(&input);
    if found.0.as_slice() != delta.digest.as_slice() {
        return refuse(
            Reason::WrongAuction,
            "delta.digest",
            format!("expected the input that was told, found {found}"),
        );
    }
    Ok(input)
}

/// What a delta does to the intents and venues on offer, for solvers that keep something for each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Places in the new input of intents that were not on offer before.
    pub intents_added: Vec<IntentIndex>,
    /// Places in the new input of intents whose remainder, funds or terms changed; floors change apart.
    pub intents_changed: Vec<IntentIndex>,
    /// Places in the earlier input of intents that are no longer on offer.
    pub intents_removed: Vec<IntentIndex>,
    /// Places in the new input of venues that were not on offer before.
    pub venues_added: Vec<VenueIndex>,
    /// Places in the new input of venues that were traded with, or have other terms.
    pub venues_changed: Vec<VenueIndex>,
    /// Places in the earlier input of venues that are no longer on offer.
    pub venues_removed: Vec<VenueIndex>,
}

/// What a delta does to what is on offer.
///
/// # Errors
///
/// As [`applied`] for places that make no table.
pub fn changes(base: &AuctionInput, delta: &wire::AuctionDelta) -> Result<Changes, Refusal> {
    let rows = required(delta.rows.as_ref(), "delta.rows")?;
    let intents = Places::read(delta.intents.as_ref(), base.intents.len(), rows.intents.len(), "delta.intents")?;
    let venues = Places::read(delta.venues.as_ref(), base.venues.len(), rows.venues.len(), "delta.venues")?;
    Ok(Changes {
        intents_added: intents.added().map(IntentIndex::from_at).collect(),
        intents_changed: intents.changed().map(IntentIndex::from_at).collect(),
        intents_removed: intents.removed().map(IntentIndex::from_at).collect(),
        venues_added: venues.added().map(VenueIndex::from_at).collect(),
        venues_changed: venues.changed().map(VenueIndex::from_at).collect(),
        venues_removed: venues.removed().map(VenueIndex::from_at).collect(),
    })
}

/// Rows of the base as they are in the next input, where the places that they name are others.
struct Moved<'a> {
    base: &'a AuctionInput,
    denominations: &'a Places,
    reserves: &'a Places,
}

impl Moved<'_> {
    fn denomination(&self, index: DenominationIndex) -> Option<DenominationIndex> {
        self.denominations.now(index.at()).map(DenominationIndex::from_at)
    }

    fn reserve(&self, at: usize) -> Option<Reserve> {
        let row = self.base.reserves.get(at)?;
        Some(Reserve { denomination: self.denomination(row.denomination)?, ..*row })
    }

    fn option(&self, option: &AuctionOption) -> Option<AuctionOption> {
        Some(AuctionOption {
            give: self.denomination(option.give)?,
            get: self.denomination(option.get)?,
            reserve: self.reserves.now(option.reserve.at()).map(ReserveIndex::from_at)?,
            ..*option
        })
    }

    /// Without its floor, which changes by itself.
    fn intent(&self, at: usize) -> Option<AuctionIntent> {
        let row = self.base.intents.get(at)?;
        let options = row.options.iter().map(|option| self.option(option)).collect::<Option<_>>()?;
        Some(AuctionIntent { options, ..bare(row) })
    }

    fn floored_intent(&self, at: usize) -> Option<AuctionIntent> {
        let floor = self.base.intents.get(at)?.floor;
        Some(AuctionIntent { floor, ..self.intent(at)? })
    }

    fn venue(&self, at: usize) -> Option<AuctionVenue> {
        let row = self.base.venues.get(at)?;
        let mut is_whole = true;
        let coins = row.coins.map(|coin| {
            let now = self.denomination(coin);
            is_whole &= now.is_some();
            now.unwrap_or(coin)
        });
        is_whole.then(|| AuctionVenue { coins, ..row.clone() })
    }
}

/// An intent as solvers are told of it, without its floor.
fn bare(intent: &AuctionIntent) -> AuctionIntent {
    AuctionIntent { condition: Vec::new(), floor: None, ..intent.clone() }
}

fn coins(input: &AuctionInput) -> impl Iterator<Item = (&Name, &Name)> {
    input.denominations.iter().map(|coin| (&coin.asset, &coin.module))
}

fn intents(input: &AuctionInput) -> impl Iterator<Item = (&Name, CommandId)> {
    input.intents.iter().map(|intent| (&intent.party, intent.id))
}

/// Whose accounts the reserves are: those of the party whose intents draw on them, if any does.
pub(crate) fn payers(input: &AuctionInput) -> impl Iterator<Item = (Option<&Name>, Option<(&Name, &Name)>)> {
    let mut parties: Vec<Option<&Name>> = vec![None; input.reserves.len()];
    for intent in &input.intents {
        for option in &intent.options {
            if let Some(party) = parties.get_mut(option.reserve.at()) {
                party.get_or_insert(&intent.party);
            }
        }
    }
    input.reserves.iter().zip(parties).map(|(reserve, party)| {
        let coin = input.denominations.get(reserve.denomination.at());
        (party, coin.map(|coin: &Denomination| (&coin.asset, &coin.module)))
    })
}

fn given<T, U>(rows: &[T], places: &[usize], to_wire: impl Fn(&T) -> U) -> Vec<U> {
    places.iter().filter_map(|place| rows.get(*place)).map(to_wire).collect()
}

/// What an input says beside its tables.
fn without_tables(input: &AuctionInput) -> AuctionInput {
    AuctionInput {
        denominations: Vec::new(),
        reserves: Vec::new(),
        intents: Vec::new(),
        venues: Vec::new(),
        facts: Vec::new(),
        ..*input
    }
}

fn frame(rows: &wire::AuctionInput) -> wire::AuctionInput {
    wire::AuctionInput {
        rules: rows.rules.clone(),
        seed: rows.seed.clone(),
        denominations: Vec::new(),
        reserves: Vec::new(),
        intents: Vec::new(),
        venues: Vec::new(),
        ..*rows
    }
}

/// The floors that changed of intents whose rows are not given.
fn floors(base: &AuctionInput, next: &AuctionInput, places: &Places, given: &[usize]) -> Vec<wire::FloorChange> {
    let kept = places.kept().filter(|(place, _)| given.binary_search(place).is_err());
    let changes = kept.filter_map(|(place, at)| {
        let (before, now) = (base.intents.get(at)?.floor, next.intents.get(place)?.floor);
        (before != now).then(|| wire::FloorChange {
            intent: u32::try_from(place).unwrap_or(u32::MAX),
            floor: now.map(|now| changed_floor(before, &now)),
        })
    });
    changes.collect()
}

fn changed_floor(before: Option<FloorTerms>, now: &FloorTerms) -> wire::FloorTerms {
    let mut floor = auction::floor_to_wire(now);
    if before.is_some_and(|before| before.sold == now.sold) {
        floor.sold.clear();
    }
    if before.is_some_and(|before| before.bought == now.bought) {
        floor.bought.clear();
    }
    floor
}

fn change_floor(input: &mut AuctionInput, change: &wire::FloorChange, field: &str) -> Result<(), Refusal> {
    let intent = usize::try_from(change.intent).ok().and_then(|place| input.intents.get_mut(place));
    let Some(intent) = intent else {
        return refuse(Reason::OutOfRange, field, format!("expected an intent's place, found {}", change.intent));
    };
    let before = intent.floor.as_ref().map(auction::floor_to_wire).unwrap_or_default();
    let whole = change.floor.clone().map(|floor| wire::FloorTerms {
        option: floor.option,
        sold: if floor.sold.is_empty() { before.sold } else { floor.sold },
        bought: if floor.bought.is_empty() { before.bought } else { floor.bought },
    });
    intent.floor = whole.map(|floor| auction::floor_to_core(&floor, field)).transpose()?;
    Ok(())
}
