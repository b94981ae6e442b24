//! Remembered ids: what was asked under an id and what came of it, until its window ends.

use std::collections::BTreeMap;

use crate::event::Accepted;
use crate::hash::Hash;
use crate::names::{CommandId, PartyIndex};
use crate::refusal::Refusal;

/// The most ids that a record lets go besides twice as many as it may add: its work is bounded, and ids
/// leave faster than they come.
pub const FORGOTTEN_MAX: usize = 64;

/// What is remembered of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The hash of the bytes that came under it.
    pub digest: Hash,
    /// The first outcome.
    pub result: Result<Accepted, Refusal>,
    /// Whether it was an intent.
    pub is_intent: bool,
}

/// Ids in order of time, since a UUIDv7 starts with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RememberedIds(BTreeMap<(CommandId, PartyIndex), Remembered>);

impl RememberedIds {
    /// What is remembered of a party's id.
    #[must_use]
    pub fn get(&self, party: PartyIndex, id: CommandId) -> Option<&Remembered> {
        self.0.get(&(id, party))
    }

    /// Remembers the outcome of a party's id.
    pub fn insert(&mut self, party: PartyIndex, id: CommandId, remembered: Remembered) {
        self.0.insert((id, party), remembered);
    }

    /// Lets go of the oldest ids made before `millis`, at most `most`.
    pub fn forget_before(&mut self, millis: u64, most: usize) {
        for _ in 0..most {
            let Some(oldest) = self.0.first_entry() else { return };
            if oldest.key().0.millis().is_some_and(|made| made >= millis) {
                return;
            }
            oldest.remove();
        }
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every id in order of time.
    pub fn iter(&self) -> impl Iterator<Item = (PartyIndex, CommandId, &Remembered)> {
        self.0.iter().map(|((id, party), remembered)| (*party, *id, remembered))
    }
}
