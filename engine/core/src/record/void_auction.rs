//! Ends an auction without effect: releases what it reserved and lets waiting cancels act.

use crate::book::IntentKey;
use crate::breakage::Breakage;
use crate::event::{End, Event, IntentChange, IntentEvent, Outcome};
use crate::pending::PendingAuction;
use crate::state::State;

pub(super) fn apply(state: &mut State, outcome: &mut Outcome) -> Result<(), Breakage> {
    let Some(pending) = state.auction.take() else { return Ok(()) };
    release(state, &pending)?;
    for offered in &pending.intents {
        end_if_cancelled(state, offered.key, outcome);
    }
    outcome.events.push(Event::AuctionVoided(pending.input.auction));
    Ok(())
}

/// Releases what the auction reserved.
pub(super) fn release(state: &mut State, pending: &PendingAuction) -> Result<(), Breakage> {
    for (account, reserve) in pending.reserves.iter().zip(&pending.input.reserves) {
        state.ledger.release(*account, reserve.amount)?;
    }
    Ok(())
}

/// Ends an intent that its party withdrew while it was on offer.
pub(super) fn end_if_cancelled(state: &mut State, key: IntentKey, outcome: &mut Outcome) {
    if state.book.get(key).is_some_and(|intent| intent.is_cancelling) {
        state.book.remove(key);
        let change = IntentChange::Ended(End::Cancelled);
        outcome.events.push(Event::Intent(IntentEvent { party: key.party, id: key.id, time: state.clock, change }));
    }
}
