//! Auctions: the frozen input and the bundles that answer it, both ways, with every index and count bounded.

use clearlane_core::auction::certificate::{DUAL_PRICES_MAX, DualPrices};
use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, BUNDLES_MAX, Bundle, Denomination, FILLS_MAX, Fill,
    FloorTerms, INTENTS_MAX, Reserve, RuleSet, USES_MAX, VENUES_MAX, VenueUse,
};
use clearlane_core::hash::Hash;
use clearlane_core::money::SCALE_MAX;
use clearlane_core::names::{AuctionId, CommandId, DenominationIndex, IntentIndex, ReserveIndex, VenueIndex};
use clearlane_core::price::Price;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::Timestamp;
use clearlane_core::venue::Direction;

use crate::amount::atoms;
use crate::field::{at_most, each, fixed, name, narrow, per_coin, price, refuse, shown};
use crate::{intent, venue, wire};

/// An option's place fits 16 bits.
const OPTIONS_MAX: usize = 1 << 16;
/// A price of zero, which only a certificate may have.
const ZERO: &str = "0";
/// The longest text of a price within bounds has fewer digits.
const PRICE_BYTES_MAX: usize = 128;

/// Reads the input of an auction; conditions and facts do not travel, so it has none.
///
/// # Errors
///
/// `TOO_LARGE` for a list, `OUT_OF_RANGE` for an index beyond its table, else what is wrong with the first wrong
/// field.
pub fn input_to_core(input: &wire::AuctionInput) -> Result<AuctionInput, Refusal> {
    at_most(input.intents.len(), INTENTS_MAX, "intents")?;
    at_most(input.venues.len(), VENUES_MAX, "venues")?;
    let denominations = input.denominations.len();
    let reserves = input.reserves.len();
    Ok(AuctionInput {
        auction: AuctionId(input.auction),
        rules: rules_to_core(&input.rules)?,
        opened_at: Timestamp(input.opened_at_ns),
        close_at: Timestamp(input.close_at_ns),
        settle_by: Timestamp(input.settle_by_ns),
        seed: Hash(fixed(&input.seed, "seed")?),
        surplus_cap_ppm: input.surplus_cap_ppm,
        denominations: each(&input.denominations, "denominations", denomination_to_core)?,
        reserves: each(&input.reserves, "reserves", |reserve, field| {
            Ok(Reserve {
                denomination: denomination(reserve.denomination, denominations, &format!("{field}.denomination"))?,
                amount: atoms(&reserve.amount, &format!("{field}.amount"))?,
                is_scarce: reserve.scarce,
            })
        })?,
        intents: each(&input.intents, "intents", |intent, field| {
            intent_to_core(intent, denominations, reserves, field)
        })?,
        venues: each(&input.venues, "venues", |venue, field| venue_to_core(venue, denominations, field))?,
        facts: Vec::new(),
    })
}

/// Writes the input of an auction, without conditions and the facts that they read.
#[must_use]
pub fn input_to_wire(input: &AuctionInput) -> wire::AuctionInput {
    wire::AuctionInput {
        auction: input.auction.0,
        rules: input.rules.name().to_owned(),
        opened_at_ns: input.opened_at.0,
        close_at_ns: input.close_at.0,
        settle_by_ns: input.settle_by.0,
        seed: input.seed.0.to_vec(),
        surplus_cap_ppm: input.surplus_cap_ppm,
        denominations: input.denominations.iter().map(denomination_to_wire).collect(),
        reserves: input.reserves.iter().map(reserve_to_wire).collect(),
        intents: input.intents.iter().map(intent_to_wire).collect(),
        venues: input.venues.iter().map(venue_to_wire).collect(),
    }
}

/// Reads the bundles of a solution.
///
/// # Errors
///
/// `TOO_LARGE` for a list, `OUT_OF_RANGE` for an option's place, else what is wrong with the first wrong amount;
/// whether intents and venues exist is the clearing's to check.
pub fn bundles_to_core(bundles: &[wire::Bundle]) -> Result<Vec<Bundle>, Refusal> {
    at_most(bundles.len(), BUNDLES_MAX, "bundles")?;
    each(bundles, "bundles", |bundle, field| {
        let fills = format!("{field}.fills");
        let uses = format!("{field}.uses");
        at_most(bundle.fills.len(), FILLS_MAX, &fills)?;
        at_most(bundle.uses.len(), USES_MAX, &uses)?;
        Ok(Bundle { fills: each(&bundle.fills, &fills, fill_to_core)?, uses: each(&bundle.uses, &uses, use_to_core)? })
    })
}

/// Writes the bundles of a solution.
#[must_use]
pub fn bundles_to_wire(bundles: &[Bundle]) -> Vec<wire::Bundle> {
    bundles
        .iter()
        .map(|bundle| wire::Bundle {
            fills: bundle.fills.iter().map(fill_to_wire).collect(),
            uses: bundle.uses.iter().map(use_to_wire).collect(),
        })
        .collect()
}

