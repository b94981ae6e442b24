//! The auction clock: opens an auction when intents wait, closes it in time, has it cleared off this thread.
//!
//! After a restart an auction that was still open is left to become void; a closed one is cleared again.

use std::sync::Arc;
use std::time::Duration;

use clearlane_core::auction::{Clearing, clear};
use clearlane_core::book::BookIntent;
use clearlane_core::names::AuctionId;
use clearlane_core::record::{Body, OpenAuction, SettleAuction};
use clearlane_core::time::Timestamp;
use crossbeam::channel::Sender;

use super::batching::Draft;
use super::{Notice, Parts, Request};

/// The longest the sequencer sleeps: it then looks at the clock again.
const SLEEP_MAX: Duration = Duration::from_millis(500);

/// When the next step of an auction is due.
pub(super) struct Auctioneer {
    itself: Sender<Request>,
    next_open: Timestamp,
    close: Option<(AuctionId, Timestamp)>,
}

impl Auctioneer {
    pub(super) fn new(parts: &Parts, itself: Sender<Request>) -> Auctioneer {
        let auctioneer = Auctioneer { itself, next_open: parts.clock.now().after(parts.times.every), close: None };
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
            (None, Some(pending)) => pending.input.settle_by,
            (None, None) if state.book.is_empty() => return SLEEP_MAX,
            (None, None) => self.next_open,
        };
        parts.clock.until(due).min(SLEEP_MAX)
    }

    /// Adds what is due to the batch.
    pub(super) fn step(&mut self, parts: &mut Parts, draft: &mut Draft) {
        let now = parts.clock.now();
        if let Some((auction, close_at)) = self.close {
            if now >= close_at {
                self.close = None;
                self.close_auction(parts, draft, auction);
            }
            return;
        }
        let state = &parts.cell.state;
        if let Some(pending) = &state.auction {
            if now > pending.input.settle_by && draft.is_empty() {
                draft.push(Body::Tick);
            }
            return;
        }
        if now < self.next_open || state.book.is_empty() {
            return;
        }
        self.next_open = now.after(parts.times.every);
        let close_at = now.after(parts.times.bidding);
        let settle_by = close_at.after(parts.times.settling);
        let is_ready = |intent: &BookIntent| intent.valid_from <= now && intent.deadline >= settle_by;
        if state.book.iter().any(|(_, intent)| is_ready(intent)) {
            draft.push(Body::OpenAuction(OpenAuction { close_at, settle_by }));
        } else if state.book.next_deadline().is_some_and(|deadline| deadline < now) && draft.is_empty() {
            draft.push(Body::Tick);
        }
    }

    /// Hears what happened to auctions.
    pub(super) fn hear(&mut self, parts: &Parts, notice: &Notice) {
        match notice {
            Notice::Opened(input) => {
                parts.bids.open(input.auction);
                self.close = Some((input.auction, input.close_at));
            }
            Notice::Closed(_) => self.start_clearing(parts),
            Notice::Settled(_) | Notice::Voided(_) => {
                self.close = None;
                let _ = parts.bids.close();
            }
        }
    }

    /// Settles by a clearing, unless its auction is gone.
    pub(super) fn cleared(&self, parts: &Parts, draft: &mut Draft, clearing: Arc<Clearing>) {
        if parts.cell.state.pending(clearing.auction).is_some_and(|pending| !pending.is_open) {
            let settle = SettleAuction { auction: clearing.auction, digest: clearing.digest };
            draft.push_settlement(Body::SettleAuction(settle), clearing);
        }
    }

    fn close_auction(&self, parts: &Parts, draft: &mut Draft, auction: AuctionId) {
        let solutions = parts.bids.close();
        if parts.cell.state.pending(auction).is_none() {
            return;
        }
        for solution in solutions {
            draft.push(Body::Solution(solution));
        }
        draft.push(Body::CloseAuction(auction));
    }

    fn start_clearing(&self, parts: &Parts) {
        let Some(pending) = parts.cell.state.auction.clone() else { return };
        let (itself, workers) = (self.itself.clone(), Arc::clone(&parts.workers));
        let work = move || {
            let clearing = clear(&pending.input, &pending.solutions, workers.as_ref());
            // A sequencer that has stopped settles after its restart.
            let _ = itself.send(Request::Cleared(Arc::new(clearing)));
        };
        if let Err(error) = std::thread::Builder::new().name("clearing".to_owned()).spawn(work) {
            tracing::error!(%error, "can't start the clearing thread; the auction will be void");
        }
    }
}
