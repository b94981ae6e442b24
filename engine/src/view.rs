//! What readers see: intents with their history, statements, auctions. Built from events, never decided on.
//!
//! Owned by the sequencer, so that a reader sees books and view of the same moment.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use clearlane_core::auction::{AuctionInput, Clearing};
use clearlane_core::book::IntentKey;
use clearlane_core::event::{End, Event, IntentChange, IntentEvent, Posting};
use clearlane_core::hash::Hash;
use clearlane_core::intent::Intent;
use clearlane_core::money::{Atoms, Score};
use clearlane_core::names::{AccountIndex, AuctionId, PartyIndex};
use clearlane_core::time::Timestamp;
use tokio::sync::mpsc;

/// The entries kept per account; older ones are in the log.
pub const STATEMENT_ENTRIES_MAX: usize = 10_000;
/// The updates kept per intent; a partial fill an auction for a day fits.
pub const INTENT_UPDATES_MAX: usize = 1_024;
/// The ended intents that can still be looked up; older ones are in the log.
pub const ENDED_INTENTS_MAX: usize = 1_000_000;
/// The auctions that can still be looked up.
pub const AUCTIONS_MAX: usize = 10_000;
/// The updates a watcher may lag behind before it is cut off.
pub const WATCHER_QUEUE_MAX: usize = 4_096;
/// The most watchers at a time.
pub const WATCHERS_MAX: usize = 1_024;

/// What readers see.
#[derive(Debug, Default)]
pub struct View {
    intents: HashMap<IntentKey, IntentView>,
    ended: VecDeque<IntentKey>,
    by_party: BTreeMap<IntentKey, ()>,
    statements: HashMap<AccountIndex, VecDeque<Entry>>,
    auctions: VecDeque<AuctionView>,
    open: Option<Arc<AuctionInput>>,
    watchers: Vec<Watcher>,
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

/// An intent with its history.
#[derive(Clone, Debug)]
pub struct IntentView {
    /// As it was submitted.
    pub intent: Box<Intent>,
    /// Atoms that left the owner so far.
    pub sold: Atoms,
    /// Atoms that reached the payee so far.
    pub bought: Atoms,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// Its last [`INTENT_UPDATES_MAX`] changes.
    pub updates: VecDeque<IntentEvent>,
}

/// One line of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// When it was posted.
    pub time: Timestamp,
    /// Whether it arrived here.
    pub is_credit: bool,
    /// The posting.
    pub posting: Posting,
}

/// An auction that ended.
#[derive(Clone, Debug)]
pub struct AuctionView {
    /// Which.
    pub auction: AuctionId,
    /// When it ended.
    pub time: Timestamp,
    /// Intents on offer.
    pub intents: usize,
    /// What was decided; `None` if it was voided.
    pub clearing: Option<Arc<Clearing>>,
    /// What it was decided on.
    pub input: Arc<AuctionInput>,
}

impl AuctionView {
    /// The captured score; zero if the auction was voided.
    #[must_use]
    pub fn score(&self) -> Score {
        self.clearing.as_ref().map_or(0, |clearing| clearing.score)
    }
}

/// Somebody who wants to hear of changes.
#[derive(Debug)]
struct Watcher {
    party: PartyIndex,
    only: Option<IntentKey>,
    sender: mpsc::Sender<IntentEvent>,
}

impl View {
    /// Takes in what a record at `time` did.
    pub fn take_in(&mut self, time: Timestamp, events: &[Event]) {
        for event in events {
            match event {
                Event::Posted(posting) => self.post(time, *posting),
                Event::Intent(change) => self.change(change),
                Event::AuctionOpened(input) => self.open = Some(Arc::clone(input)),
                Event::AuctionClosed(_) | Event::Checkpoint(_) => {}
                Event::AuctionSettled(clearing) => self.end_auction(time, Some(Arc::clone(clearing))),
                Event::AuctionVoided(_) => self.end_auction(time, None),
            }
        }
    }

    /// Tells a new watcher of a party's intents, or of one of them, from now on; `None` if there are too many.
    pub fn watch(&mut self, party: PartyIndex, only: Option<IntentKey>) -> Option<mpsc::Receiver<IntentEvent>> {
        self.watchers.retain(|watcher| !watcher.sender.is_closed());
        if self.watchers.len() >= WATCHERS_MAX {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WATCHER_QUEUE_MAX);
        self.watchers.push(Watcher { party, only, sender });
        Some(receiver)
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
        self.statements.get(&account).into_iter().flatten()
    }

    /// The auctions that ended last, oldest first.
    pub fn auctions(&self) -> impl Iterator<Item = &AuctionView> {
        self.auctions.iter()
    }

    /// How many intents were accepted and how they ended.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn post(&mut self, time: Timestamp, posting: Posting) {
        for (account, is_credit) in [(posting.debit, false), (posting.credit, true)] {
            let entries = self.statements.entry(account).or_default();
            if entries.len() >= STATEMENT_ENTRIES_MAX {
                entries.pop_front();
            }
            entries.push_back(Entry { time, is_credit, posting });
        }
    }

    fn change(&mut self, event: &IntentEvent) {
        let key = IntentKey { party: event.party, id: event.id };
        if let IntentChange::Accepted(intent) = &event.change {
            let view = IntentView { intent: intent.clone(), sold: 0, bought: 0, end: None, updates: VecDeque::new() };
            self.intents.insert(key, view);
            self.by_party.insert(key, ());
            self.counts.accepted += 1;
        }
        if let Some(view) = self.intents.get_mut(&key) {
            note(view, event);
        }
        if let IntentChange::Ended(end) = event.change {
            self.count_end(end);
            self.ended.push_back(key);
            self.forget_oldest();
        }
        self.publish(key, event);
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

    /// A watcher that can't keep up is cut off; it asks again and reads what it missed.
    fn publish(&mut self, key: IntentKey, event: &IntentEvent) {
        self.watchers.retain(|watcher| {
            let is_meant = watcher.party == key.party && watcher.only.is_none_or(|only| only == key);
            !is_meant || watcher.sender.try_send(event.clone()).is_ok()
        });
    }

    fn end_auction(&mut self, time: Timestamp, clearing: Option<Arc<Clearing>>) {
        let Some(input) = self.open.take() else { return };
        if self.auctions.len() >= AUCTIONS_MAX {
            self.auctions.pop_front();
        }
        let intents = input.intents.len();
        self.auctions.push_back(AuctionView { auction: input.auction, time, intents, clearing, input });
    }
}

fn note(view: &mut IntentView, event: &IntentEvent) {
    match &event.change {
        IntentChange::Filled(fill) => {
            view.sold = view.sold.saturating_add(fill.sold);
            view.bought = view.bought.saturating_add(fill.bought);
        }
        IntentChange::Ended(end) => view.end = Some(*end),
        IntentChange::Accepted(_) | IntentChange::Offered(_) | IntentChange::Waiting(_) => {}
    }
    if view.updates.len() >= INTENT_UPDATES_MAX {
        view.updates.pop_front();
    }
    view.updates.push_back(event.clone());
}

/// One line about where an engine stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Engine time.
    pub time: Timestamp,
    /// The last batch in the log.
    pub sequence: u64,
    /// Records applied.
    pub records: u64,
    /// The state root.
    pub root: Hash,
    /// The books' part of the root.
    pub books_root: Hash,
}
