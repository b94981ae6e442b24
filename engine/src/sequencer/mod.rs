//! The single writer: takes requests, makes batches durable, applies them, answers, publishes.
//!
//! Durable first, then applied, then answered: what was acknowledged is in the log.

mod auctioneer;
mod batching;

use std::sync::Arc;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, Clearing};
use clearlane_core::breakage::Breakage;
use clearlane_core::event::{CommandOutcome, Event};
use clearlane_core::hash::Hash;
use clearlane_core::names::AuctionId;
use clearlane_core::record::{Body, Record};
use clearlane_core::time::Timestamp;
use clearlane_log::{Appended, Batch, Log, LogError, Sequence};
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};
use tokio::sync::{broadcast, oneshot};

use crate::bids::Bids;
use crate::cell::Cell;
use crate::clock::Clock;
use crate::executor::Workers;
use crate::scales::AssetScales;
use crate::settings::AuctionTimes;
use crate::stored::StoredCommands;

use auctioneer::Auctioneer;
use batching::{Draft, Encoded, Item};

/// The requests that may wait for the sequencer: a few batches' worth; beyond that clients are told to come back.
pub const REQUESTS_MAX: usize = 4_096;
/// The notices a solver stream may lag behind.
pub const NOTICES_MAX: usize = 64;
/// How long an outcome may go without a batch that covers it.
const COVER_WITHIN: Duration = Duration::from_millis(100);

/// A look at the cell and the last batch's sequence.
pub type Look = Box<dyn FnOnce(&mut Cell, Sequence) + Send>;

/// What the sequencer is asked.
pub enum Request {
    /// To sequence commands whose signature was verified.
    Commands(StoredCommands, oneshot::Sender<Vec<CommandOutcome>>),
    /// To let somebody look at the cell between two batches.
    Look(Look),
    /// To settle an auction by this clearing, computed off this thread.
    Cleared(Arc<Clearing>),
    /// To write what is left, checkpoint, and stop.
    Stop,
}

/// What solvers are told.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An auction opened on this input.
    Opened(Arc<AuctionInput>),
    /// An auction takes no more solutions.
    Closed(AuctionId),
    /// An auction was settled.
    Settled(Arc<Clearing>),
    /// An auction ended without effect.
    Voided(AuctionId),
}

