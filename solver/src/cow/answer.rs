//! One request answered: the bundles of a strategy at one price a token, else its orders one by one.

use std::collections::BTreeSet;
use std::time::Instant;

use clearlane_core::auction::{AuctionInput, Bundle, RuleSet, VenueUse, verify, with_floors};
use clearlane_core::money::MILLION;
use clearlane_core::names::{DenominationIndex, IntentIndex};
use clearlane_core::refusal::{Reason, Refusal};
use serde_json::{Map, Value, json};

use super::pricing::uniform;
use super::settlement::Settlement;
use super::{gas, moment};
use crate::formats::{Auction, CowTerms};
use crate::strategy::{Budget, Joint, Strategy};

/// The part of the time that the strategy may take, in tenths; the rest is for pricing and for orders one by one.
const STRATEGY_TENTHS: u32 = 6;
/// The most solutions of one answer: more than orders win in the largest auctions.
const SOLUTIONS_MAX: usize = 1_000;

/// Intents times venues up to which the built-in bidder is asked first: it can't be cut short, and this takes it
/// milliseconds.
const FLOORED_WORK_MAX: usize = 10_000;

/// What a request is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The answer by CoW's schema: `{"solutions": […]}`.
    pub json: Value,
    /// How many solutions there are.
    pub solutions: usize,
    /// How many orders they trade in all.
    pub orders: usize,
    /// What of the request could not be represented, by name, and why.
    pub refused: Vec<(String, Refusal)>,
}

/// When the answer to a request is due by its own word; `None` if it does not say.
///
/// # Errors
///
/// If what it says is no moment from 1970 on as RFC 3339 writes one.
pub fn deadline(terms: &CowTerms) -> Result<Option<std::time::SystemTime>, Refusal> {
    if terms.deadline.is_empty() {
        return Ok(None);
    }
    let due = moment::parse(&terms.deadline);
    let message = "expected a moment of RFC 3339, such as 2026-08-06T15:11:14.566Z";
    due.map(Some).ok_or_else(|| Refusal::new(Reason::Malformed, "deadline", message))
}

/// Answers a request with a strategy, at the latest when the budget is spent.
///
/// Bundles become one solution each where one price a token serves all their orders; the orders of the others are
/// solved one by one. Fees pay for gas at the request's price where CoW leaves them to the solver.
#[must_use]
pub fn answer(auction: &Auction, terms: &CowTerms, strategy: &dyn Strategy, budget: &Budget<'_>) -> Answered {
    let input = &judged(&auction.input);
    let mut settlements = Vec::new();
    let mut traded = BTreeSet::new();
    for bundle in proposed(input, strategy, budget) {
        let fees = gas::fees(input, terms, &bundle);
        let settlement = fees.and_then(|fees| uniform((input, &terms.buffers), &bundle, &fees));
        traded.extend(settlement.iter().flat_map(|settlement| &settlement.trades).map(|trade| trade.intent));
        settlements.extend(settlement.map(|settlement| (settlement, gas::of_bundle(terms, &bundle))));
    }
    // For each order in turn the same auction with that order only.
    let mut only = AuctionInput { intents: Vec::new(), ..input.clone() };
    for at in 0..input.intents.len() {
        let intent = IntentIndex::from_at(at);
        if budget.is_spent() || settlements.len() >= SOLUTIONS_MAX {
            break;
        }
        if !traded.contains(&intent) {
            settlements.extend(alone((input, &mut only), terms, intent, budget));
        }
    }
    settlements.truncate(SOLUTIONS_MAX);
    let orders = settlements.iter().map(|(settlement, _)| settlement.trades.len()).sum();
    let solutions: Vec<Value> = (0_u64..)
        .zip(&settlements)
        .map(|(id, (settlement, gas))| solution_json(auction, terms, id, settlement, *gas))
        .collect();
    let market = &auction.market;
    let refused = [&market.refused_assets, &market.refused_venues, &market.refused_orders];
    Answered {
        solutions: solutions.len(),
        orders,
        json: json!({ "solutions": solutions }),
        refused: refused.into_iter().flatten().cloned().collect(),
    }
}

