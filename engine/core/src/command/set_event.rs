//! Attests or withdraws an event; doing so again changes nothing. An auction in progress keeps what it opened with.

use super::{Desk, SetEvent, Stop, refuse};
use crate::event::Accepted;
use crate::fact::EVENTS_MAX;
use crate::refusal::Reason;

pub(super) fn apply(desk: &mut Desk<'_>, set: &SetEvent) -> Result<Accepted, Stop> {
    let events = &mut desk.state.events;
    if !set.is_attested {
        events.remove(&set.name);
        return Ok(Accepted::Done);
    }
    if events.len() >= EVENTS_MAX && !events.contains(&set.name) {
        refuse(Reason::Exhausted, "name", format!("expected at most {EVENTS_MAX} events; withdraw old ones"))?;
    }
    events.insert(set.name.clone());
    Ok(Accepted::Done)
}
