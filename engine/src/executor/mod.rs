//! Runs the core's work on several threads; the result never depends on how many, nor on how.
//!
//! Threads live for one call and borrow what they work on. A panic in a task stops the others at their
//! next task and is raised again in the caller, so nobody waits for work that will never come.

mod cost_model;
mod independent;
mod ready_queue;
mod sync;
pub mod threads;
mod tickets;

use std::cell::Cell;

use clearlane_core::lanes::{Batch, Executor, Job, Plan, Sequential};

pub use cost_model::{Choice, Contention, CostModel, Method};

/// The most lanes: more threads than any machine here has cores only wait for one another.
pub const LANES_MAX: usize = 256;

/// An executor that uses up to a fixed number of threads, the caller's among them.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    lanes: usize,
    model: CostModel,
    always: Option<Method>,
}

impl Workers {
    /// Makes an executor of `lanes` lanes, brought within 1 and [`LANES_MAX`], for a typical machine.
    #[must_use]
    pub fn new(lanes: usize) -> Workers {
        Workers::with_model(lanes, CostModel::TYPICAL)
    }

    /// Makes an executor whose choices follow from measuring this machine.
    #[must_use]
    pub fn calibrated(lanes: usize) -> Workers {
        Workers::with_model(lanes, CostModel::calibrated())
    }

    /// Makes an executor whose choices follow from this model.
    #[must_use]
    pub fn with_model(lanes: usize, model: CostModel) -> Workers {
        Workers { lanes: lanes.clamp(1, LANES_MAX), model, always: None }
    }

    /// The same executor with its choice made: to compare methods. Where a batch does not commute, the ready
    /// queue stands in for `Independent`.
    #[must_use]
    pub fn always(self, method: Method) -> Workers {
        Workers { always: Some(method), ..self }
    }

    /// The costs by which it chooses.
    #[must_use]
    pub fn model(&self) -> CostModel {
        self.model
    }

    /// How it would run a batch, and why.
    #[must_use]
    pub fn choose(&self, batch: &Batch, costs: &[u64]) -> Choice {
        self.model.choose(batch, costs, self.lanes)
    }

    /// Runs a batch as [`Executor::run_batch`] does, and says how.
    pub fn run_batch_saying(
        &self,
        batch: &Batch,
        costs: &[u64],
        task: &(dyn Fn(usize) + Sync),
    ) -> (Option<Plan>, Choice) {
        let mut choice = self.taken(batch, costs);
        let plan = match choice.method {
            Method::Sequential => Sequential.run_batch(batch, costs, task),
            Method::Independent => {
                independent::run(self.lanes, batch.len(), task);
                None
            }
            Method::Tickets => Some(tickets::run(self.lanes, batch, choice.contention.meeting_ppm, task)),
            Method::ReadyQueue => {
                let plan = Plan::new(batch);
                let too_long = Cell::new(None);
                let is_worth_it = |critical: u64| {
                    let is_worth_it = self.always.is_some() || self.model.pays(critical, batch, costs);
                    too_long.set((!is_worth_it).then_some(critical));
                    is_worth_it
                };
                ready_queue::run(self.lanes, &plan, costs, &is_worth_it, task);
                if too_long.get().is_some() {
                    (choice.method, choice.too_long) = (Method::Sequential, too_long.get());
                }
                Some(plan)
            }
        };
        (plan, choice)
    }

    /// The method that it was told to take, or chooses.
    fn taken(&self, batch: &Batch, costs: &[u64]) -> Choice {
        let told = |method, contention| Choice::told(method, batch.len(), costs, contention);
        match self.always {
            Some(Method::Independent) if !batch.is_commuting() => told(Method::ReadyQueue, Contention::default()),
            Some(method) => told(method, cost_model::contention(batch, self.lanes)),
            None => self.choose(batch, costs),
        }
    }
}

impl Executor for Workers {
    fn lanes(&self) -> usize {
        self.lanes
    }

    fn run(&self, count: usize, nanos: u64, task: &(dyn Fn(usize) + Sync)) {
        let lanes = self.lanes.min(count);
        if lanes <= 1 || !self.model.is_worth_lanes(nanos, lanes) {
            return Sequential.run(count, nanos, task);
        }
        independent::run(lanes, count, task);
    }

    fn run_batch(&self, batch: &Batch, costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
        self.run_batch_saying(batch, costs, task).0
    }

    fn run_jobs(&self, nanos: u64, jobs: Vec<Job<'_>>) {
        let lanes = self.lanes.min(jobs.len());
        if lanes <= 1 || !self.model.is_worth_lanes(nanos, lanes) {
            return Sequential.run_jobs(nanos, jobs);
        }
        threads::share_out(lanes, jobs);
    }
}

/// A node of a plan as a place in a list.
fn place(node: u32) -> usize {
    usize::try_from(node).unwrap_or(usize::MAX)
}

#[cfg(all(test, feature = "shuttle"))]
mod schedules;
#[cfg(test)]
mod tests;