/// The auction as it is judged here: CoW counts surplus without a cap, and by the floor rules a bundle has one price for
/// each direction of a pair, which is nearest to one price a token. In small auctions what pools pay counts too where a
/// reference price is off.
fn judged(input: &AuctionInput) -> AuctionInput {
    let surplus_cap_ppm = u32::try_from(MILLION).unwrap_or(u32::MAX);
    let input = AuctionInput { rules: RuleSet::Floor, surplus_cap_ppm, ..input.clone() };
    let work = input.intents.len().saturating_mul(input.venues.len().max(1));
    if work > FLOORED_WORK_MAX { input } else { with_floors(&input) }
}

/// The valid bundles of the strategy.
fn proposed(input: &AuctionInput, strategy: &dyn Strategy, budget: &Budget<'_>) -> Vec<Bundle> {
    let now = Instant::now();
    let part = |ends_at: Instant| now + ends_at.saturating_duration_since(now) * STRATEGY_TENTHS / 10;
    let ends_at = budget.ends_at().map(part);
    let is_spent = || budget.is_spent() || ends_at.is_some_and(|ends_at| Instant::now() >= ends_at);
    let part = match ends_at {
        Some(ends_at) => Budget::new(&is_spent).ending_at(ends_at),
        None if budget.is_unlimited() => Budget::unlimited(),
        None => Budget::new(&is_spent),
    };
    let bundles = strategy.solve(input, &part).bundles;
    bundles.into_iter().filter(|bundle| verify(input, bundle).is_ok()).collect()
}

/// The best for one order alone, if it is worth its fee. `only` becomes the auction without all others, where the order
/// has the first place.
fn alone(
    (input, only): (&AuctionInput, &mut AuctionInput),
    terms: &CowTerms,
    index: IntentIndex,
    budget: &Budget<'_>,
) -> Option<(Settlement, u64)> {
    only.intents = vec![input.intents.get(index.at())?.clone()];
    let mut bundle = Joint.solve(only, budget).bundles.into_iter().next()?;
    for fill in &mut bundle.fills {
        fill.intent = index;
    }
    verify(input, &bundle).ok()?;
    let fees = gas::fees(input, terms, &bundle)?;
    Some((uniform((input, &terms.buffers), &bundle, &fees)?, gas::of_bundle(terms, &bundle)))
}

fn solution_json(auction: &Auction, terms: &CowTerms, id: u64, settlement: &Settlement, gas: u64) -> Value {
    let token =
        |place: DenominationIndex| auction.market.assets.get(place.at()).map_or("", |asset| asset.name.as_str());
    let prices: Map<String, Value> =
        settlement.prices.iter().map(|(place, price)| (token(*place).to_owned(), price.to_string().into())).collect();
    let trades = settlement.trades.iter().map(|trade| {
        let mut json = json!({
            "kind": "fulfillment",
            "order": auction.intent_name(trade.intent),
            "executedAmount": trade.executed.to_string(),
        });
        if terms.has_solver_fee.get(trade.intent.at()) == Some(&true) {
            json["fee"] = trade.fee.to_string().into();
        }
        json
    });
    let interaction = |used: &VenueUse| {
        let venue = auction.market.venues.get(used.venue.at())?;
        let coin = |coin| venue.coins.get(coin).map(token);
        Some(json!({
            "kind": "liquidity",
            "internalize": false,
            "id": venue.name.as_str(),
            "inputToken": coin(used.direction.from)?,
            "outputToken": coin(used.direction.into)?,
            "inputAmount": used.amount_in.to_string(),
            "outputAmount": used.amount_out.to_string(),
        }))
    };
    json!({
        "id": id,
        "prices": prices,
        "trades": trades.collect::<Vec<Value>>(),
        "preInteractions": [],
        "interactions": settlement.uses.iter().filter_map(interaction).collect::<Vec<Value>>(),
        "postInteractions": [],
        "gas": gas,
    })
}
