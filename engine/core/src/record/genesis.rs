//! The first record: from it a state starts.

use super::{Body, Record};
use crate::breakage::Breakage;
use crate::command::Role;
use crate::names::PartyIndex;
use crate::state::{KeyGrant, State};

/// The state after the first record.
///
/// # Errors
///
/// Breaks if the record is not a genesis, or its configuration can't work.
pub fn start(record: &Record) -> Result<State, Breakage> {
    let Body::Genesis(genesis) = &record.body else { return Err(Breakage::Genesis) };
    genesis.config.check().map_err(Breakage::Config)?;
    let mut state = State::new(genesis.config.clone());
    state.parties.add(genesis.admin.clone(), ());
    let grant = KeyGrant { party: PartyIndex(0), role: Role::Admin, is_active: true };
    state.keys.insert(genesis.admin_key, grant);
    state.clock = record.time;
    state.records = 1;
    Ok(state)
}
