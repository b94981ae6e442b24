//! The book: open intents with what is left of them.

use std::collections::BTreeMap;

use crate::fact::Clause;
use crate::intent::{Choose, Kind};
use crate::money::{Atoms, Rounding, mul_div};
use crate::names::{AssetIndex, CommandId, ModuleIndex, PartyIndex};
use crate::time::Timestamp;

/// What names an intent: its party and the party's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentKey {
    /// Whose.
    pub party: PartyIndex,
    /// Which.
    pub id: CommandId,
}

/// An open intent, with names resolved and limits folded into its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookIntent {
    /// Which side is fixed.
    pub kind: Kind,
    /// How many options may be used.
    pub choose: Choose,
    /// Whether only the whole may be filled.
    pub is_all_or_nothing: bool,
    /// Who is paid.
    pub payee: PartyIndex,
    /// The ways to fill it.
    pub options: Vec<BookOption>,
    /// The option that the first fill of a one-of intent fixed.
    pub chosen: Option<u16>,
    /// What must be so for it to be offered; empty means nothing.
    pub condition: Vec<Clause>,
    /// It is not offered before this.
    pub valid_from: Timestamp,
    /// It is not filled after this.
    pub deadline: Timestamp,
    /// The auction in which it was offered last; 0 if never.
    pub last_offered: u64,
    /// The auction for which it was last looked at, offered or not; 0 if never.
    pub last_considered: u64,
    /// What its party was told that it waits for, if it was not offered since.
    pub waits_for: Option<WaitsFor>,
    /// Whether its party withdrew it while it was on offer.
    pub is_cancelling: bool,
}

/// Why an open intent is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitsFor {
    /// Its accounts don't cover its minimum.
    Funds,
    /// Its condition does not hold.
    Condition,
}

/// One way to fill an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookOption {
    /// The asset given.
    pub give_asset: AssetIndex,
    /// The paying module; `None` means any of the party's accounts of that asset.
    pub give_module: Option<ModuleIndex>,
    /// The asset got.
    pub get_asset: AssetIndex,
    /// The module of the payee's account.
    pub get_module: ModuleIndex,
    /// At full size: given (exact-in) or the most to give (exact-out).
    pub give_amount: Atoms,
    /// At full size: the least to get (exact-in) or got (exact-out).
    pub get_amount: Atoms,
    /// The most of the fixed side through this option.
    pub maximum: Atoms,
    /// The least fill and the least remainder, in atoms of the fixed side.
    pub minimum: Atoms,
    /// What was filled of the fixed side so far.
    pub filled: Atoms,
}

impl BookOption {
    /// The fixed side at full size.
    #[must_use]
    pub fn full(&self, kind: Kind) -> Atoms {
        match kind {
            Kind::ExactIn => self.give_amount,
            Kind::ExactOut => self.get_amount,
        }
    }

    /// The most that filling `fixed` of this option can cost its account.
    #[must_use]
    pub fn worst_need(&self, kind: Kind, fixed: Atoms) -> Option<Atoms> {
        match kind {
            Kind::ExactIn => Some(fixed),
            Kind::ExactOut => mul_div(fixed, self.give_amount, self.get_amount, Rounding::Down),
        }
    }

    /// The most of the fixed side that `funds` can pay for at the limit price.
    #[must_use]
    pub fn affordable(&self, kind: Kind, funds: Atoms) -> Atoms {
        match kind {
            Kind::ExactIn => funds,
            Kind::ExactOut if funds >= self.give_amount => self.get_amount,
            Kind::ExactOut => mul_div(funds, self.get_amount, self.give_amount, Rounding::Down).unwrap_or(0),
        }
    }
}

impl BookIntent {
    /// What was filled of the fixed side, over all options.
    #[must_use]
    pub fn filled(&self) -> Atoms {
        self.options.iter().fold(0, |sum, option| sum.saturating_add(option.filled))
    }

    /// What is left of the fixed side through one option.
    #[must_use]
    pub fn left(&self, option: &BookOption) -> Atoms {
        let whole = option.full(self.kind).saturating_sub(self.filled());
        whole.min(option.maximum.saturating_sub(option.filled))
    }

    /// What is left of the fixed side in all.
    #[must_use]
    pub fn remaining(&self) -> Atoms {
        let chosen = self.chosen.and_then(|chosen| self.options.get(usize::from(chosen)));
        let full = chosen.or(self.options.first()).map_or(0, |option| option.full(self.kind));
        full.saturating_sub(self.filled())
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_untouched = self.filled() == 0;
        !is_untouched && self.remaining() == 0
    }
}

/// The open intents, by key and by deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    intents: BTreeMap<IntentKey, BookIntent>,
    by_deadline: BTreeMap<(Timestamp, IntentKey), ()>,
}

impl Book {
    /// Adds an intent; its key must be new.
    pub fn insert(&mut self, key: IntentKey, intent: BookIntent) {
        self.by_deadline.insert((intent.deadline, key), ());
        self.intents.insert(key, intent);
    }

    /// Takes an intent out.
    pub fn remove(&mut self, key: IntentKey) -> Option<BookIntent> {
        let intent = self.intents.remove(&key)?;
        self.by_deadline.remove(&(intent.deadline, key));
        Some(intent)
    }

    /// The intent of this key.
    #[must_use]
    pub fn get(&self, key: IntentKey) -> Option<&BookIntent> {
        self.intents.get(&key)
    }

    /// The intent of this key, to change anything but its deadline.
    pub fn get_mut(&mut self, key: IntentKey) -> Option<&mut BookIntent> {
        self.intents.get_mut(&key)
    }

    /// Up to `most` intents whose deadline lies before `time`, earliest first.
    #[must_use]
    pub fn due_before(&self, time: Timestamp, most: usize) -> Vec<IntentKey> {
        let end = (time, IntentKey { party: PartyIndex(0), id: CommandId([0; 16]) });
        self.by_deadline.range(..end).take(most).map(|((_, key), ())| *key).collect()
    }

    /// The earliest deadline of an open intent.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.by_deadline.first_key_value().map(|((deadline, _), ())| *deadline)
    }

    /// Every intent in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (&IntentKey, &BookIntent)> {
        self.intents.iter()
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.intents.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intents.is_empty()
    }
}
