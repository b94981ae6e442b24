//! A lock for each resource that is handed out in the order of the bundles, as deterministic databases do.
//!
//! First every touch draws a ticket: how many touches of its resource must have ended before. Bundles that only
//! read, or only add, one after another have the same ticket. Then workers claim bundles in order, and each
//! waits for its tickets. The first unfinished bundle never waits, so there is no deadlock.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use clearlane_core::lanes::{Access, Batch, Touch};
use clearlane_engine::executor::threads::{Stop, on_threads};
use crossbeam::utils::{Backoff, CachePadded};

use super::threads::bounded;
use crate::cli::bench::settlement::{Shared, Work, settle};
use crate::cli::bench::workload::Workload;

/// Settles a workload under locks; returns what each resource holds in the end.
pub(crate) fn run(workload: &Workload, work: &Work, workers: usize) -> Vec<u64> {
    let locks = Locks::new(&workload.batch);
    let books = Shared::new(workload.batch.resources());
    on_threads(bounded(workers), &|| {
        let _stop = locks.stop.on_panic(|| {});
        while let Some(at) = locks.acquire_next() {
            settle(&workload.batch, work, at, &mut &books);
            locks.release(at);
        }
    });
    books.into_values()
}

/// Draws the ticket of every touch, in the order of the batch's touches.
fn tickets(batch: &Batch) -> Vec<u32> {
    /// Touches of a resource, and the last of them that commute.
    #[derive(Clone, Copy)]
    struct Queue {
        touches: u32,
        group: u32,
        access: Access,
    }
    let mut queues = vec![Queue { touches: 0, group: 0, access: Access::Write }; batch.resources()];
    let draw = |touch: &Touch| {
        let queue = &mut queues[touch.resource() as usize];
        let access = touch.access();
        if access == Access::Write || access != queue.access {
            (queue.group, queue.access) = (queue.touches, access);
        }
        queue.touches += 1;
        queue.group
    };
    batch.touches().iter().map(draw).collect()
}

struct Locks<'a> {
    batch: &'a Batch,
    tickets: Vec<u32>,
    /// For each resource how many touches have ended.
    ended: Vec<AtomicU32>,
    next: CachePadded<AtomicUsize>,
    stop: Stop,
}

impl<'a> Locks<'a> {
    fn new(batch: &'a Batch) -> Locks<'a> {
        Locks {
            batch,
            tickets: tickets(batch),
            ended: (0..batch.resources()).map(|_| AtomicU32::new(0)).collect(),
            next: CachePadded::default(),
            stop: Stop::default(),
        }
    }

    /// Claims the next bundle and waits for its turn on all it touches; `None` after the last, and on a stop.
    fn acquire_next(&self) -> Option<usize> {
        // Passes the end by at most one a worker.
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        if at >= self.batch.len() {
            return None;
        }
        let tickets = &self.tickets[self.batch.touches_within(0, at)..];
        let mut touches = self.batch.touches_of(at).iter().zip(tickets);
        touches.all(|(touch, ticket)| self.wait(touch.resource(), *ticket)).then_some(at)
    }

    /// Spins, then yields, until so many touches of a resource have ended; false on a stop.
    fn wait(&self, resource: u32, ticket: u32) -> bool {
        let ended = &self.ended[resource as usize];
        let backoff = Backoff::new();
        while ended.load(Ordering::Acquire) < ticket {
            if self.stop.is_set() {
                return false;
            }
            backoff.snooze();
        }
        true
    }

    fn release(&self, at: usize) {
        for touch in self.batch.touches_of(at) {
            self.ended[touch.resource() as usize].fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use clearlane_core::lanes::{Footprint, Resource};

    use super::*;

    #[test]
    fn tickets_are_shared_by_neighbours_that_commute() {
        let touched =
            [Access::Read, Access::Read, Access::Add, Access::Add, Access::Write, Access::Write, Access::Read];
        let footprints = touched.map(|access| Footprint::new(vec![(Resource::Other(0), access)]));
        let batch = Batch::new(&footprints.each_ref()).expect("small");
        assert_eq!(tickets(&batch), [0, 0, 2, 2, 4, 5, 6]);
    }
}
