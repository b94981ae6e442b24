//! What the peers share: how many workers there may be, and locks that outlive a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

use clearlane_engine::executor::LANES_MAX;

/// How many workers run when so many are asked for.
pub(super) fn bounded(workers: usize) -> usize {
    workers.clamp(1, LANES_MAX)
}

/// Locks, also after a panic: the run is then lost, and only has to end.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
