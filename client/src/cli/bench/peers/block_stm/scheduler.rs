//! The collaborative scheduler (algorithms 4 and 5): which attempt is to run or to be checked next.
//!
//! Two counters walk over the bundles, one to execute and one to validate; an abort sets them back. All is done
//! once both are past the end, nobody works, and neither was set back while that was looked at.

use std::mem::take;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use crossbeam::utils::CachePadded;

use super::memory::Version;
use crate::cli::bench::peers::threads::lock;

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Runs a bundle.
    Execute(Version),
    /// Checks what a bundle read.
    Validate(Version),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    ReadyToExecute,
    Executing,
    Executed,
    Aborting,
}

#[derive(Debug)]
struct Progress {
    status: Mutex<(u32, Status)>,
    /// Bundles that wait for the next attempt at this one. Locked before a status and never after it.
    dependents: Mutex<Vec<u32>>,
}

/// The state of every bundle, and what is left to do.
#[derive(Debug)]
pub(super) struct Scheduler {
    progress: Vec<CachePadded<Progress>>,
    bundles: u32,
    execution_index: CachePadded<AtomicU32>,
    validation_index: CachePadded<AtomicU32>,
    /// How often an index was set back.
    decreases: CachePadded<AtomicU32>,
    active_tasks: CachePadded<AtomicU32>,
    done_marker: CachePadded<AtomicBool>,
}

impl Scheduler {
    pub(super) fn new(bundles: u32) -> Scheduler {
        let progress = || Progress { status: Mutex::new((0, Status::ReadyToExecute)), dependents: Mutex::default() };
        Scheduler {
            progress: (0..bundles).map(|_| CachePadded::new(progress())).collect(),
            bundles,
            execution_index: CachePadded::default(),
            validation_index: CachePadded::default(),
            decreases: CachePadded::default(),
            active_tasks: CachePadded::default(),
            done_marker: CachePadded::default(),
        }
    }

    /// Whether every bundle is executed and validated.
    pub(super) fn is_done(&self) -> bool {
        self.done_marker.load(SeqCst)
    }

    /// Lets every worker leave.
    pub(super) fn stop(&self) {
        self.done_marker.store(true, SeqCst);
    }

    /// Whether both indices are past the end, so that a task can only come from a worker that has one.
    pub(super) fn is_drained(&self) -> bool {
        self.execution_index.load(SeqCst).min(self.validation_index.load(SeqCst)) >= self.bundles
    }

    /// The next task, preferring to validate; `None` also where the one looked at can't be done now.
    pub(super) fn next_task(&self) -> Option<Task> {
        if self.validation_index.load(SeqCst) < self.execution_index.load(SeqCst) {
            self.next_version_to_validate().map(Task::Validate)
        } else {
            self.next_version_to_execute().map(Task::Execute)
        }
    }

    /// Lets an attempt wait for the bundle whose `ESTIMATE` it read; false if that one is executed by now.
    pub(super) fn add_dependency(&self, bundle: u32, blocking: u32) -> bool {
        let mut dependents = lock(&self.progress[blocking as usize].dependents);
        // Whoever executes the blocking one sets its status before it takes the dependents: none is forgotten.
        if lock(&self.progress[blocking as usize].status).1 == Status::Executed {
            return false;
        }
        lock(&self.progress[bundle as usize].status).1 = Status::Aborting;
        dependents.push(bundle);
        drop(dependents);
        self.end_task();
        true
    }

    /// Ends an attempt, and lets those that waited for it run; returns its validation if it is this worker's to do.
    pub(super) fn finish_execution(&self, version: Version, wrote_new_location: bool) -> Option<Task> {
        let progress = &self.progress[version.bundle as usize];
        lock(&progress.status).1 = Status::Executed;
        let dependents = take(&mut *lock(&progress.dependents));
        self.resume(&dependents);
        if self.validation_index.load(SeqCst) > version.bundle {
            if !wrote_new_location {
                return Some(Task::Validate(version));
            }
            self.decrease(&self.validation_index, version.bundle);
        }
        self.end_task();
        None
    }

    /// Claims the abort of an attempt; only one worker succeeds.
    pub(super) fn try_validation_abort(&self, version: Version) -> bool {
        let mut status = lock(&self.progress[version.bundle as usize].status);
        let is_claimed = *status == (version.incarnation, Status::Executed);
        if is_claimed {
            status.1 = Status::Aborting;
        }
        is_claimed
    }

    /// Ends a validation; after an abort, returns the next attempt if it is this worker's to do.
    pub(super) fn finish_validation(&self, version: Version, is_aborted: bool) -> Option<Task> {
        if is_aborted {
            self.set_ready(version.bundle);
            self.decrease(&self.validation_index, version.bundle + 1);
            if self.execution_index.load(SeqCst) > version.bundle {
                let next = self.try_incarnate(version.bundle);
                if next.is_some() {
                    return next.map(Task::Execute);
                }
            }
        }
        self.end_task();
        None
    }

