//! The auction clock: opens an auction when intents wait, closes it in time, has it cleared off this thread.
//!
//! After a restart an auction that was still open is left to become void; a closed one is cleared again.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, Clearing, RuleSet};
use clearlane_core::book::{BookIntent, WaitsFor};
use clearlane_core::fact;
use clearlane_core::names::AuctionId;
use clearlane_core::record::{Body, SettleAuction};
use clearlane_core::time::{Span, Timestamp};

use super::batching::Draft;
use super::{Door, Notice, Parts};

/// The longest the sequencer sleeps: it then looks at the clock again.
const SLEEP_MAX: Duration = Duration::from_millis(500);

/// The intents that one record lets expire, as the core bounds it; more records than needed do no harm.
const EXPIRED_A_RECORD: usize = 256;
/// The due intents that one batch looks at: those of one full envelope; the next batch follows at once.
const EXPIRING_MAX: usize = 8_192;

/// How often the time to the next auction doubles at most while auctions execute nothing: to 16 times the usual,
/// so that a few intents that nobody can fill don't fill the disk.
const QUIET_DOUBLINGS_MAX: u32 = 4;

/// When the next step of an auction is due.
pub(super) struct Auctioneer {
    door: Door,
    next_open: Timestamp,
    close: Option<(AuctionId, Timestamp)>,
    /// How many auctions in a row executed nothing while nobody asked for anything.
    quiet: u32,
    /// The thread that clears; one that outlasts its auction goes on, and the next auction waits for it.
    clearing: Option<JoinHandle<()>>,
}

impl Auctioneer {
    pub(super) fn new(parts: &Parts, door: Door) -> Auctioneer {
        let next_open = parts.clock.now().after(parts.times.every);
        let mut auctioneer = Auctioneer { door, next_open, close: None, quiet: 0, clearing: None };
        if parts.cell.state.auction.as_ref().is_some_and(|pending| !pending.is_open) {
            auctioneer.start_clearing(parts);
        }
        auctioneer
    }

    /// How long until something is due.
    pub(super) fn wait(&self, parts: &Parts) -> Duration {
        let state = &parts.cell.state;
        let due = match (&self.close, &state.auction) {
            (Some((_, close_at)), _) => *close_at,
            (None, Some(pending)) => pending.input.settle_by.after(Span(1)),
            (None, None) if state.book.is_empty() => return SLEEP_MAX,
            (None, None) => self.next_open,
        };
        // A deadline belongs to the time in which an intent may still be filled.
        let expiry = state.book.next_deadline().map_or(due, |deadline| deadline.after(Span(1)));
        parts.clock.until(due.min(expiry)).min(SLEEP_MAX)
    }

    /// Adds what is due to the batch.
    pub(super) fn step(&mut self, parts: &mut Parts, draft: &mut Draft) {
        let now = parts.clock.now();
        self.step_auction(parts, draft, now);
        let is_late = parts.cell.state.auction.as_ref().is_some_and(|pending| now > pending.input.settle_by);
        let expiring = parts.cell.state.book.due_before(now, EXPIRING_MAX).len().div_ceil(EXPIRED_A_RECORD);
        // Every record lets some expire and voids a late auction, so that those in the batch already do.
        for _ in draft.len()..expiring.max(usize::from(is_late)) {
            draft.push(Body::Tick);
        }
    }

    fn step_auction(&mut self, parts: &mut Parts, draft: &mut Draft, now: Timestamp) {
        if let Some((auction, close_at)) = self.close {
            if now >= close_at {
                self.close = None;
                self.close_auction(parts, draft, auction);
            }
            return;
        }
        let state = &parts.cell.state;
        if state.auction.is_some() || now < self.next_open || state.book.is_empty() {
            return;
        }
        self.next_open = self.next_after(parts, now);
        if self.is_clearing() {
            tracing::warn!("clearing outlasts its auction; the next one waits for it");
            return;
        }
        let settle_by = now.after(parts.times.bidding).after(parts.times.settling);
        // Whoever was told to wait for a condition hears more once it holds.
        let is_news = |intent: &BookIntent| {
            intent.waits_for != Some(WaitsFor::Condition) || fact::holds(state, &intent.condition)
        };
        let is_ready =
            |intent: &BookIntent| intent.valid_from <= now && intent.deadline >= settle_by && is_news(intent);
        if state.book.iter().any(|(_, intent)| is_ready(intent)) {
            draft.push_opening(parts.times);
        }
    }

