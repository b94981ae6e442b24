//! Names a new module; naming it again changes nothing.

use super::{DefineModule, Desk, Stop, refuse};
use crate::event::Accepted;
use crate::refusal::Reason;
use crate::state::MODULES_MAX;

pub(super) fn apply(desk: &mut Desk<'_>, module: &DefineModule) -> Result<Accepted, Stop> {
    let modules = &mut desk.state.modules;
    if modules.find(&module.name).is_none() && modules.len() >= MODULES_MAX {
        refuse(Reason::Exhausted, "name", format!("expected at most {MODULES_MAX} modules"))?;
    }
    modules.add(module.name.clone(), ());
    Ok(Accepted::Done)
}
