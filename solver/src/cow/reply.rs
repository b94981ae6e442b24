//! What a CoW solver engine answers, as bundles: trades of known orders and uses of known liquidity, valid by the core's
//! rules. What can't be represented is refused by name.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, VenueUse, verify};
use clearlane_core::intent::Kind;
use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms, Rounding};
use clearlane_core::names::{DenominationIndex, VenueIndex};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::Direction;
use clearlane_core::wide::{U256, U512, wide};
use serde_json::Value;

use super::balance::balanced;
use super::question::Question;
use crate::strategy::merged;

/// The solutions of an answer that are read: more than any auction could use.
const SOLUTIONS_MAX: usize = 1_000;

/// What was made of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// One for each solution that can be represented, in their order.
    pub bundles: Vec<Bundle>,
    /// The others, by what the answer calls them.
    pub refused: Vec<(String, Refusal)>,
}

impl Reply {
    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// If it is not of the form that CoW's schema says.
    pub(super) fn read(input: &AuctionInput, question: &Question, bytes: &[u8]) -> Result<Reply, Refusal> {
        let json: Value = serde_json::from_slice(bytes)
            .map_err(|error| Refusal::new(Reason::Malformed, "answer", format!("expected JSON: {error}")))?;
        if let Some(error) = json.get("error") {
            return Err(malformed("error", &format!("expected solutions, found the engine's error {error}")));
        }
        let solutions = list(&json, "solutions")?;
        let mut reply = Reply::default();
        for (at, solution) in solutions.iter().enumerate() {
            let name = solution.get("id").map_or_else(|| at.to_string(), |id| shown(id).trim_matches('"').to_owned());
            let taken = if at < SOLUTIONS_MAX { bundle_of(input, question, solution) } else { Err(too_many(at)) };
            match taken {
                Ok(bundle) => reply.bundles.push(bundle),
                Err(refusal) => reply.refused.push((name, refusal)),
            }
            if at >= SOLUTIONS_MAX {
                break;
            }
        }
        Ok(reply)
    }
}

fn too_many(at: usize) -> Refusal {
    let message = format!("expected at most {SOLUTIONS_MAX} solutions, found more");
    Refusal::new(Reason::TooLarge, format!("solutions[{at}]"), message)
}

/// The first of the ways to round that keeps every rule: for the orders, as CoW's contract does, else for the venues,
/// so that all orders of a pair have one price by the rules here too.
fn bundle_of(input: &AuctionInput, question: &Question, solution: &Value) -> Result<Bundle, Refusal> {
    for field in ["preInteractions", "postInteractions"] {
        if solution.get(field).and_then(Value::as_array).is_some_and(|calls| !calls.is_empty()) {
            return Err(not_supported(field, "expected no calls beside the interactions"));
        }
    }
    let uses = uses_of(input, question, solution)?;
    let [for_orders, for_venues] = [Favour::Orders, Favour::Venues].map(|favour| {
        let bundle =
            balanced(input, Bundle { fills: fills_of(input, question, solution, favour)?, uses: uses.clone() });
        verify(input, &bundle).map(|_| bundle)
    });
    for_orders.or_else(|refusal| for_venues.map_err(|_| refusal))
}

/// In whose favour amounts are rounded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Favour {
    Orders,
    Venues,
}

fn fills_of(input: &AuctionInput, question: &Question, solution: &Value, favour: Favour) -> Result<Vec<Fill>, Refusal> {
    let mut prices: BTreeMap<DenominationIndex, U256> = BTreeMap::new();
    for (address, price) in solution.get("prices").and_then(Value::as_object).into_iter().flatten() {
        if let Some(token) = question.tokens.get(&address.to_ascii_lowercase()) {
            prices.insert(*token, wide_amount(price, "prices")?);
        }
    }
    let trades = list(solution, "trades")?;
    trades.iter().map(|trade| fill_of(input, question, trade, &prices, favour)).collect()
}

fn fill_of(
    input: &AuctionInput,
    question: &Question,
    trade: &Value,
    prices: &BTreeMap<DenominationIndex, U256>,
    favour: Favour,
) -> Result<Fill, Refusal> {
    if text(trade, "kind")? != "fulfillment" {
        return Err(not_supported("trades.kind", "expected fulfillments, found an order of the engine's own"));
    }
    let uid = text(trade, "order")?.to_ascii_lowercase();
    let unknown = || Refusal::new(Reason::UnknownIntent, "trades.order", format!("expected an order, found {uid}"));
    let index = *question.orders.get(&uid).ok_or_else(unknown)?;
    let intent = input.intents.get(index.at()).ok_or_else(unknown)?;
    let option = intent.options.first().ok_or_else(unknown)?;
    if !trade.get("fee").is_none_or(|fee| wide_amount(fee, "trades.fee").is_ok_and(|fee| fee.is_zero())) {
        return Err(not_supported("trades.fee", "expected no fee, since gas is free"));
    }
    let executed = amount(trade, "executedAmount")?;
    let price = |token: DenominationIndex| {
        let missing = || Refusal::new(Reason::Missing, "prices", "expected a price of every token that is traded");
        prices.get(&token).copied().filter(|price| !price.is_zero()).ok_or_else(missing)
    };
    let (give, get) = (price(option.give)?, price(option.get)?);
    let converted = |from: U256, to: U256, rounding: Rounding| {
        let product: U512 = U512::from(from).saturating_mul(wide(executed));
        let whole = match rounding {
            Rounding::Up => product.div_ceil(U512::from(to)),
            Rounding::Down => product / U512::from(to),
        };
        let large = || Refusal::new(Reason::AmountTooLarge, "prices", "expected amounts below 2^112");
        Atoms::try_from(whole).ok().filter(|atoms| *atoms < AUCTION_ATOMS_MAX).ok_or_else(large)
    };
    let rounding = |for_orders| if favour == Favour::Orders { for_orders } else { opposite(for_orders) };
    let (sold, bought) = match intent.kind {
        Kind::ExactIn => (executed, converted(give, get, rounding(Rounding::Up))?),
        Kind::ExactOut => (converted(get, give, rounding(Rounding::Down))?, executed),
    };
    Ok(Fill { intent: index, option: 0, sold, bought })
}

