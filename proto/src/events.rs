//! Events: changes of intents as their owners see them.

use clearlane_core::auction::{FloorTerms, Standing};
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
    let standing = fill.standing.as_deref();
    let text = |value: &dyn Fn(&Standing) -> String| standing.map(value).unwrap_or_default();
    wire::FillUpdate {
        auction: fill.auction.map_or(0, |auction| auction.0),
        option: u32::from(fill.option),
        sold: fill.sold.to_string(),
        bought: fill.bought.to_string(),
        surplus: fill.surplus.to_string(),
        floor: standing.and_then(|standing| standing.floor).map(|floor| floor_to_wire(&floor)),
        over_limit: text(&|standing| standing.over_limit.to_string()),
        over_floor: text(&|standing| standing.over_floor.map(|over| over.to_string()).unwrap_or_default()),
        captured: text(&|standing| standing.captured.to_string()),
        bound: text(&|standing| standing.bound.to_string()),
        missed_bps: text(&|standing| standing.missed_hundredth_points().map(basis_points).unwrap_or_default()),
    }
}

/// Writes a floor.
#[must_use]
pub fn floor_to_wire(floor: &FloorTerms) -> wire::FloorTerms {
    let (option, sold, bought) = (u32::from(floor.option), floor.sold.to_string(), floor.bought.to_string());
    wire::FloorTerms { option, sold, bought }
}

/// Writes hundredths of a basis point as basis points with two decimals.
#[must_use]
pub fn basis_points(hundredths: u128) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