    /// Hears what happened to auctions.
    pub(super) fn hear(&mut self, parts: &Parts, notice: &Notice) {
        match notice {
            Notice::Opened(input) => {
                parts.bids.open(Arc::clone(input));
                publish(parts, Arc::clone(input));
                self.close = Some((input.auction, input.close_at));
            }
            Notice::Closed(_) => self.start_clearing(parts),
            Notice::Settled(clearing) => {
                self.quiet = if clearing.executed.is_empty() { self.quiet.saturating_add(1) } else { 0 };
                if self.quiet > 0 {
                    self.next_open = self.next_open.max(self.next_after(parts, parts.clock.now()));
                }
                self.close = None;
                parts.bids.discard();
            }
            Notice::Voided(_) => {
                self.close = None;
                parts.bids.discard();
            }
        }
    }

    /// Hears that somebody asked for something: the next auction may have more to do than the last.
    pub(super) fn stir(&mut self, parts: &Parts) {
        if std::mem::take(&mut self.quiet) > 0 {
            self.next_open = self.next_open.min(parts.clock.now().after(parts.times.every));
        }
    }

    /// When the next auction opens: later and later while auctions execute nothing and nobody asks for anything,
    /// but no later than the next intent becomes valid.
    fn next_after(&self, parts: &Parts, now: Timestamp) -> Timestamp {
        let usual = now.after(parts.times.every);
        if self.quiet == 0 {
            return usual;
        }
        let factor = 1 << self.quiet.min(QUIET_DOUBLINGS_MAX);
        let later = now.after(Span(parts.times.every.0.saturating_mul(factor)));
        let starts = parts.cell.state.book.iter().map(|(_, intent)| intent.valid_from).filter(|start| *start > now);
        starts.min().map_or(later, |start| later.min(start)).max(usual)
    }

    /// Settles by a clearing, unless its auction is gone.
    pub(super) fn cleared(&mut self, parts: &Parts, draft: &mut Draft, clearing: Arc<Clearing>) {
        // The thread has nothing left to do, though it may not have ended yet.
        self.clearing = None;
        if parts.cell.state.pending(clearing.auction).is_some_and(|pending| !pending.is_open) {
            let settle = SettleAuction { auction: clearing.auction, digest: clearing.digest };
            draft.push_settlement(Body::SettleAuction(settle), clearing);
        }
    }

    fn close_auction(&self, parts: &Parts, draft: &mut Draft, auction: AuctionId) {
        let solutions = parts.bids.close(&parts.keys);
        if parts.cell.state.pending(auction).is_none() {
            return;
        }
        for solution in solutions {
            draft.push(Body::Solution(solution));
        }
        draft.push(Body::CloseAuction(auction));
    }

    fn is_clearing(&self) -> bool {
        self.clearing.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    fn start_clearing(&mut self, parts: &Parts) {
        let Some(pending) = parts.cell.state.auction.clone() else { return };
        let (door, workers) = (self.door.clone(), Arc::clone(&parts.workers));
        let clearings = Arc::clone(&parts.clearings);
        let auction = pending.input.auction.0;
        let work = move || {
            if let Some(clearing) = clearings.clear(&pending, &workers) {
                door.cleared(Arc::new(clearing));
            }
        };
        match std::thread::Builder::new().name("clearing".to_owned()).spawn(work) {
            Ok(thread) => self.clearing = Some(thread),
            Err(error) => tracing::error!(%error, auction, "can't start the clearing thread; the auction will be void"),
        }
    }
}

/// Tells solvers of an auction: with its floors, which take too long for the writer's thread.
fn publish(parts: &Parts, input: Arc<AuctionInput>) {
    let (bids, offers, notices) = (Arc::clone(&parts.bids), Arc::clone(&parts.offers), parts.notices.clone());
    let (auction, clearings) = (input.auction.0, Arc::clone(&parts.clearings));
    let work = move || {
        let input =
            if input.rules == RuleSet::Floor { Arc::new(clearings.open(&input).input().clone()) } else { input };
        // Before the bids know of it: whoever finds it there can be told by what changed.
        offers.keep(Arc::clone(&input));
        if bids.publish(Arc::clone(&input)) {
            // Nobody may be listening.
            let _ = notices.send(Notice::Opened(input));
        }
    };
    if let Err(error) = std::thread::Builder::new().name("floors".to_owned()).spawn(work) {
        tracing::error!(%error, auction, "can't start the thread that computes floors; solvers won't hear of the auction");
    }
}
