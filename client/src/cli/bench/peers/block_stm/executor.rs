//! What a worker does (algorithm 1), and the books that an attempt sees.

use clearlane_core::lanes::{Access, Touch};
use clearlane_engine::executor::threads::{Stop, on_threads};
use crossbeam::utils::Backoff;

use super::memory::{Found, Memory, Read, Reads, Version, Writes};
use super::scheduler::{Scheduler, Task};
use crate::cli::bench::peers::threads::bounded;
use crate::cli::bench::settlement::{Books, OPENING, Work, settle};
use crate::cli::bench::workload::Workload;

/// Settles a workload by Block-STM; returns what each resource holds in the end.
pub(crate) fn run(workload: &Workload, work: &Work, workers: usize) -> Vec<u64> {
    let run = Run::new(workload, work);
    on_threads(bounded(workers), &|| run.work());
    run.memory.into_values()
}

struct Run<'a> {
    workload: &'a Workload,
    work: &'a Work,
    memory: Memory,
    scheduler: Scheduler,
    stop: Stop,
    /// Always, but in the test that shows that it matters.
    is_validating: bool,
}

impl<'a> Run<'a> {
    fn new(workload: &'a Workload, work: &'a Work) -> Run<'a> {
        let bundles = workload.batch.len();
        Run {
            workload,
            work,
            memory: Memory::new(workload.batch.resources(), bundles),
            scheduler: Scheduler::new(u32::try_from(bundles).unwrap_or(u32::MAX)),
            stop: Stop::default(),
            is_validating: true,
        }
    }

    fn work(&self) {
        let _stop = self.stop.on_panic(|| self.scheduler.stop());
        let mut view = View::new(&self.memory, &self.scheduler);
        let mut task = None;
        let backoff = Backoff::new();
        while !self.scheduler.is_done() {
            task = match task {
                Some(Task::Execute(version)) => self.execute(version, &mut view),
                Some(Task::Validate(version)) => self.validate(version),
                None => self.scheduler.next_task(),
            };
            match task {
                Some(_) => backoff.reset(),
                None if self.scheduler.is_drained() => backoff.snooze(),
                None => {}
            }
        }
    }

    fn execute(&self, version: Version, view: &mut View<'_>) -> Option<Task> {
        if !self.attempt(version, view) {
            return None;
        }
        let wrote_new_location = self.memory.record(version, &mut view.reads, &view.writes);
        self.scheduler.finish_execution(version, wrote_new_location)
    }

    /// Runs a bundle on a view; false if it now waits for another, which has ended this task.
    fn attempt(&self, version: Version, view: &mut View<'_>) -> bool {
        if version.incarnation > 0 {
            // What blocks a bundle is mostly what it read the last time.
            let blocking = self.memory.blocking(version.bundle);
            if blocking.is_some_and(|blocking| self.scheduler.add_dependency(version.bundle, blocking)) {
                return false;
            }
        }
        view.start(version.bundle);
        let at = version.bundle as usize;
        view.read_ahead(self.workload.batch.touches_of(at));
        if !view.is_blocked {
            settle(&self.workload.batch, self.work, at, view);
        }
        !view.is_blocked
    }

    fn validate(&self, version: Version) -> Option<Task> {
        let is_valid = !self.is_validating || self.memory.validate_read_set(version.bundle);
        let is_aborted = !is_valid && self.scheduler.try_validation_abort(version);
        if is_aborted {
            self.memory.convert_writes_to_estimates(version.bundle);
        }
        self.scheduler.finish_validation(version, is_aborted)
    }
}

/// What one attempt sees: the memory as of its bundle's turn, and what it wrote itself.
///
/// An `ESTIMATE` makes the bundle wait for the other (section 4 of the paper: if that one has executed by then,
/// the attempt reads again and goes on). Nothing can be broken off through [`Books`], so from then on reads
/// return 0, and whoever runs the attempt looks at `is_blocked` and discards it.
struct View<'a> {
    memory: &'a Memory,
    scheduler: &'a Scheduler,
    bundle: u32,
    reads: Reads,
    writes: Writes,
    is_blocked: bool,
}

