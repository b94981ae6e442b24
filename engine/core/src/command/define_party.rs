//! Names a new party; naming it again changes nothing.

use super::{DefineParty, Desk, Stop, refuse};
use crate::event::Accepted;
use crate::refusal::Reason;
use crate::state::PARTIES_MAX;

pub(super) fn apply(desk: &mut Desk<'_>, party: &DefineParty) -> Result<Accepted, Stop> {
    let parties = &mut desk.state.parties;
    if parties.find(&party.name).is_none() && parties.len() >= PARTIES_MAX {
        refuse(Reason::Exhausted, "name", format!("expected at most {PARTIES_MAX} parties"))?;
    }
    parties.add(party.name.clone(), ());
    Ok(Accepted::Done)
}