fn opposite(rounding: Rounding) -> Rounding {
    match rounding {
        Rounding::Up => Rounding::Down,
        Rounding::Down => Rounding::Up,
    }
}

/// The uses of known liquidity, each once: several of one are added up, opposing ones cancel.
fn uses_of(input: &AuctionInput, question: &Question, solution: &Value) -> Result<Vec<VenueUse>, Refusal> {
    let mut parts = Vec::new();
    for interaction in list(solution, "interactions")? {
        if text(interaction, "kind")? != "liquidity" {
            return Err(not_supported("interactions.kind", "expected liquidity of the auction, found a custom call"));
        }
        let used = use_of(input, question, interaction)?;
        parts.push(Bundle { fills: Vec::new(), uses: vec![used] });
    }
    let twice = || not_supported("interactions.id", "expected uses of one liquidity that one use can stand for");
    merged(input, &parts).map(|bundle| bundle.uses).ok_or_else(twice)
}

fn use_of(input: &AuctionInput, question: &Question, interaction: &Value) -> Result<VenueUse, Refusal> {
    let id = interaction.get("id").map(|id| shown(id).trim_matches('"').to_owned()).unwrap_or_default();
    let unknown = || {
        let message = format!("expected liquidity of the auction, found {id}");
        Refusal::new(Reason::UnknownVenue, "interactions.id", message)
    };
    let asked = question.json.get("liquidity").and_then(Value::as_array).into_iter().flatten();
    let is_asked = asked.into_iter().any(|liquidity| liquidity.get("id").and_then(Value::as_str) == Some(&id));
    let at: usize = id.parse().ok().filter(|_| is_asked).ok_or_else(unknown)?;
    let venue = input.venues.get(at).ok_or_else(unknown)?;
    let coin = |field: &str| -> Result<u8, Refusal> {
        let address = text(interaction, field)?.to_ascii_lowercase();
        let place = question.tokens.get(&address).and_then(|token| venue.coins.iter().position(|coin| coin == token));
        place.and_then(|place| u8::try_from(place).ok()).ok_or_else(|| {
            let message = format!("expected a token of liquidity {id}, found {address}");
            Refusal::new(Reason::UnknownAsset, format!("interactions.{field}"), message)
        })
    };
    Ok(VenueUse {
        venue: VenueIndex::from_at(at),
        direction: Direction { from: coin("inputToken")?, into: coin("outputToken")? },
        amount_in: amount(interaction, "inputAmount")?,
        amount_out: amount(interaction, "outputAmount")?,
    })
}

fn list<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], Refusal> {
    let found = value.get(field).and_then(Value::as_array).map(Vec::as_slice);
    found.ok_or_else(|| malformed(field, "expected a list"))
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Refusal> {
    value.get(field).and_then(Value::as_str).ok_or_else(|| malformed(field, "expected a text"))
}

fn amount(value: &Value, field: &str) -> Result<Atoms, Refusal> {
    let found = wide_amount(value.get(field).unwrap_or(&Value::Null), field)?;
    let large = || Refusal::new(Reason::AmountTooLarge, field, "expected less than 2^112 atoms");
    Atoms::try_from(found).ok().filter(|atoms| *atoms < AUCTION_ATOMS_MAX).ok_or_else(large)
}

/// An amount, in decimals or, after `0x`, in hexadecimals.
fn wide_amount(value: &Value, field: &str) -> Result<U256, Refusal> {
    let text = value.as_str().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let parsed = text.and_then(|text| text.parse().ok());
    let message = || format!("expected an amount as a text, found {}", shown(value));
    parsed.ok_or_else(|| Refusal::new(Reason::AmountMalformed, field, message()))
}

/// The beginning of a value as it is written.
fn shown(value: &Value) -> String {
    const SHOWN_CHARACTERS_MAX: usize = 60;
    value.to_string().chars().take(SHOWN_CHARACTERS_MAX).collect()
}

fn malformed(field: &str, message: &str) -> Refusal {
    Refusal::new(Reason::Malformed, field, message)
}

fn not_supported(field: &str, message: &str) -> Refusal {
    Refusal::new(Reason::NotSupported, field, message)
}
