//! The seam through which pure work is spread over threads that the core never sees.

use super::batch::Batch;
use super::plan::Plan;

/// Work that is done once, on some thread; it owns or alone borrows what it changes.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs independent or ordered tasks; results must not depend on which thread runs which task.
pub trait Executor: Sync {
    /// The number of tasks that may run at the same time.
    fn lanes(&self) -> usize;

    /// Runs `task(0)` to `task(count - 1)`, in any order; together they are expected to take `nanos`.
    fn run(&self, count: usize, nanos: u64, task: &(dyn Fn(usize) + Sync));

    /// Runs `task` for every bundle of the batch, each after all the earlier ones that it conflicts with.
    ///
    /// Costs are expected nanoseconds, one a bundle; they change the speed and never the result. Returns
    /// the plan, if one was made.
    fn run_batch(&self, batch: &Batch, costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan>;

    /// Runs every job once, in any order: with a job a partition each partition has a single writer.
    fn run_jobs(&self, nanos: u64, jobs: Vec<Job<'_>>);
}

/// The twin of every parallel executor: one task after another, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Executor for Sequential {
    fn lanes(&self) -> usize {
        1
    }

    fn run(&self, count: usize, _nanos: u64, task: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(task);
    }

    fn run_batch(&self, batch: &Batch, _costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
        (0..batch.len()).for_each(task);
        None
    }

    fn run_jobs(&self, _nanos: u64, jobs: Vec<Job<'_>>) {
        jobs.into_iter().for_each(|job| job());
    }
}

/// Computes `compute(i)` for each index on the executor; results come back by index.
///
/// Together the computations are expected to take `nanos`.
///
/// # Panics
///
/// If the executor leaves out a task.
#[must_use]
pub fn map<T: Send + Sync>(
    executor: &dyn Executor,
    count: usize,
    nanos: u64,
    compute: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let slots: Vec<std::sync::OnceLock<T>> = std::iter::repeat_with(std::sync::OnceLock::new).take(count).collect();
    executor.run(count, nanos, &|index| {
        if let Some(slot) = slots.get(index) {
            slot.get_or_init(|| compute(index));
        }
    });
    slots.into_iter().map(|slot| slot.into_inner().expect("the executor runs every task")).collect()
}
