//! The single writer: takes requests, makes batches durable, applies them, answers, publishes.
//!
//! Durable first, then applied, then answered: what was acknowledged is in the log. Readers look between two
//! batches and never take more of the time than writers do.

mod auctioneer;
mod batching;
mod looks;
mod queues;
#[cfg(test)]
pub(crate) mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Clearing};
use clearlane_core::breakage::Breakage;
use clearlane_core::event::Event;
use clearlane_core::hash::Hash;
use clearlane_core::names::AuctionId;
use clearlane_core::record::{Body, Record};
use clearlane_core::time::Timestamp;
use clearlane_log::{Appended, Batch, Log, LogError, Sequence};
use tokio::sync::broadcast;

use crate::bids::Bids;
use crate::cell::Cell;
use crate::clearings::Clearings;
use crate::clock::Clock;
use crate::executor::Workers;
use crate::keys::ActiveKeys;
use crate::offers::Offers;
use crate::scales::AssetScales;
use crate::settings::AuctionTimes;

use auctioneer::Auctioneer;
use batching::{Draft, Encoded, Item};
use looks::LookBudget;
pub use queues::{Admitted, Door, LOOKS_MAX, Look, Queues, REQUESTS_MAX, Reply, Stopper, queues};

/// The notices a solver stream may lag behind.
pub const NOTICES_MAX: usize = 64;
/// How long an outcome may go without a batch that covers it.
const COVER_WITHIN: Duration = Duration::from_millis(100);
/// The records after which a checkpoint is written although no auction settled: what replay then has to search
/// between two roots that differ stays a matter of seconds, and hashing the state is paid for by many records.
const CHECKPOINT_RECORDS: u64 = 10_000;
/// How many times as long as hashing the state took the next settled auction's checkpoint waits: the state is read
/// three times for one, and a large one must not take more than about a twentieth of the time.
const CHECKPOINT_PAUSE: u32 = 60;

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
    /// How clearings went.
    pub clearings: Arc<Clearings>,
    /// Solutions while an auction takes them.
    pub bids: Arc<Bids>,
    /// What solvers were told of auctions.
    pub offers: Arc<Offers>,
    /// The scales that admission parses amounts by.
    pub scales: Arc<AssetScales>,
    /// The keys that admission knows.
    pub keys: Arc<ActiveKeys>,
    /// What solvers are told.
    pub notices: broadcast::Sender<Notice>,
}

/// The single writer of a cell.
pub struct Sequencer {
    parts: Parts,
    queues: Queues,
    auctioneer: Auctioneer,
    looks: LookBudget,
    last: Sequence,
    covered: u64,
    written: Instant,
    needs_checkpoint: bool,
    checkpoint_from: Instant,
}

impl Sequencer {
    /// A sequencer over these parts; by the door it is reached from threads that it starts itself.
    #[must_use]
    pub fn new(parts: Parts, queues: Queues, door: Door) -> Sequencer {
        let last = parts.log.last().map_or(Sequence(0), |header| header.sequence);
        let covered = parts.log.last().map_or(0, |header| header.applied_through);
        let auctioneer = Auctioneer::new(&parts, door);
        let looks = LookBudget::default();
        let now = Instant::now();
        Sequencer {
            parts,
            queues,
            auctioneer,
            looks,
            last,
            covered,
            written: now,
            needs_checkpoint: false,
            checkpoint_from: now,
        }
    }

    /// Works until asked to stop.
    ///
    /// # Errors
    ///
    /// Ends at once when the log can't be written or the state machine breaks.
    pub fn run(mut self) -> Result<Cell, SequencerError> {
        loop {
            self.queues.wait(self.time_to_wait());
            if self.queues.is_stop_asked() {
                return self.finish();
            }
            let started = Instant::now();
            let mut draft = Draft::default();
            self.checkpoint_if_due(&mut draft, started);
            self.gather(&mut draft);
            while let Ok(clearing) = self.queues.clearings.try_recv() {
                self.auctioneer.cleared(&self.parts, &mut draft, clearing);
            }
            self.auctioneer.step(&mut self.parts, &mut draft);
            // Readers wake this thread as well, and must not make it write.
            let is_cover_due = self.is_uncovered() && self.written.elapsed() >= COVER_WITHIN;
            if !draft.is_empty() || is_cover_due {
                self.commit(draft)?;
                self.looks.wrote(started.elapsed());
            }
            self.serve_looks();
        }
    }

    /// A checkpoint holds the root of the state before it, so that it comes first in a draft.
    fn checkpoint_if_due(&mut self, draft: &mut Draft, now: Instant) {
        let is_settled = self.needs_checkpoint && now >= self.checkpoint_from;
        if is_settled || self.parts.cell.records_since_checkpoint() >= CHECKPOINT_RECORDS {
            draft.push(self.parts.cell.checkpoint());
            self.needs_checkpoint = false;
            self.checkpoint_from = now + now.elapsed().saturating_mul(CHECKPOINT_PAUSE);
        }
    }

    /// Writes what was accepted before the stop, then a last checkpoint.
    fn finish(mut self) -> Result<Cell, SequencerError> {
        // Admission takes nothing more, so that what waits now is all there is; the bound is for those in between.
        let mut left = REQUESTS_MAX;
        while left > 0 {
            let mut draft = Draft::default();
            left = left.saturating_sub(self.gather(&mut draft));
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

    fn time_to_wait(&self) -> Duration {
        let due = self.auctioneer.wait(&self.parts);
        let cover = COVER_WITHIN.saturating_sub(self.written.elapsed());
        if self.is_uncovered() { due.min(cover) } else { due }
    }

    /// Takes commands while they fit the draft; returns how many.
    fn gather(&mut self, draft: &mut Draft) -> usize {
        let mut taken = 0;
        while !draft.is_full() {
            let Ok(Admitted { commands, reply }) = self.queues.commands.try_recv() else { break };
            draft.push_commands(commands, reply);
            taken += 1;
        }
        taken
    }

    fn serve_looks(&mut self) {
        self.looks.start_turn();
        while self.looks.allows(!self.queues.commands.is_empty()) {
            let Ok(look) = self.queues.looks.try_recv() else { return };
            let started = Instant::now();
            let (cell, last) = (&mut self.parts.cell, self.last);
            // A reader that fails must not take the writer with it; whoever asked hears that nobody answers.
            if catch_unwind(AssertUnwindSafe(|| look(cell, last))).is_err() {
                tracing::error!("a reader's look at the cell panicked");
            }
            self.looks.looked(started.elapsed());
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
        self.written = Instant::now();
        let batch_hash = Hash(header.hash());
        for item in items {
            let record = Record { time: item.time, body: item.stored.into_body() };
            let workers = Arc::clone(&self.parts.workers);
            let outcome = self.parts.cell.apply(batch_hash, item.clearing, workers.as_ref(), &record)?;
            self.publish(&record, &outcome.events);
            if let Some(reply) = item.reply {
                // The client may have gone; it learns the outcome by sending the same id again.
                let _ = reply.outcomes.send(outcome.commands);
            }
        }
        Ok(())
    }

    fn publish(&mut self, record: &Record, events: &[Event]) {
        if let Body::Commands(commands) = &record.body {
            self.parts.scales.take_in(&self.parts.cell.state);
            self.parts.keys.take_in(&self.parts.cell.state, &commands.commands);
            self.auctioneer.stir(&self.parts);
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
            // Of a new auction solvers hear once its floors are known.
            if !matches!(notice, Notice::Opened(_)) {
                // Nobody may be listening.
                let _ = self.parts.notices.send(notice);
            }
        }
    }
}
