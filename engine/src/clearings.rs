//! How clearings went: what the status says of them, and the one place where a clearing may panic.
//!
//! A clearing is a pure function whose result nobody has seen before it ends, so one that panics leaves nothing behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use clearlane_core::auction::{AuctionInput, Clearing, Opened};
use clearlane_core::lanes::{Batch, Executor, Job, Plan};
use clearlane_core::names::AuctionId;
use clearlane_core::pending::PendingAuction;

use crate::executor::{Choice, Workers};

/// How clearings went since the engine started.
#[derive(Debug, Default)]
pub struct Clearings {
    seen: Mutex<Seen>,
    /// The last auction opened: clearing it takes what telling solvers of it has computed.
    opened: Mutex<Option<Arc<Opened>>>,
    /// Whether clearings panic.
    #[cfg(test)]
    pub(crate) fails: std::sync::atomic::AtomicBool,
}

/// What was seen of clearings.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How many panicked; their auctions are void.
    pub panicked: u64,
    /// The last one that had bundles to run, and how it ran them.
    pub last: Option<(AuctionId, Choice)>,
}

impl Clearings {
    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// Clears a closed auction; `None` if that panicked, which is logged and counted.
    pub fn clear(&self, pending: &PendingAuction, workers: &Workers) -> Option<Clearing> {
        let saying = Saying { workers, choice: OnceLock::new() };
        let clearing = self.guard(pending.input.auction, || {
            #[cfg(test)]
            assert!(!self.fails.load(std::sync::atomic::Ordering::Relaxed), "a mistake in a rule");
            self.open(&pending.input).clear(&pending.solutions, &saying)
        })?;
        if let Some(choice) = saying.choice.into_inner().filter(|_| clearing.plan.bundles > 0) {
            let (auction, bundles) = (clearing.auction.0, clearing.plan.bundles);
            tracing::info!(auction, bundles, method = choice.method.name(), why = choice.reason(), "cleared in lanes");
            self.lock().last = Some((clearing.auction, choice));
        }
        Some(clearing)
    }

    /// The auction with its floors, computed once for whoever asks: who asks meanwhile waits.
    pub fn open(&self, input: &AuctionInput) -> Arc<Opened> {
        let mut last = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|opened| opened.is_of(input)).map(Arc::clone);
        let opened = known.unwrap_or_else(|| Arc::new(Opened::new(input)));
        *last = Some(Arc::clone(&opened));
        opened
    }

    fn guard(&self, auction: AuctionId, clear: impl FnOnce() -> Clearing) -> Option<Clearing> {
        let cleared = catch_unwind(AssertUnwindSafe(clear));
        if cleared.is_err() {
            let panicked = {
                let mut seen = self.lock();
                seen.panicked += 1;
                seen.panicked
            };
            tracing::error!(auction = auction.0, panicked, "clearing panicked; the auction will be void");
        }
        cleared.ok()
    }

    /// Nothing panics under the lock, so a poisoned one still guards a whole record.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Workers that note how they ran the batch of one clearing.
struct Saying<'a> {
    workers: &'a Workers,
    choice: OnceLock<Choice>,
}

impl Executor for Saying<'_> {
    fn lanes(&self) -> usize {
        self.workers.lanes()
    }

    fn run(&self, count: usize, nanos: u64, task: &(dyn Fn(usize) + Sync)) {
        self.workers.run(count, nanos, task);
    }

    fn run_batch(&self, batch: &Batch, costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
        let (plan, choice) = self.workers.run_batch_saying(batch, costs, task);
        self.choice.get_or_init(|| choice);
        plan
    }

    fn run_jobs(&self, nanos: u64, jobs: Vec<Job<'_>>) {
        self.workers.run_jobs(nanos, jobs);
    }
}
