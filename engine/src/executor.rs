//! Runs the core's work on several threads; the result never depends on how many.
//!
//! Threads live for one call and borrow what they work on. A panic in a task stops the others at their
//! next task and is raised again in the caller, so nobody waits for work that will never come.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use clearlane_core::lanes::{Batch, Executor, Job, Lists, Plan, Sequential};
use crossbeam::utils::CachePadded;

/// The most lanes: more threads than any machine here has cores only wait for one another.
pub const LANES_MAX: usize = 256;

/// The chunks a lane takes of a run on average: few enough to take cheaply, enough to even out unequal tasks.
const CHUNKS_PER_LANE: usize = 8;

/// An executor that uses up to a fixed number of threads, the caller's among them.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    lanes: usize,
}

impl Workers {
    /// Makes an executor of `lanes` lanes, brought within 1 and [`LANES_MAX`].
    #[must_use]
    pub fn new(lanes: usize) -> Workers {
        Workers { lanes: lanes.clamp(1, LANES_MAX) }
    }
}

impl Executor for Workers {
    fn lanes(&self) -> usize {
        self.lanes
    }

    fn run(&self, count: usize, nanos: u64, task: &(dyn Fn(usize) + Sync)) {
        let lanes = self.lanes.min(count);
        if lanes <= 1 {
            return Sequential.run(count, nanos, task);
        }
        let counter = Counter::new(count, lanes);
        on_threads(lanes, &|| counter.work(task));
    }

    fn run_batch(&self, batch: &Batch, costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
        let lanes = self.lanes.min(batch.len());
        if lanes <= 1 {
            return Sequential.run_batch(batch, costs, task);
        }
        let plan = Plan::new(batch);
        let queue = Queue::new(&plan, costs);
        on_threads(lanes, &|| queue.work(task));
        drop(queue);
        Some(plan)
    }

    fn run_jobs(&self, nanos: u64, jobs: Vec<Job<'_>>) {
        let jobs: Vec<Mutex<Option<Job<'_>>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
        self.run(jobs.len(), nanos, &|at| {
            let job = jobs.get(at).and_then(|job| job.lock().unwrap_or_else(PoisonError::into_inner).take());
            if let Some(job) = job {
                job();
            }
        });
    }
}

/// Runs `work` on `lanes` threads, the caller's among them; raises a thread's panic again with its message.
fn on_threads(lanes: usize, work: &(dyn Fn() + Sync)) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (1..lanes).map(|_| scope.spawn(work)).collect();
        work();
        for thread in threads {
            thread.join().unwrap_or_else(|payload| resume_unwind(payload));
        }
    });
}

/// Independent tasks, handed out in chunks.
struct Counter {
    next: CachePadded<AtomicUsize>,
    is_stopped: AtomicBool,
    count: usize,
    chunk: usize,
}

impl Counter {
    fn new(count: usize, lanes: usize) -> Counter {
        let chunk = count.div_ceil(lanes.saturating_mul(CHUNKS_PER_LANE)).max(1);
        Counter { next: CachePadded::default(), is_stopped: AtomicBool::new(false), count, chunk }
    }

