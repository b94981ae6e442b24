//! The primitives under the executors: the standard library's, or those of `shuttle`, which tries out their schedules.

#[cfg(not(feature = "shuttle"))]
mod primitives {
    use std::time::Duration;

    use crossbeam::utils::Backoff;

    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::thread::{Scope, ScopedJoinHandle, scope};

    /// Starts a lane's thread.
    pub(super) fn spawn<'scope>(
        scope: &'scope Scope<'scope, '_>,
        work: &'scope (dyn Fn() + Sync),
    ) -> std::io::Result<ScopedJoinHandle<'scope, ()>> {
        std::thread::Builder::new().name("lane".to_owned()).spawn_scoped(scope, work)
    }

    /// How long a lane sleeps at a time once it has spun and yielded in vain: short against any batch that is
    /// worth lanes, long against a look at what it waits for.
    const NAP: Duration = Duration::from_micros(50);

    /// How often a lane yields before it naps: naps outlast many bundles.
    const YIELDS_MAX: u32 = 2_000;

    /// Waiting for another lane: spins a little, then yields, then naps.
    #[derive(Debug, Default)]
    pub(crate) struct Patience {
        backoff: Backoff,
        yields: u32,
    }

    impl Patience {
        pub(crate) fn wait(&mut self) {
            if !self.backoff.is_completed() {
                self.backoff.snooze();
            } else if self.yields < YIELDS_MAX {
                self.yields += 1;
                std::thread::yield_now();
            } else {
                std::thread::park_timeout(NAP);
            }
        }

        /// Whether waiting is still without naps.
        pub(crate) fn lasts(&self) -> bool {
            self.yields < YIELDS_MAX
        }
    }
}

#[cfg(feature = "shuttle")]
mod primitives {
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use shuttle::thread::{Scope, ScopedJoinHandle, scope};

    /// Starts a lane's thread; there is always room.
    pub(super) fn spawn<'scope>(
        scope: &'scope Scope<'scope, '_>,
        work: &'scope (dyn Fn() + Sync),
    ) -> std::io::Result<ScopedJoinHandle<'scope, ()>> {
        Ok(scope.spawn(work))
    }

    /// Waiting for another lane: lets the scheduler choose whom.
    #[derive(Debug, Default)]
    pub(crate) struct Patience(u32);

    impl Patience {
        pub(crate) fn wait(&mut self) {
            self.0 += 1;
            shuttle::thread::yield_now();
        }

        /// Whether waiting is still without naps; not for long, so that sleeping is tried out too.
        pub(crate) fn lasts(&self) -> bool {
            self.0 < 2
        }
    }
}

pub(crate) use primitives::{
    AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, Patience, Scope, ScopedJoinHandle, scope,
};

#[cfg(test)]
thread_local! {
    /// The lanes of a call that the system starts for this thread, besides its own.
    pub(super) static STARTABLE: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
}

/// Starts the thread of a lane, counted from 1.
///
/// # Errors
///
/// If the system starts no more threads.
pub(crate) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    lane: usize,
    work: &'scope (dyn Fn() + Sync),
) -> std::io::Result<ScopedJoinHandle<'scope, ()>> {
    #[cfg(test)]
    if lane > STARTABLE.get() {
        return Err(std::io::ErrorKind::WouldBlock.into());
    }
    let _ = lane;
    primitives::spawn(scope, work)
}
