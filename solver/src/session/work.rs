//! The auction that is being solved, at most one, beside the session's tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clearlane_core::auction::AuctionInput;
use clearlane_core::names::AuctionId;
use tokio::task::JoinHandle;
use tracing::info;

use super::SessionError;
use super::prepare::prepared;
use crate::strategy::{self, Budget, Proposal, Strategy, UnknownStrategy};

/// Who answers auctions.
#[derive(Clone)]
pub(super) enum Bidder {
    /// A strategy of this crate.
    Named(String),
    /// Another one.
    Own(Arc<dyn Strategy + Send + Sync>),
}

/// See the module.
#[derive(Default)]
pub(super) struct Work(Option<Running>);

struct Running {
    auction: AuctionId,
    is_cancelled: Arc<AtomicBool>,
    task: JoinHandle<Result<Proposal, UnknownStrategy>>,
}

impl Work {
    /// Begins to solve an auction in place of the one before.
    pub(super) fn start(&mut self, input: AuctionInput, bidder: &Bidder, deadline: Instant) {
        self.abandon();
        let auction = input.auction;
        info!(auction = auction.0, intents = input.intents.len(), venues = input.venues.len(), "auction opened");
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let (is_told, bidder) = (Arc::clone(&is_cancelled), bidder.clone());
        let task = tokio::task::spawn_blocking(move || {
            let is_spent = || is_told.load(Ordering::Relaxed) || Instant::now() >= deadline;
            let budget = Budget::new(&is_spent).ending_at(deadline);
            let proposal = match bidder {
                Bidder::Named(name) => strategy::strategy(&name)?.solve(&input, &budget),
                Bidder::Own(strategy) => strategy.solve(&input, &budget),
            };
            Ok(prepared(&input, proposal))
        });
        self.0 = Some(Running { auction, is_cancelled, task });
    }

    /// Gives an auction up that takes no more solutions.
    pub(super) fn cancel(&mut self, auction: AuctionId) {
        if self.0.as_ref().is_some_and(|running| running.auction == auction) {
            info!(auction = auction.0, "closed before an answer was ready");
            self.abandon();
        }
    }

    /// Waits for the answer to the auction that is being solved, for ever if there is none.
    ///
    /// Nothing is lost by dropping the call.
    pub(super) async fn finished(&mut self) -> Result<(AuctionId, Proposal), SessionError> {
        let Some(running) = self.0.as_mut() else { return std::future::pending().await };
        let auction = running.auction;
        let solved = (&mut running.task).await;
        self.0 = None;
        Ok((auction, solved??))
    }

    fn abandon(&mut self) {
        if let Some(running) = self.0.take() {
            running.is_cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.abandon();
    }
}