    fn next_version_to_execute(&self) -> Option<Version> {
        let bundle = self.claim(&self.execution_index)?;
        let version = self.try_incarnate(bundle);
        if version.is_none() {
            self.end_task();
        }
        version
    }

    fn next_version_to_validate(&self) -> Option<Version> {
        let bundle = self.claim(&self.validation_index)?;
        let status = self.progress.get(bundle as usize).map(|progress| *lock(&progress.status));
        if let Some((incarnation, Status::Executed)) = status {
            return Some(Version { bundle, incarnation });
        }
        self.end_task();
        None
    }

    /// Begins a task at an index, which it moves on; beyond the end, looks whether all is done.
    fn claim(&self, index: &AtomicU32) -> Option<u32> {
        if index.load(SeqCst) >= self.bundles {
            self.check_done();
            return None;
        }
        self.active_tasks.fetch_add(1, SeqCst);
        // Passes the end by at most one a worker.
        Some(index.fetch_add(1, SeqCst))
    }

    fn try_incarnate(&self, bundle: u32) -> Option<Version> {
        let mut status = lock(&self.progress.get(bundle as usize)?.status);
        if status.1 != Status::ReadyToExecute {
            return None;
        }
        status.1 = Status::Executing;
        Some(Version { bundle, incarnation: status.0 })
    }

    fn resume(&self, dependents: &[u32]) {
        for dependent in dependents {
            self.set_ready(*dependent);
        }
        if let Some(first) = dependents.iter().min() {
            self.decrease(&self.execution_index, *first);
        }
    }

    fn set_ready(&self, bundle: u32) {
        let mut status = lock(&self.progress[bundle as usize].status);
        *status = (status.0 + 1, Status::ReadyToExecute);
    }

    fn decrease(&self, index: &AtomicU32, target: u32) {
        index.fetch_min(target, SeqCst);
        self.decreases.fetch_add(1, SeqCst);
    }

    fn check_done(&self) {
        let observed = self.decreases.load(SeqCst);
        if self.is_drained() && self.active_tasks.load(SeqCst) == 0 && observed == self.decreases.load(SeqCst) {
            self.stop();
        }
    }

    fn end_task(&self) {
        self.active_tasks.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(bundle: u32, incarnation: u32) -> Version {
        Version { bundle, incarnation }
    }

    /// The next task, past those that can't be done now.
    fn next(scheduler: &Scheduler) -> Task {
        (0..100).find_map(|_| scheduler.next_task()).expect("a task")
    }

    #[test]
    fn validation_follows_execution_until_all_is_done() {
        let scheduler = Scheduler::new(2);
        for bundle in 0..2 {
            assert_eq!(next(&scheduler), Task::Execute(version(bundle, 0)));
            assert_eq!(scheduler.finish_execution(version(bundle, 0), true), None);
            assert_eq!(next(&scheduler), Task::Validate(version(bundle, 0)));
            assert_eq!(scheduler.finish_validation(version(bundle, 0), false), None);
        }
        assert!(!scheduler.is_done());
        assert_eq!(scheduler.next_task(), None);
        assert!(scheduler.is_done());
    }

    #[test]
    fn an_abort_runs_again_and_has_all_later_ones_validated_again() {
        let scheduler = Scheduler::new(2);
        let first = [next(&scheduler), next(&scheduler)];
        assert_eq!(first, [Task::Execute(version(0, 0)), Task::Execute(version(1, 0))]);
        assert_eq!(scheduler.finish_execution(version(1, 0), true), None);
        assert_eq!(next(&scheduler), Task::Validate(version(1, 0)));
        assert!(scheduler.try_validation_abort(version(1, 0)));
        assert!(!scheduler.try_validation_abort(version(1, 0)), "once");
        assert_eq!(scheduler.finish_validation(version(1, 0), true), Some(Task::Execute(version(1, 1))));
        assert!(!scheduler.try_validation_abort(version(1, 0)), "an old attempt");
        // Validation has passed it, so the worker validates what wrote nothing new.
        assert_eq!(scheduler.finish_execution(version(1, 1), false), Some(Task::Validate(version(1, 1))));
        assert_eq!(scheduler.finish_validation(version(1, 1), false), None);
        assert_eq!(scheduler.finish_execution(version(0, 0), true), None);
        assert_eq!(next(&scheduler), Task::Validate(version(0, 0)));
        assert_eq!(next(&scheduler), Task::Validate(version(1, 1)));
    }

    #[test]
    fn a_dependent_waits_until_the_other_is_executed() {
        let scheduler = Scheduler::new(2);
        let _both = [next(&scheduler), next(&scheduler)];
        assert!(scheduler.add_dependency(1, 0));
        assert_eq!((0..9).find_map(|_| scheduler.next_task()), None);
        assert!(!scheduler.is_done(), "one is active");
        assert_eq!(scheduler.finish_execution(version(0, 0), false), Some(Task::Validate(version(0, 0))));
        assert_eq!(scheduler.finish_validation(version(0, 0), false), None);
        assert_eq!(next(&scheduler), Task::Execute(version(1, 1)));
        assert!(!scheduler.add_dependency(1, 0), "executed by now");
    }
}
