//! The seam through which pure work is spread over threads that the core never sees.

use super::plan::Plan;

/// Runs independent or ordered tasks; results must not depend on which thread runs which task.
pub trait Executor: Sync {
    /// The number of tasks that may run at the same time.
    fn lanes(&self) -> usize;

    /// Runs `task(0)` to `task(count - 1)`, in any order.
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync));

    /// Runs `task` for every bundle of the plan, each after all the bundles it must follow.
    fn run_plan(&self, plan: &Plan, task: &(dyn Fn(usize) + Sync));
}

/// The twin of every parallel executor: one task after another, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequential;

impl Executor for Sequential {
    fn lanes(&self) -> usize {
        1
    }

    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(task);
    }

    fn run_plan(&self, plan: &Plan, task: &(dyn Fn(usize) + Sync)) {
        (0..plan.bundles()).for_each(task);
    }
}

/// Computes `compute(i)` for each index on the executor; results come back by index.
#[must_use]
pub fn map<T: Send + Sync>(executor: &dyn Executor, count: usize, compute: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let slots: Vec<std::sync::OnceLock<T>> = std::iter::repeat_with(std::sync::OnceLock::new).take(count).collect();
    executor.run(count, &|index| {
        if let Some(slot) = slots.get(index) {
            slot.get_or_init(|| compute(index));
        }
    });
    // A slot left empty means the executor skipped a task: computing it here keeps the result right.
    slots.into_iter().enumerate().map(|(index, slot)| slot.into_inner().unwrap_or_else(|| compute(index))).collect()
}
