//! What passing time does before each record: voids a late auction, ends due intents, forgets old ids.

use super::void_auction;
use crate::breakage::Breakage;
use crate::event::{End, Event, IntentChange, IntentEvent, Outcome};
use crate::ids::FORGOTTEN_MAX;
use crate::state::State;

/// The most intents that a record lets expire besides twice as many as it may add: its work is bounded, and
/// intents leave faster than they come.
const EXPIRED_MAX: usize = 256;

/// `commands` is how many commands the record carries.
pub(super) fn apply(state: &mut State, commands: usize, outcome: &mut Outcome) -> Result<(), Breakage> {
    let is_late = state.auction.as_ref().is_some_and(|pending| state.clock > pending.input.settle_by);
    if is_late {
        void_auction::apply(state, outcome)?;
    }
    let added = commands.saturating_mul(2);
    expire_intents(state, EXPIRED_MAX.saturating_add(added), outcome);
    let window_start = state.clock.before(state.config.id_window);
    state.ids.forget_before(window_start.0 / 1_000_000, FORGOTTEN_MAX.saturating_add(added));
    Ok(())
}

/// Intents on offer are left alone: their deadline is at or after the auction's end.
fn expire_intents(state: &mut State, most: usize, outcome: &mut Outcome) {
    let offered_in = state.auction.as_ref().map(|pending| pending.input.auction.0);
    for key in state.book.due_before(state.clock, most) {
        let is_offered = state.book.get(key).is_some_and(|intent| Some(intent.last_offered) == offered_in);
        if is_offered {
            continue;
        }
        state.book.remove(key);
        let change = IntentChange::Ended(End::Expired);
        outcome.events.push(Event::Intent(IntentEvent { party: key.party, id: key.id, time: state.clock, change }));
    }
}
