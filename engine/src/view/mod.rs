//! What readers see: intents with their history, statements, auctions. Built from events, never decided on.
//!
//! Owned by the sequencer, so that a reader sees books and view of the same moment. Everything in it is bounded;
//! what it forgets is in the log.

mod auctions;
mod history;
mod statements;
mod watchers;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use clearlane_core::book::IntentKey;
use clearlane_core::event::{End, Event, IntentChange, IntentEvent};
use clearlane_core::names::{AccountIndex, PartyIndex};
use clearlane_core::time::Timestamp;

pub use auctions::{AuctionSummary, AuctionView, FULL_AUCTIONS_BYTES_MAX, SUMMARIES_MAX};
pub use history::{INTENT_UPDATES_MAX, IntentView};
pub use statements::{Entry, STATEMENT_ENTRIES_MAX};
pub use watchers::{WATCHER_QUEUE_MAX, WATCHERS_MAX, Watch};

use auctions::Auctions;
use statements::Statements;
use watchers::Watchers;

/// The ended intents that can still be looked up: of ordinary ones, a few hundred megabytes.
pub const ENDED_INTENTS_MAX: usize = 250_000;

/// What readers see.
#[derive(Debug, Default)]
pub struct View {
    intents: HashMap<IntentKey, IntentView>,
    ended: VecDeque<IntentKey>,
    by_party: BTreeMap<IntentKey, ()>,
    statements: Statements,
    auctions: Auctions,
    watchers: Watchers,
    counts: Counts,
}

/// How many intents were accepted and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted.
    pub accepted: u64,
    /// Completely filled.
    pub settled: u64,
    /// Expired.
    pub expired: u64,
    /// Cancelled.
    pub cancelled: u64,
}

impl View {
    /// Takes in what a record at `time` did.
    pub fn take_in(&mut self, time: Timestamp, events: &[Event]) {
        for event in events {
            match event {
                Event::Posted(posting) => self.statements.post(time, *posting),
                Event::Intent(change) => self.change(change),
                Event::AuctionOpened(input) => self.auctions.open(Arc::clone(input)),
                Event::AuctionClosed(_) | Event::Checkpoint(_) => {}
                Event::AuctionSettled(clearing) => self.auctions.end(time, Some(Arc::clone(clearing))),
                Event::AuctionVoided(_) => self.auctions.end(time, None),
            }
        }
    }

    /// Tells a new watcher of a party's intents, or of one of them, from now on; `None` if there are too many.
    pub fn watch(&mut self, party: PartyIndex, only: Option<IntentKey>) -> Option<Watch> {
        self.watchers.add(party, only)
    }

    /// An intent by key.
    #[must_use]
    pub fn intent(&self, key: IntentKey) -> Option<&IntentView> {
        self.intents.get(&key)
    }

    /// A party's intents with ids after `after`, at most `most`.
    #[must_use]
    pub fn intents_of(&self, after: IntentKey, most: usize) -> Vec<(IntentKey, &IntentView)> {
        let range = self.by_party.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        let of_party = range.take_while(|(key, ())| key.party == after.party).take(most);
        of_party.filter_map(|(key, ())| Some((*key, self.intents.get(key)?))).collect()
    }

    /// The last entries of an account, oldest first.
    pub fn statement(&self, account: AccountIndex) -> impl Iterator<Item = &Entry> {
        self.statements.of(account)
    }

    /// The auctions that ended last, oldest first, in full: as many as [`FULL_AUCTIONS_BYTES_MAX`] holds.
    pub fn auctions(&self) -> impl Iterator<Item = &AuctionView> {
        self.auctions.full()
    }

    /// The last [`SUMMARIES_MAX`] auctions that ended, oldest first.
    pub fn auction_summaries(&self) -> impl Iterator<Item = &AuctionSummary> {
        self.auctions.summaries()
    }

    /// How many intents were accepted and how they ended.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn change(&mut self, event: &IntentEvent) {
        let key = IntentKey { party: event.party, id: event.id };
        if let IntentChange::Accepted(intent) = &event.change {
            self.intents.insert(key, IntentView::new(intent.clone(), event.time));
            self.by_party.insert(key, ());
            self.counts.accepted += 1;
        }
        if let Some(view) = self.intents.get_mut(&key) {
            view.note(event);
        }
        if let IntentChange::Ended(end) = event.change {
            self.count_end(end);
            self.ended.push_back(key);
            self.forget_oldest();
        }
        self.watchers.publish(key, event);
    }

    fn count_end(&mut self, end: End) {
        match end {
            End::Settled => self.counts.settled += 1,
            End::Expired => self.counts.expired += 1,
            End::Cancelled => self.counts.cancelled += 1,
        }
    }

    fn forget_oldest(&mut self) {
        while self.ended.len() > ENDED_INTENTS_MAX {
            let Some(oldest) = self.ended.pop_front() else { return };
            self.intents.remove(&oldest);
            self.by_party.remove(&oldest);
        }
    }
}
