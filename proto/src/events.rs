//! Events: changes of intents as their owners see them.

use clearlane_core::event::{End, FillEvent, IntentChange, IntentEvent};

use crate::wire::intent_update::Change;
use crate::{outcome, wire};

/// Writes a change of an intent of this party.
#[must_use]
pub fn to_wire(party: &str, event: &IntentEvent) -> wire::IntentUpdate {
    let change = match &event.change {
        IntentChange::Accepted(_) => Change::Accepted(true),
        IntentChange::Offered(auction) => Change::Offered(auction.0),
        IntentChange::Waiting(refusal) => Change::Waiting(outcome::refusal_to_wire(refusal)),
        IntentChange::Filled(fill) => Change::Filled(fill_to_wire(fill)),
        IntentChange::Ended(end) => Change::Ended(end_to_wire(*end).to_owned()),
    };
    wire::IntentUpdate { party: party.to_owned(), id: event.id.0.to_vec(), time_ns: event.time.0, change: Some(change) }
}

/// Writes how an intent ended.
#[must_use]
pub fn end_to_wire(end: End) -> &'static str {
    match end {
        End::Settled => "settled",
        End::Expired => "expired",
        End::Cancelled => "cancelled",
    }
}

fn fill_to_wire(fill: &FillEvent) -> wire::FillUpdate {
    wire::FillUpdate {
        auction: fill.auction.map_or(0, |auction| auction.0),
        option: u32::from(fill.option),
        sold: fill.sold.to_string(),
        bought: fill.bought.to_string(),
        surplus: fill.surplus.to_string(),
    }
}