/// Why the sequencer stopped.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The log can't be written.
    #[error("log: {0}")]
    Log(#[from] LogError),
    /// Somebody else writes this log.
    #[error("the log moved on to batch {0} under another writer")]
    Fenced(u64),
    /// The log does not know whether the batch is durable.
    #[error("the log can't say whether the last batch is durable")]
    Ambiguous,
    /// The state machine is broken.
    #[error("core: {0}")]
    Broken(#[from] Breakage),
}

/// What the sequencer works with.
pub struct Parts {
    /// The log, recovered.
    pub log: Box<dyn Log>,
    /// The cell as the log's records left it.
    pub cell: Cell,
    /// Engine time.
    pub clock: Clock,
    /// When auctions open, close and settle.
    pub times: AuctionTimes,
    /// Lanes for clearing.
    pub workers: Arc<Workers>,
    /// Solutions while an auction takes them.
    pub bids: Arc<Bids>,
    /// The scales that admission parses amounts by.
    pub scales: Arc<AssetScales>,
    /// What solvers are told.
    pub notices: broadcast::Sender<Notice>,
}

/// The single writer of a cell.
pub struct Sequencer {
    parts: Parts,
    requests: Receiver<Request>,
    auctioneer: Auctioneer,
    last: Sequence,
    covered: u64,
    is_stopping: bool,
    needs_checkpoint: bool,
}

impl Sequencer {
    /// A sequencer over these parts; `itself` reaches it, for work it hands to other threads.
    #[must_use]
    pub fn new(parts: Parts, requests: Receiver<Request>, itself: Sender<Request>) -> Sequencer {
        let last = parts.log.last().map_or(Sequence(0), |header| header.sequence);
        let covered = parts.log.last().map_or(0, |header| header.applied_through);
        let auctioneer = Auctioneer::new(&parts, itself);
        Sequencer { parts, requests, auctioneer, last, covered, is_stopping: false, needs_checkpoint: false }
    }

    /// Works until asked to stop.
    ///
    /// # Errors
    ///
    /// Ends at once when the log can't be written or the state machine breaks.
    pub fn run(mut self) -> Result<Cell, SequencerError> {
        while !self.is_stopping {
            let first = self.next_request()?;
            let mut draft = Draft::default();
            if self.needs_checkpoint {
                draft.push(self.parts.cell.checkpoint());
                self.needs_checkpoint = false;
            }
            self.gather(&mut draft, first);
            self.auctioneer.step(&mut self.parts, &mut draft);
            if !draft.is_empty() || self.is_uncovered() {
                self.commit(draft)?;
            }
        }
        self.finish()
    }

    /// Writes what was accepted before the stop, then a last checkpoint.
    fn finish(mut self) -> Result<Cell, SequencerError> {
        loop {
            let mut draft = Draft::default();
            while let Ok(request) = self.requests.try_recv() {
                self.take(&mut draft, request);
                if draft.is_full() {
                    break;
                }
            }
            if draft.is_empty() {
                break;
            }
            self.commit(draft)?;
        }
        let mut draft = Draft::default();
        draft.push(self.parts.cell.checkpoint());
        self.commit(draft)?;
        if self.is_uncovered() {
            self.commit(Draft::default())?;
        }
        Ok(self.parts.cell)
    }

    fn next_request(&self) -> Result<Option<Request>, SequencerError> {
        let mut wait = self.auctioneer.wait(&self.parts);
        if self.is_uncovered() {
            wait = wait.min(COVER_WITHIN);
        }
        match self.requests.recv_timeout(wait) {
            Ok(request) => Ok(Some(request)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Ok(Some(Request::Stop)),
        }
    }

    fn gather(&mut self, draft: &mut Draft, first: Option<Request>) {
        let Some(first) = first else { return };
        self.take(draft, first);
        while !draft.is_full() && !self.is_stopping {
            match self.requests.try_recv() {
                Ok(request) => self.take(draft, request),
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, draft: &mut Draft, request: Request) {
        match request {
            Request::Commands(commands, reply) => draft.push_commands(commands, reply),
            Request::Look(look) => look(&mut self.parts.cell, self.last),
            Request::Cleared(clearing) => self.auctioneer.cleared(&self.parts, draft, clearing),
            Request::Stop => self.is_stopping = true,
        }
    }

    fn is_uncovered(&self) -> bool {
        self.covered < self.parts.cell.state.records
    }

    /// Makes a draft durable, applies it, and answers; one batch after another if it takes several.
    fn commit(&mut self, draft: Draft) -> Result<(), SequencerError> {
        let time = self.parts.clock.now().max(self.parts.cell.state.clock);
        for group in draft.into_batches(time) {
            self.commit_batch(time, group)?;
        }
        Ok(())
    }

    fn commit_batch(&mut self, time: Timestamp, group: Vec<Encoded>) -> Result<(), SequencerError> {
        let (items, records): (Vec<Item>, Vec<Vec<u8>>) = group.into_iter().map(|one| (one.item, one.bytes)).unzip();
        let batch = Batch {
            time_ns: time.0,
            epoch: self.parts.log.last().map_or(0, |header| header.epoch),
            applied_through: self.parts.cell.state.records,
            outcomes_root: self.parts.cell.outcomes_root().0,
            records,
        };
        let header = match self.parts.log.append(self.last, batch)? {
            Appended::Appended(header) => header,
            Appended::Fenced { found } => return Err(SequencerError::Fenced(found.0)),
            Appended::Ambiguous => return Err(SequencerError::Ambiguous),
        };
        self.last = header.sequence;
        self.covered = header.applied_through;
        let batch_hash = Hash(header.hash());
        for item in items {
            let record = Record { time: item.time, body: item.stored.into_body() };
            let workers = Arc::clone(&self.parts.workers);
            let outcome = self.parts.cell.apply(batch_hash, item.clearing, workers.as_ref(), &record)?;
            self.publish(&record, &outcome.events);
            if let Some(reply) = item.reply {
                // The client may have gone; it learns the outcome by sending the same id again.
                let _ = reply.send(outcome.commands);
            }
        }
        Ok(())
    }

    fn publish(&mut self, record: &Record, events: &[Event]) {
        if matches!(record.body, Body::Commands(_)) {
            self.parts.scales.take_in(&self.parts.cell.state);
        }
        for event in events {
            let notice = match event {
                Event::AuctionOpened(input) => Notice::Opened(Arc::clone(input)),
                Event::AuctionClosed(auction) => Notice::Closed(*auction),
                Event::AuctionSettled(clearing) => {
                    self.needs_checkpoint = true;
                    Notice::Settled(Arc::clone(clearing))
                }
                Event::AuctionVoided(auction) => Notice::Voided(*auction),
                Event::Posted(_) | Event::Intent(_) | Event::Checkpoint(_) => continue,
            };
            self.auctioneer.hear(&self.parts, &notice);
            // Nobody may be listening.
            let _ = self.parts.notices.send(notice);
        }
    }
}
