//! Withdraws what is left of an intent: at once, or when the auction that offers it ends.

use super::{Cancel, Desk, Stop, refuse};
use crate::book::IntentKey;
use crate::event::{Accepted, End, Event, IntentChange, IntentEvent};
use crate::refusal::Reason;

pub(super) fn apply(desk: &mut Desk<'_>, cancel: &Cancel) -> Result<Accepted, Stop> {
    let key = IntentKey { party: desk.party, id: cancel.intent };
    let offered_in = desk.state.auction.as_ref().map(|pending| pending.input.auction.0);
    let Some(intent) = desk.state.book.get_mut(key) else {
        let was_submitted =
            desk.state.ids.get(desk.party, cancel.intent).is_some_and(|known| known.is_intent && known.result.is_ok());
        let (reason, message) = if was_submitted {
            (Reason::AlreadyFinal, format!("intent {} has ended", cancel.intent))
        } else {
            (Reason::UnknownIntent, format!("no intent {} of this party", cancel.intent))
        };
        return refuse(reason, "intent", message).map_err(Stop::from);
    };
    if offered_in == Some(intent.last_offered) {
        intent.is_cancelling = true;
        return Ok(Accepted::Queued);
    }
    desk.state.book.remove(key);
    let change = IntentChange::Ended(End::Cancelled);
    desk.events.push(Event::Intent(IntentEvent { party: key.party, id: key.id, time: desk.state.clock, change }));
    Ok(Accepted::Done)
}
