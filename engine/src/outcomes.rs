//! The hash of what a record did: one leaf of the tree whose root the log's headers carry.

use clearlane_core::event::{Accepted, End, Event, IntentChange, Outcome};
use clearlane_core::hash::{Hash, Hasher};
use clearlane_core::root::add_refusal;

/// The leaf of one record's outcome: each command's answer and each change of an intent, in order.
#[must_use]
pub fn leaf(outcome: &Outcome) -> Hash {
    let mut hasher = Hasher::new("clearlane.v1 outcome");
    hasher.count(outcome.commands.len());
    for command in &outcome.commands {
        hasher.bytes(&command.id.0).byte(u8::from(command.is_repeated));
        match &command.result {
            Ok(accepted) => hasher.byte(accepted_code(*accepted)),
            Err(refusal) => add_refusal(hasher.byte(0), refusal),
        };
    }
    for event in &outcome.events {
        add_event(&mut hasher, event);
    }
    hasher.finish()
}

fn accepted_code(accepted: Accepted) -> u8 {
    match accepted {
        Accepted::Done => 1,
        Accepted::Booked => 2,
        Accepted::Queued => 3,
    }
}

fn add_event(hasher: &mut Hasher, event: &Event) {
    match event {
        Event::Intent(change) => {
            hasher.byte(1).number(u64::from(change.party.0)).bytes(&change.id.0);
            add_change(hasher, &change.change);
        }
        Event::AuctionSettled(clearing) => {
            hasher.byte(2).number(clearing.auction.0).hash(clearing.digest);
        }
        Event::AuctionVoided(auction) => {
            hasher.byte(3).number(auction.0);
        }
        Event::Posted(_) | Event::AuctionOpened(_) | Event::AuctionClosed(_) | Event::Checkpoint(_) => {}
    }
}

fn add_change(hasher: &mut Hasher, change: &IntentChange) {
    match change {
        IntentChange::Accepted(_) => hasher.byte(1),
        IntentChange::Offered(auction) => hasher.byte(2).number(auction.0),
        IntentChange::Waiting(refusal) => add_refusal(hasher.byte(3), refusal),
        IntentChange::Filled(fill) => {
            hasher.byte(4).number(fill.auction.map_or(0, |auction| auction.0)).number(u64::from(fill.option));
            hasher.atoms(fill.sold).atoms(fill.bought)
        }
        IntentChange::Ended(end) => hasher.byte(5).byte(end_code(*end)),
    };
}

fn end_code(end: End) -> u8 {
    match end {
        End::Settled => 1,
        End::Expired => 2,
        End::Cancelled => 3,
    }
}
