//! Grants and revokes keys. A key belongs to one party in one role for good; a revoked key never acts again.

use super::{AddKey, Desk, RevokeKey, Role, Stop, refuse};
use crate::event::Accepted;
use crate::names::PublicKey;
use crate::refusal::{Reason, Refusal};
use crate::state::{KEYS_MAX, KeyGrant};

pub(super) fn add(desk: &mut Desk<'_>, add: &AddKey) -> Result<Accepted, Stop> {
    let state = &mut *desk.state;
    let unknown = || Refusal::new(Reason::UnknownParty, "party", format!("no party is named {}", add.party));
    let party = state.party(&add.party).ok_or_else(unknown)?;
    let grant = KeyGrant { party, role: add.role, is_active: true };
    match state.keys.get(&add.key) {
        Some(known) if *known == grant => return Ok(Accepted::Done),
        Some(known) if !known.is_active => {
            refuse(Reason::AlreadyExists, "key", "the key was revoked, and a revoked key never acts again")?
        }
        Some(_) => refuse(Reason::AlreadyExists, "key", "the key was granted before, to another party or role")?,
        None => {}
    }
    if state.keys.len() >= KEYS_MAX {
        refuse(Reason::Exhausted, "key", format!("expected at most {KEYS_MAX} keys"))?;
    }
    state.keys.insert(add.key, grant);
    Ok(Accepted::Done)
}

pub(super) fn revoke(desk: &mut Desk<'_>, revoke: &RevokeKey) -> Result<Accepted, Stop> {
    if is_last_admin(desk, &revoke.key) {
        refuse(Reason::OutOfRange, "key", "expected another active admin key to remain, found none")?;
    }
    let unknown = || Refusal::new(Reason::UnknownKey, "key", format!("no key {} is registered", revoke.key));
    let grant = desk.state.keys.get_mut(&revoke.key).ok_or_else(unknown)?;
    grant.is_active = false;
    Ok(Accepted::Done)
}

fn is_last_admin(desk: &Desk<'_>, key: &PublicKey) -> bool {
    let is_admin = |grant: &KeyGrant| grant.is_active && grant.role == Role::Admin;
    let keys = &desk.state.keys;
    let has_other = keys.iter().any(|(other, grant)| other != key && is_admin(grant));
    keys.get(key).is_some_and(is_admin) && !has_other
}
