//! Threads for one call: they borrow what they work on, and a panic in one stops them all.

use std::panic::resume_unwind;
use std::sync::{Once, PoisonError};

use clearlane_core::lanes::Job;

use super::sync::{AtomicBool, Mutex, Ordering, scope, start};

/// Tells the lanes of one call to stop: a task panicked, and half a batch is of no use.
#[derive(Debug)]
pub struct Stop(AtomicBool);

impl Default for Stop {
    fn default() -> Stop {
        Stop(AtomicBool::new(false))
    }
}

impl Stop {
    /// Whether somebody panicked.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it, and does `also`, if it is dropped by a panic.
    pub fn on_panic<F: Fn()>(&self, also: F) -> OnPanic<'_, F> {
        OnPanic { stop: self, also }
    }
}

/// See [`Stop::on_panic`].
pub struct OnPanic<'a, F: Fn()> {
    stop: &'a Stop,
    also: F,
}

impl<F: Fn()> Drop for OnPanic<'_, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stop.0.store(true, Ordering::Relaxed);
            (self.also)();
        }
    }
}

/// Runs `work` on `lanes` threads, the caller's among them; raises a thread's panic again with its message.
///
/// Where the system starts fewer threads, on those that it started, at least the caller's: `work` must not count on
/// a number of others.
pub fn on_threads(lanes: usize, work: &(dyn Fn() + Sync)) {
    on_threads_after(lanes, &Stop::default(), &mut || {}, work);
}

/// The same, but the caller does `first` before it joins in; a panic there sets the stop for who waits for it.
pub(super) fn on_threads_after(lanes: usize, stop: &Stop, first: &mut dyn FnMut(), work: &(dyn Fn() + Sync)) {
    scope(|scope| {
        let threads: Vec<_> = (1..lanes).map_while(|lane| start(scope, lane, work).map_err(warn_once).ok()).collect();
        {
            let _stop = stop.on_panic(|| {});
            first();
        }
        work();
        for thread in threads {
            thread.join().unwrap_or_else(|payload| resume_unwind(payload));
        }
    });
}

/// Says once that lanes are missing: whatever the reason, every later call is likely to have it too.
fn warn_once(error: std::io::Error) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| tracing::warn!(%error, "can't start a thread for a lane; going on with fewer lanes"));
}

/// Runs every job once; each lane takes the next one of a common list.
pub(super) fn share_out(lanes: usize, jobs: Vec<Job<'_>>) {
    let jobs = Mutex::new(jobs.into_iter());
    let stop = Stop::default();
    on_threads(lanes, &|| {
        let _stop = stop.on_panic(|| {});
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        while let Some(job) = next().filter(|_| !stop.is_set()) {
            job();
        }
    });
}