/// Reads the prices of a solution; none if the list is empty.
///
/// # Errors
///
/// `TOO_LARGE` for the list, else `AMOUNT_MALFORMED` for the first text that is not `0` or a positive decimal within
/// bounds; whether there are as many as denominations is the clearing's to check.
pub fn prices_to_core(prices: &[String]) -> Result<Option<DualPrices>, Refusal> {
    at_most(prices.len(), DUAL_PRICES_MAX, "prices")?;
    if prices.is_empty() {
        return Ok(None);
    }
    let read = each(prices, "prices", |text, field| match text.as_str() {
        ZERO => Ok(None),
        text => at_most(text.len(), PRICE_BYTES_MAX, field).and_then(|()| required(price(text, field)?, field)),
    });
    read.map(DualPrices::new)
}

/// Writes the prices of a solution or a bound.
#[must_use]
pub fn prices_to_wire(prices: &DualPrices) -> Vec<String> {
    prices.iter().map(|price| price.map_or_else(|| ZERO.to_owned(), |price| price.to_string())).collect()
}

/// Refuses a price that is not there.
fn required(price: Option<Price>, field: &str) -> Result<Option<Price>, Refusal> {
    if price.is_some() {
        return Ok(price);
    }
    refuse(Reason::AmountMalformed, field, "expected 0 or a positive decimal, found nothing")
}

pub(crate) fn rules_to_core(rules: &str) -> Result<RuleSet, Refusal> {
    let expected = || {
        let [plain, floor] = [RuleSet::Plain, RuleSet::Floor].map(RuleSet::name);
        let message = format!("expected {plain:?} or {floor:?}, found {}", shown(rules));
        Refusal::new(Reason::OutOfRange, "rules", message)
    };
    RuleSet::named(rules).filter(|rules| *rules != RuleSet::Gpv1).ok_or_else(expected)
}

fn place(index: u32, count: usize, field: &str) -> Result<u32, Refusal> {
    if usize::try_from(index).is_ok_and(|at| at < count) {
        return Ok(index);
    }
    refuse(Reason::OutOfRange, field, format!("expected a place below {count}, found {index}"))
}

fn denomination(index: u32, count: usize, field: &str) -> Result<DenominationIndex, Refusal> {
    place(index, count, field).map(DenominationIndex)
}

fn denomination_to_core(denomination: &wire::Denomination, field: &str) -> Result<Denomination, Refusal> {
    let scale_field = format!("{field}.scale");
    let scale: u8 = narrow(denomination.scale, &scale_field)?;
    if scale > SCALE_MAX {
        return refuse(Reason::OutOfRange, &scale_field, format!("expected at most {SCALE_MAX}, found {scale}"));
    }
    Ok(Denomination {
        asset: name(&denomination.asset, &format!("{field}.asset"))?,
        module: name(&denomination.module, &format!("{field}.module"))?,
        scale,
        price: price(&denomination.price, &format!("{field}.price"))?,
    })
}

fn denomination_to_wire(denomination: &Denomination) -> wire::Denomination {
    wire::Denomination {
        asset: denomination.asset.to_string(),
        module: denomination.module.to_string(),
        scale: u32::from(denomination.scale),
        price: denomination.price.map(|price| price.to_string()).unwrap_or_default(),
    }
}

fn reserve_to_wire(reserve: &Reserve) -> wire::Reserve {
    wire::Reserve {
        denomination: reserve.denomination.0,
        amount: reserve.amount.to_string(),
        scarce: reserve.is_scarce,
    }
}

fn intent_to_core(
    intent: &wire::AuctionIntent,
    denominations: usize,
    reserves: usize,
    field: &str,
) -> Result<AuctionIntent, Refusal> {
    let options = format!("{field}.options");
    at_most(intent.options.len(), OPTIONS_MAX, &options)?;
    Ok(AuctionIntent {
        party: name(&intent.party, &format!("{field}.party"))?,
        id: CommandId(fixed(&intent.id, &format!("{field}.id"))?),
        kind: intent::kind_to_core(intent.kind, &format!("{field}.kind"))?,
        choose: intent::choose_to_core(intent.choose, &format!("{field}.choose"))?,
        is_all_or_nothing: intent.all_or_nothing,
        remaining: atoms(&intent.remaining, &format!("{field}.remaining"))?,
        options: each(&intent.options, &options, |option, field| {
            option_to_core(option, denominations, reserves, field)
        })?,
        condition: Vec::new(),
        floor: intent.floor.as_ref().map(|floor| floor_to_core(floor, &format!("{field}.floor"))).transpose()?,
    })
}

fn floor_to_core(floor: &wire::FloorTerms, field: &str) -> Result<FloorTerms, Refusal> {
    Ok(FloorTerms {
        option: narrow(floor.option, &format!("{field}.option"))?,
        sold: atoms(&floor.sold, &format!("{field}.sold"))?,
        bought: atoms(&floor.bought, &format!("{field}.bought"))?,
    })
}

