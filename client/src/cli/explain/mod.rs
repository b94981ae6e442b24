//! `solve --explain`: why an intent was filled as it was, or not.
//!
//! Everything said follows from the input, the clearing and its certificate; nothing is solved again.

mod account;
mod alone;
mod object;
mod opposing;
mod rates;
mod text;
mod why;

use clearlane_core::auction::{AuctionIntent, Executed, Fill, FloorTerms, Routed, size_of};
use clearlane_core::money::Atoms;
use clearlane_core::names::{IntentIndex, SolverId};
use clearlane_core::refusal::Refusal;
use clearlane_solver::formats::Auction;
use serde_json::Value;

use super::competition::Competition;
use super::failure::Failure;
use super::nearest::nearest;
use account::Account;
use alone::{Alone, Taker, takers};
use opposing::{Opposing, opposing};
use rates::OptionRates;
use why::Why;

/// What is to be explained: an intent on offer, or an order that was refused when the file was read.
pub(super) enum Subject {
    Offered(IntentIndex),
    Refused(String, Refusal),
}

/// Finds what the file calls this.
///
/// Fails with the names that are nearest.
pub(super) fn find(auction: &Auction, name: &str) -> Result<Subject, Failure> {
    let market = &auction.market;
    if let Some(at) = market.orders.iter().position(|order| order.name == name) {
        return Ok(Subject::Offered(IntentIndex::from_at(at)));
    }
    if let Some((name, refusal)) = market.refused_orders.iter().find(|(refused, _)| refused == name) {
        return Ok(Subject::Refused(name.clone(), refusal.clone()));
    }
    let offered = market.orders.iter().map(|order| order.name.as_str());
    let refused = market.refused_orders.iter().map(|(refused, _)| refused.as_str());
    let near = nearest(name, offered.chain(refused));
    let hint = if near.is_empty() { String::new() } else { format!("; the nearest are {}", near.join(", ")) };
    Err(Failure::Failed(format!("--explain: expected an intent of the auction, found {name:?}{hint}")))
}

/// The explanation, for people and as JSON.
pub(super) fn explain(auction: &Auction, competition: &Competition, subject: &Subject) -> (String, Value) {
    match subject {
        Subject::Refused(name, refusal) => (text::refused(name, refusal), object::refused(name, refusal)),
        Subject::Offered(index) => match Explained::new(auction, competition, *index) {
            Some(explained) => (text::of(&explained), object::of(&explained)),
            None => (String::new(), Value::Null),
        },
    }
}

/// All that is known of one intent after a clearing.
struct Explained<'a> {
    auction: &'a Auction,
    competition: &'a Competition,
    index: IntentIndex,
    name: &'a str,
    intent: &'a AuctionIntent,
    options: Vec<OptionRates>,
    accounts: Vec<Account>,
    /// What the built-in bidder alone fills of it.
    floor: Option<FloorTerms>,
    fills: Vec<(&'a Executed, Fill)>,
    /// What its best path gives with nobody else.
    open: Option<Routed>,
    /// What its best path would give after what executed.
    now: Option<Routed>,
    /// What its best path would give with nobody else if a part were enough.
    part: Option<Routed>,
    takers: Vec<Taker<'a>>,
    opposing: Vec<Opposing<'a>>,
    why: Why,
}

impl<'a> Explained<'a> {
    fn new(auction: &'a Auction, competition: &'a Competition, index: IntentIndex) -> Option<Explained<'a>> {
        let (input, clearing) = (&auction.input, &competition.clearing);
        let (intent, name) = (input.intents.get(index.at())?, auction.intent_name(index)?);
        let alone = Alone::new(input, index, clearing);
        let rates = |option| {
            OptionRates::of(
                input,
                (intent.kind, option),
                &clearing.bound.prices,
                &alone.paths,
                [&alone.opening, &alone.after],
            )
        };
        let of_bundle = |executed: &'a Executed| {
            let own = executed.bundle.fills.iter().filter(|fill| fill.intent == index);
            own.map(|fill| (executed, *fill)).collect::<Vec<_>>()
        };
        let open = alone.at_the_open();
        let takers = open.as_ref().map(|open| takers(clearing, &open.bundle)).unwrap_or_default();
        let mut explained = Explained {
            auction,
            competition,
            index,
            name,
            intent,
            options: intent.options.iter().map(rates).collect(),
            accounts: account::accounts(auction, clearing, index, &alone),
            floor: clearing.floor_of(index),
            fills: clearing.executed.iter().flat_map(of_bundle).collect(),
            now: alone.now(),
            part: if open.is_none() { alone.in_part() } else { None },
            open,
            takers,
            opposing: opposing(auction, index),
            why: Why::Filled,
        };
        // A bundle that fills it takes nothing from it.
        let own: Vec<(SolverId, u32)> = explained.fills.iter().map(|(by, _)| (by.solver, by.number)).collect();
        explained.takers.retain(|taker| !own.contains(&(taker.executed.solver, taker.executed.number)));
        explained.why = why::why(&explained);
        Some(explained)
    }

    /// What is filled of the fixed side.
    fn filled(&self) -> Atoms {
        self.fills
            .iter()
            .fold(0, |sum: Atoms, (_, fill)| sum.saturating_add(self.intent.fixed_of(fill.sold, fill.bought)))
    }

    /// All of the fixed side: through the option that was filled, or the first.
    fn size(&self) -> Atoms {
        size_of(self.intent, self.fills.first().map_or(0, |(_, fill)| fill.option))
    }

    /// Who bid a bundle.
    fn bidder(&self, solver: SolverId) -> &'a str {
        let answer = self.competition.answers.iter().find(|answer| answer.solution.solver == solver);
        answer.map_or("floor", |answer| answer.strategy)
    }

    /// The names of the intents that a bundle fills.
    fn served(&self, executed: &'a Executed) -> Vec<&'a str> {
        executed.bundle.fills.iter().filter_map(|fill| self.auction.intent_name(fill.intent)).collect()
    }
}

#[cfg(test)]
mod tests;