    fn work(&self, task: &(dyn Fn(usize) + Sync)) {
        let _stop = OnPanic(|| self.is_stopped.store(true, Ordering::Relaxed));
        while let Some(start) = self.take() {
            for index in start..start.saturating_add(self.chunk).min(self.count) {
                if self.is_stopped.load(Ordering::Relaxed) {
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

/// The bundles of a plan, handed out as soon as all they follow has ended, longest remaining path first.
struct Queue<'a> {
    plan: &'a Plan,
    followers: Lists,
    /// For each node how many it still waits for.
    waits: Vec<AtomicU32>,
    /// For each node the longest path to the end.
    remaining: Vec<u64>,
    ready: Mutex<Ready>,
    /// Told when bundles get ready or the run is over.
    changed: Condvar,
}

/// What the lanes share under the lock.
struct Ready {
    bundles: BinaryHeap<(u64, Reverse<u32>)>,
    /// How many bundles nobody has taken yet.
    untaken: usize,
    is_stopped: bool,
}

impl<'a> Queue<'a> {
    fn new(plan: &'a Plan, costs: &[u64]) -> Queue<'a> {
        let remaining = plan.longest_remaining(costs);
        let count = |node: usize| u32::try_from(plan.follows(node).len()).unwrap_or(u32::MAX);
        let waits: Vec<AtomicU32> = (0..plan.nodes()).map(|node| AtomicU32::new(count(node))).collect();
        let free = (0..plan.bundles()).filter(|at| plan.follows(*at).is_empty());
        let bundles = free.map(|at| prioritised(&remaining, u32::try_from(at).unwrap_or(u32::MAX))).collect();
        Queue {
            plan,
            followers: plan.followers(),
            waits,
            ready: Mutex::new(Ready { bundles, untaken: plan.bundles(), is_stopped: false }),
            changed: Condvar::new(),
            remaining,
        }
    }

    fn work(&self, task: &(dyn Fn(usize) + Sync)) {
        let _stop = OnPanic(|| {
            self.lock().is_stopped = true;
            self.changed.notify_all();
        });
        let mut released = Vec::new();
        while let Some(bundle) = self.take(&mut released) {
            let bundle = usize::try_from(bundle).unwrap_or(usize::MAX);
            task(bundle);
            self.release(bundle, &mut released);
        }
    }

    /// Counts down what follows a node that ended; a join that is released ends at once.
    fn release(&self, ended: usize, released: &mut Vec<u32>) {
        for follower in self.followers.list(ended) {
            let node = usize::try_from(*follower).unwrap_or(usize::MAX);
            match (self.count_down(*follower), self.plan.is_bundle(node)) {
                (true, true) => released.push(*follower),
                (true, false) => self.release(node, released),
                (false, _) => {}
            }
        }
    }

    /// Hands in what the last bundle released and takes the next; `None` when none is left to take.
    fn take(&self, released: &mut Vec<u32>) -> Option<u32> {
        let mut ready = self.lock();
        // The caller takes one of them itself; each other one may wake a lane.
        (1..released.len()).for_each(|_| self.changed.notify_one());
        ready.bundles.extend(released.drain(..).map(|bundle| prioritised(&self.remaining, bundle)));
        loop {
            if ready.is_stopped || ready.untaken == 0 {
                return None;
            }
            if let Some((_, Reverse(bundle))) = ready.bundles.pop() {
                ready.untaken = ready.untaken.saturating_sub(1);
                if ready.untaken == 0 {
                    self.changed.notify_all();
                }
                return Some(bundle);
            }
            ready = self.changed.wait(ready).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lowers a bundle's counter; the lane that brings it to zero sees all that the others did before.
    fn count_down(&self, bundle: u32) -> bool {
        let waits = usize::try_from(bundle).ok().and_then(|at| self.waits.get(at));
        waits.is_some_and(|waits| waits.fetch_sub(1, Ordering::AcqRel) == 1)
    }

    /// No task runs under the lock, so a poisoned one still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prioritised(remaining: &[u64], bundle: u32) -> (u64, Reverse<u32>) {
    let left = usize::try_from(bundle).ok().and_then(|at| remaining.get(at)).copied();
    (left.unwrap_or(0), Reverse(bundle))
}

/// Does something if it is dropped by a panic.
struct OnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use clearlane_core::lanes::{Access, Batch, Executor, Footprint, Job, Plan, Resource, Sequential, map};

    use super::{LANES_MAX, Workers};

    const LANES: [usize; 4] = [1, 2, 4, 8];
    const RESOURCES: u32 = 12;

    fn random_batch(seed: u64, bundles: usize) -> Vec<Footprint> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |bound: u32| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u32::try_from((state >> 11) % u64::from(bound)).expect("below a u32")
        };
        let mut touch = || {
            let resource = below(RESOURCES).min(below(RESOURCES));
            (Resource::Other(resource), [Access::Read, Access::Write, Access::Add][below(3) as usize])
        };
        (0..bundles).map(|bundle| Footprint::new((0..bundle % 4).map(|_| touch()).collect())).collect()
    }

    /// Runs a batch whose writes chain what they find, whose adds add, and whose reads are kept: what it
    /// leaves in the resources and what each bundle saw tell any two orders of conflicting bundles apart.
    fn outcome(executor: &dyn Executor, batch: &[Footprint]) -> (Vec<u64>, Vec<Vec<u64>>) {
        let values: Vec<AtomicU64> = (0..RESOURCES).map(|_| AtomicU64::new(1)).collect();
        let seen: Vec<OnceLock<Vec<u64>>> = batch.iter().map(|_| OnceLock::new()).collect();
        executor.run_batch(&batch_of(batch), &[], &|bundle| {
            let found = batch[bundle].iter().map(|(resource, access)| touch(&values, bundle, resource, access));
            seen[bundle].set(found.collect()).expect("each bundle runs once");
        });
        let values = values.into_iter().map(AtomicU64::into_inner).collect();
        (values, seen.into_iter().map(|seen| seen.into_inner().expect("each bundle runs")).collect())
    }

    fn batch_of(footprints: &[Footprint]) -> Batch {
        Batch::new(&footprints.iter().collect::<Vec<_>>()).expect("small")
    }

    fn touch(values: &[AtomicU64], bundle: usize, resource: Resource, access: Access) -> u64 {
        let Resource::Other(number) = resource else { unreachable!("only numbered resources") };
        let value = &values[number as usize];
        match access {
            Access::Read => value.load(Ordering::Relaxed),
            Access::Write => {
                let found = value.load(Ordering::Relaxed);
                std::thread::yield_now();
                value.store(found.wrapping_mul(31).wrapping_add(bundle as u64), Ordering::Relaxed);
                found
            }
            Access::Add => {
                value.fetch_add(bundle as u64, Ordering::Relaxed);
                0
            }
        }
    }

    #[test]
    fn any_number_of_lanes_leaves_what_the_sequential_run_leaves() {
        for seed in 0..60 {
            let batch = random_batch(seed, 300);
            let expected = outcome(&Sequential, &batch);
            for lanes in LANES {
                assert_eq!(outcome(&Workers::new(lanes), &batch), expected, "seed {seed}, {lanes} lanes");
            }
        }
    }

    #[test]
    fn a_broken_order_is_noticed() {
        /// Runs a plan as if nothing conflicted, backwards.
        struct Backwards;
        impl Executor for Backwards {
            fn lanes(&self) -> usize {
                1
            }
            fn run(&self, count: usize, _nanos: u64, task: &(dyn Fn(usize) + Sync)) {
                (0..count).rev().for_each(task);
            }
            fn run_batch(&self, batch: &Batch, _costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
                self.run(batch.len(), 0, task);
                None
            }
            fn run_jobs(&self, _nanos: u64, jobs: Vec<Job<'_>>) {
                jobs.into_iter().rev().for_each(|job| job());
            }
        }
        let batch = random_batch(1, 300);
        assert_ne!(outcome(&Backwards, &batch), outcome(&Sequential, &batch));
    }

    #[test]
    fn independent_tasks_each_run_once_at_any_number_of_lanes() {
        for lanes in LANES {
            for count in [0, 1, 2, 7, 64, 1000] {
                let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                Workers::new(lanes).run(count, 0, &|index| {
                    runs[index].fetch_add(1, Ordering::Relaxed);
                });
                assert!(runs.into_iter().all(|runs| runs.into_inner() == 1), "{lanes} lanes, {count} tasks");
                let squares = map(&Workers::new(lanes), count, 0, |index| index * index);
                assert_eq!(squares, (0..count).map(|index| index * index).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_nobody_waiting() {
        let batch = vec![Footprint::new(vec![(Resource::Other(0), Access::Write)]); 50];
        let batch = batch_of(&batch);
        let panic_at_20 = |index: usize| assert_ne!(index, 20, "task 20 fails");
        for lanes in LANES {
            let workers = Workers::new(lanes);
            let planned = catch_unwind(AssertUnwindSafe(|| workers.run_batch(&batch, &[], &panic_at_20))).map(|_| ());
            let counted = catch_unwind(AssertUnwindSafe(|| workers.run(50, 0, &panic_at_20)));
            for result in [planned, counted] {
                let payload = result.expect_err("the task panics");
                let message = payload.downcast_ref::<String>().expect("a formatted message");
                assert!(message.contains("task 20 fails"), "{lanes} lanes: {message}");
            }
        }
    }

    #[test]
    fn lanes_stay_within_bounds() {
        assert_eq!([0, 1, 3, usize::MAX].map(|lanes| Workers::new(lanes).lanes()), [1, 1, 3, LANES_MAX]);
    }
}