fn floor_to_wire(floor: &FloorTerms) -> wire::FloorTerms {
    wire::FloorTerms { option: u32::from(floor.option), sold: floor.sold.to_string(), bought: floor.bought.to_string() }
}

fn intent_to_wire(intent: &AuctionIntent) -> wire::AuctionIntent {
    wire::AuctionIntent {
        party: intent.party.to_string(),
        id: intent.id.0.to_vec(),
        kind: intent::kind_to_wire(intent.kind),
        choose: intent::choose_to_wire(intent.choose),
        all_or_nothing: intent.is_all_or_nothing,
        remaining: intent.remaining.to_string(),
        options: intent.options.iter().map(option_to_wire).collect(),
        floor: intent.floor.as_ref().map(floor_to_wire),
    }
}

fn option_to_core(
    option: &wire::AuctionOption,
    denominations: usize,
    reserves: usize,
    field: &str,
) -> Result<AuctionOption, Refusal> {
    Ok(AuctionOption {
        give: denomination(option.give, denominations, &format!("{field}.give"))?,
        get: denomination(option.get, denominations, &format!("{field}.get"))?,
        give_amount: atoms(&option.give_amount, &format!("{field}.give_amount"))?,
        get_amount: atoms(&option.get_amount, &format!("{field}.get_amount"))?,
        maximum: atoms(&option.maximum, &format!("{field}.maximum"))?,
        reserve: ReserveIndex(place(option.reserve, reserves, &format!("{field}.reserve"))?),
        minimum: atoms(&option.minimum, &format!("{field}.minimum"))?,
        number: narrow(option.number, &format!("{field}.number"))?,
        left: atoms(&option.left, &format!("{field}.left"))?,
    })
}

fn option_to_wire(option: &AuctionOption) -> wire::AuctionOption {
    wire::AuctionOption {
        give: option.give.0,
        get: option.get.0,
        give_amount: option.give_amount.to_string(),
        get_amount: option.get_amount.to_string(),
        maximum: option.maximum.to_string(),
        reserve: option.reserve.0,
        minimum: option.minimum.to_string(),
        number: u32::from(option.number),
        left: option.left.to_string(),
    }
}

fn venue_to_core(venue: &wire::AuctionVenue, denominations: usize, field: &str) -> Result<AuctionVenue, Refusal> {
    Ok(AuctionVenue {
        name: name(&venue.name, &format!("{field}.name"))?,
        coins: per_coin(&venue.coins, &format!("{field}.coins"), |coin, field| {
            denomination(*coin, denominations, field)
        })?,
        terms: venue::terms_to_core(venue.terms.as_ref(), &format!("{field}.terms"))?,
        opening: venue::state_to_core(venue.opening.as_ref(), &format!("{field}.opening"))?,
    })
}

fn venue_to_wire(venue: &AuctionVenue) -> wire::AuctionVenue {
    wire::AuctionVenue {
        name: venue.name.to_string(),
        coins: venue.coins.iter().map(|coin| coin.0).collect(),
        terms: Some(venue::terms_to_wire(&venue.terms)),
        opening: Some(venue::state_to_wire(&venue.opening)),
    }
}

fn fill_to_core(fill: &wire::FillPromise, field: &str) -> Result<Fill, Refusal> {
    Ok(Fill {
        intent: IntentIndex(fill.intent),
        option: narrow(fill.option, &format!("{field}.option"))?,
        sold: atoms(&fill.sold, &format!("{field}.sold"))?,
        bought: atoms(&fill.bought, &format!("{field}.bought"))?,
    })
}

fn fill_to_wire(fill: &Fill) -> wire::FillPromise {
    wire::FillPromise {
        intent: fill.intent.0,
        option: u32::from(fill.option),
        sold: fill.sold.to_string(),
        bought: fill.bought.to_string(),
    }
}

fn use_to_core(used: &wire::VenueUse, field: &str) -> Result<VenueUse, Refusal> {
    Ok(VenueUse {
        venue: VenueIndex(used.venue),
        direction: Direction {
            from: narrow(used.coin_in, &format!("{field}.coin_in"))?,
            into: narrow(used.coin_out, &format!("{field}.coin_out"))?,
        },
        amount_in: atoms(&used.amount_in, &format!("{field}.amount_in"))?,
        amount_out: atoms(&used.amount_out, &format!("{field}.amount_out"))?,
    })
}

fn use_to_wire(used: &VenueUse) -> wire::VenueUse {
    wire::VenueUse {
        venue: used.venue.0,
        coin_in: used.direction.from.into(),
        coin_out: used.direction.into.into(),
        amount_in: used.amount_in.to_string(),
        amount_out: used.amount_out.to_string(),
    }
}
