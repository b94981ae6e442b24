//! The active keys as admission and the competition see them: strangers are refused before anything is sequenced.
//!
//! The core checks again, since a revocation can race admission.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use clearlane_core::command::{Action, Command, Role};
use clearlane_core::names::{PublicKey, SolverId};
use clearlane_core::state::{KeyGrant, State};

/// A copy of the table of keys, without those that were revoked.
#[derive(Debug, Default)]
pub struct ActiveKeys(RwLock<HashMap<PublicKey, KeyGrant>>);

impl ActiveKeys {
    /// The active keys of a state.
    #[must_use]
    pub fn of(state: &State) -> ActiveKeys {
        let active = state.keys.iter().filter(|(_, grant)| grant.is_active);
        ActiveKeys(RwLock::new(active.map(|(key, grant)| (*key, *grant)).collect()))
    }

    /// Takes in what some commands did to keys.
    pub fn take_in(&self, state: &State, commands: &[Command]) {
        for command in commands {
            match &command.action {
                Action::AddKey(add) => self.refresh(state, add.key),
                Action::RevokeKey(revoke) => self.refresh(state, revoke.key),
                Action::Submit(_)
                | Action::Cancel(_)
                | Action::DefineAsset(_)
                | Action::DefineModule(_)
                | Action::DefineParty(_)
                | Action::DefineVenue(_)
                | Action::SetPrice(_)
                | Action::SetEvent(_)
                | Action::Deposit(_)
                | Action::Withdraw(_) => {}
            }
        }
    }

    /// Whether this key may act.
    #[must_use]
    pub fn is_active(&self, key: &PublicKey) -> bool {
        self.grant(key).is_some()
    }

    /// The solver that this key bids for, if it may bid.
    #[must_use]
    pub fn solver_of(&self, key: &PublicKey) -> Option<SolverId> {
        let grant = self.grant(key).filter(|grant| grant.role == Role::Solver)?;
        grant.party.0.checked_add(1).map(SolverId)
    }

    fn grant(&self, key: &PublicKey) -> Option<KeyGrant> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn refresh(&self, state: &State, key: PublicKey) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match state.keys.get(&key).filter(|grant| grant.is_active) {
            Some(grant) => keys.insert(key, *grant),
            None => keys.remove(&key),
        };
    }
}