impl<'a> View<'a> {
    fn new(memory: &'a Memory, scheduler: &'a Scheduler) -> View<'a> {
        View { memory, scheduler, bundle: 0, reads: Reads::default(), writes: Writes::default(), is_blocked: false }
    }

    fn start(&mut self, bundle: u32) {
        self.bundle = bundle;
        self.reads.clear();
        self.writes.clear();
        self.is_blocked = false;
    }

    /// Reads what a settlement reads before its work, in its order, so that an `ESTIMATE` there costs no work:
    /// a machine that can stop in the middle, as the paper's, stops there too.
    fn read_ahead(&mut self, touches: &[Touch]) {
        for touch in touches.iter().filter(|touch| touch.access() != Access::Add) {
            self.read(touch.resource());
        }
    }

    fn read_from_memory(&mut self, resource: u32) -> u64 {
        loop {
            let (from, value) = match self.memory.read(resource, self.bundle) {
                Found::Opening => (None, OPENING),
                Found::Value(version, value) => (Some(version), value),
                Found::Estimate(blocking) => {
                    self.is_blocked = self.scheduler.add_dependency(self.bundle, blocking);
                    if self.is_blocked {
                        return 0;
                    }
                    continue;
                }
            };
            self.reads.push(Read { resource, from, value });
            return value;
        }
    }
}

impl Books for View<'_> {
    fn read(&mut self, resource: u32) -> u64 {
        if self.is_blocked {
            return 0;
        }
        let written = self.writes.iter().find(|(written, _)| *written == resource).map(|(_, value)| *value);
        let known = || self.reads.iter().find(|read| read.resource == resource).map(|read| read.value);
        written.or_else(known).unwrap_or_else(|| self.read_from_memory(resource))
    }

    fn write(&mut self, resource: u32, value: u64) {
        match self.writes.iter_mut().find(|(written, _)| *written == resource) {
            Some((_, old)) => *old = value,
            None => self.writes.push((resource, value)),
        }
    }

    fn add(&mut self, resource: u32, amount: u64) {
        let sum = self.read(resource).wrapping_add(amount);
        self.write(resource, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::peers::tests::{in_order, small_work};
    use crate::cli::bench::workload::Shape;

    /// Takes every bundle up at once, as so many workers would, runs them from the last to the first, and
    /// then works on alone.
    fn backwards(workload: &Workload, work: &Work, is_validating: bool) -> Vec<u64> {
        let mut run = Run::new(workload, work);
        run.is_validating = is_validating;
        let mut begun = Vec::new();
        while begun.len() < workload.batch.len() {
            match run.scheduler.next_task() {
                Some(Task::Execute(version)) => begun.push(version),
                Some(Task::Validate(version)) => unreachable!("nothing is executed: {version:?}"),
                None => {}
            }
        }
        let mut view = View::new(&run.memory, &run.scheduler);
        for version in begun.into_iter().rev() {
            let mut task = run.execute(version, &mut view);
            while let Some(Task::Validate(version)) = task {
                task = run.validate(version);
            }
            assert_eq!(task, None, "nothing is aborted before a bundle in front is executed");
        }
        run.work();
        run.memory.into_values()
    }

    #[test]
    fn bundles_that_ran_too_early_run_again() {
        for (seed, shape) in [Shape::Pools(1), Shape::HotAccountScarce, Shape::Zipf(11)].into_iter().enumerate() {
            let workload = Workload::new(("contended", shape), 200, seed as u64);
            let work = small_work(200);
            assert_eq!(backwards(&workload, &work, true), in_order(&workload, &work), "{shape:?}");
        }
    }

    #[test]
    fn a_validation_that_always_succeeds_is_noticed() {
        for (seed, shape) in [Shape::Pools(1), Shape::HotAccountScarce, Shape::Zipf(11)].into_iter().enumerate() {
            let workload = Workload::new(("contended", shape), 200, seed as u64);
            let work = small_work(200);
            assert_ne!(backwards(&workload, &work, false), in_order(&workload, &work), "{shape:?}");
        }
    }
}
