//! Tasks that need no order: handed out in chunks from one counter.

use crossbeam::utils::CachePadded;

use super::sync::{AtomicUsize, Ordering};
use super::threads::{Stop, on_threads};

/// The chunks a lane takes of a run on average: few enough to take cheaply, enough to even out unequal tasks.
const CHUNKS_PER_LANE: usize = 64;

/// Runs every task on so many lanes, in any order.
pub(super) fn run(lanes: usize, count: usize, task: &(dyn Fn(usize) + Sync)) {
    let counter = Counter::new(count, lanes);
    on_threads(lanes, &|| counter.work(task));
}

struct Counter {
    next: CachePadded<AtomicUsize>,
    stop: Stop,
    count: usize,
    chunk: usize,
}

impl Counter {
    fn new(count: usize, lanes: usize) -> Counter {
        let chunk = (count / lanes.saturating_mul(CHUNKS_PER_LANE).max(1)).max(1);
        Counter { next: CachePadded::new(AtomicUsize::new(0)), stop: Stop::default(), count, chunk }
    }

    fn work(&self, task: &(dyn Fn(usize) + Sync)) {
        let _stop = self.stop.on_panic(|| {});
        while let Some(start) = self.take() {
            for index in start..start.saturating_add(self.chunk).min(self.count) {
                if self.stop.is_set() {
                    return;
                }
                task(index);
            }
        }
    }

    /// The start of a chunk. The counter stops below `count + lanes * chunk`, so it cannot wrap.
    fn take(&self) -> Option<usize> {
        let start = self.next.fetch_add(self.chunk, Ordering::Relaxed);
        (start < self.count).then_some(start)
    }
}
