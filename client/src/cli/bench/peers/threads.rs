//! Threads for one run of a peer; a panic in one stops the others and reaches the caller.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::scope;

/// The most workers of one run: beyond the cores of the machines that are measured, and a slip costs little.
const WORKERS_MAX: usize = 256;

/// How many workers run when so many are asked for.
pub(super) fn bounded(workers: usize) -> usize {
    workers.clamp(1, WORKERS_MAX)
}

/// Runs `work` on so many threads, the caller's among them.
pub(super) fn on_threads(workers: usize, work: &(dyn Fn() + Sync)) {
    scope(|scope| {
        let threads: Vec<_> = (1..bounded(workers)).map(|_| scope.spawn(work)).collect();
        work();
        for thread in threads {
            thread.join().unwrap_or_else(|payload| resume_unwind(payload));
        }
    });
}

/// Tells the workers of one run to stop, since one of them panicked.
#[derive(Debug, Default)]
pub(super) struct Stop(AtomicBool);

impl Stop {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it, and does `also`, if it is dropped by a panic.
    pub(super) fn on_panic<F: Fn()>(&self, also: F) -> OnPanic<'_, F> {
        OnPanic { stop: self, also }
    }
}

/// See [`Stop::on_panic`].
pub(super) struct OnPanic<'a, F: Fn()> {
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

/// Locks, also after a panic: the run is then lost, and only has to end.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
