//! How long a plan takes on a number of workers: an exact simulation in integer time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::plan::Plan;
use super::resource::Footprint;

/// The numbers of workers for which reports give a makespan.
pub const WORKERS: [usize; 5] = [1, 2, 8, 16, 64];

/// When and where a bundle runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The bundle's place in the order.
    pub bundle: u32,
    /// The worker, from 0.
    pub worker: u32,
    /// When it starts.
    pub start: u64,
    /// When it ends.
    pub end: u64,
}

/// Schedules a plan by a ready queue, longest remaining path first, ties by order.
///
/// Slots come in order of start. A missing cost counts 1; no worker counts as one.
#[must_use]
pub fn schedule(plan: &Plan, costs: &[u64], workers: usize) -> Vec<Slot> {
    let priorities = plan.longest_remaining(costs);
    let followers = plan.followers();
    let mut waits: Vec<usize> = plan.iter().map(|planned| planned.follows.len()).collect();
    let priority = |at: usize| priorities.get(at).copied().unwrap_or(0);
    let mut ready: BinaryHeap<(u64, Reverse<usize>)> =
        waits.iter().enumerate().filter(|(_, waits)| **waits == 0).map(|(at, _)| (priority(at), Reverse(at))).collect();
    let mut idle: BTreeMap<u32, ()> =
        (0..u32::try_from(workers.max(1)).unwrap_or(u32::MAX)).map(|id| (id, ())).collect();
    let mut running: BinaryHeap<Reverse<(u64, u32, usize)>> = BinaryHeap::new();
    let mut slots = Vec::with_capacity(plan.bundles());
    let mut now = 0_u64;
    loop {
        while let (Some((worker, ())), Some((_, Reverse(at)))) = (idle.first_key_value(), ready.peek().copied()) {
            let worker = *worker;
            ready.pop();
            idle.remove(&worker);
            let end = now.saturating_add(costs.get(at).copied().unwrap_or(1));
            slots.push(Slot { bundle: u32::try_from(at).unwrap_or(u32::MAX), worker, start: now, end });
            running.push(Reverse((end, worker, at)));
        }
        let Some(Reverse((end, _, _))) = running.peek().copied() else { return slots };
        now = end;
        while let Some(Reverse((_, worker, at))) = running.peek().copied().filter(|Reverse((end, _, _))| *end == now) {
            running.pop();
            idle.insert(worker, ());
            for follower in followers.get(at).into_iter().flatten() {
                let follower = usize::try_from(*follower).unwrap_or(usize::MAX);
                let Some(count) = waits.get_mut(follower) else { continue };
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push((priority(follower), Reverse(follower)));
                }
            }
        }
    }
}

/// When the last bundle ends.
#[must_use]
pub fn makespan(plan: &Plan, costs: &[u64], workers: usize) -> u64 {
    schedule(plan, costs, workers).iter().map(|slot| slot.end).max().unwrap_or(0)
}

/// A plan in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanReport {
    /// Bundles planned.
    pub bundles: usize,
    /// Colours: the critical path in bundles.
    pub colours: u32,
    /// Writers of the busiest resource.
    pub hottest: u32,
    /// The sum of all costs.
    pub work: u64,
    /// The longest path of costs.
    pub critical_path: u64,
    /// The makespan for each number of workers in [`WORKERS`].
    pub makespan: Vec<(usize, u64)>,
}

impl PlanReport {
    /// Plans a batch and simulates it.
    #[must_use]
    pub fn of(footprints: &[Footprint], costs: &[u64]) -> PlanReport {
        let plan = Plan::new(footprints);
        PlanReport {
            bundles: plan.bundles(),
            colours: plan.colours(),
            hottest: plan.hottest(),
            work: costs.iter().fold(0, |sum: u64, cost| sum.saturating_add(*cost)),
            critical_path: plan.critical_path(costs),
            makespan: WORKERS.iter().map(|workers| (*workers, makespan(&plan, costs, *workers))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Access, Resource};

    #[test]
    fn chains_wait_and_free_bundles_fill_the_other_worker() {
        let write = |key| Footprint::new(vec![(Resource::Other(key), Access::Write)]);
        let footprints = [write(1), write(1), write(2), write(3)];
        let report = PlanReport::of(&footprints, &[3, 3, 1, 2]);
        assert_eq!((report.colours, report.hottest, report.work, report.critical_path), (2, 2, 9, 6));
        assert_eq!(report.makespan, [(1, 9), (2, 6), (8, 6), (16, 6), (64, 6)]);
    }

    #[test]
    fn every_bundle_runs_once_after_all_it_follows() {
        let write = |key| Footprint::new(vec![(Resource::Other(key), Access::Write)]);
        let footprints: Vec<Footprint> = (0..60_u32).map(|at| write(at * at % 7)).collect();
        let plan = Plan::new(&footprints);
        let slots = schedule(&plan, &[], 3);
        assert_eq!(slots.len(), 60);
        let end_of = |bundle: u32| slots.iter().find(|slot| slot.bundle == bundle).map(|slot| slot.end);
        for slot in &slots {
            let planned = plan.planned(usize::try_from(slot.bundle).expect("small")).expect("planned");
            assert!(planned.follows.iter().all(|before| end_of(*before) <= Some(slot.start)));
        }
    }
}
