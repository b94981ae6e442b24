//! How long a plan takes on a number of workers: an exact simulation in integer time.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::batch::Batch;
use super::plan::{Lists, Plan, cost_of, index};

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
/// Priorities follow from `expected`, the time that passes from `costs`; they differ where costs are
/// mispredicted. Slots come in order of start. A missing cost counts 1; no worker counts as one.
#[must_use]
pub fn schedule_expecting(plan: &Plan, expected: &[u64], costs: &[u64], workers: usize) -> Vec<Slot> {
    Simulation::new(plan, &plan.followers(), expected).run(costs, workers)
}

/// Schedules a plan whose costs are known.
#[must_use]
pub fn schedule(plan: &Plan, costs: &[u64], workers: usize) -> Vec<Slot> {
    schedule_expecting(plan, costs, costs, workers)
}

/// When the last bundle ends.
#[must_use]
pub fn makespan(plan: &Plan, costs: &[u64], workers: usize) -> u64 {
    ended(&schedule(plan, costs, workers))
}

/// When the last of these slots ends.
#[must_use]
pub fn ended(slots: &[Slot]) -> u64 {
    slots.iter().map(|slot| slot.end).max().unwrap_or(0)
}

struct Simulation<'a> {
    plan: &'a Plan,
    followers: &'a Lists,
    /// For each node how many it still waits for.
    waits: Vec<u32>,
    priorities: Vec<u64>,
    ready: BinaryHeap<(u64, Reverse<usize>)>,
}

impl<'a> Simulation<'a> {
    fn new(plan: &'a Plan, followers: &'a Lists, expected: &[u64]) -> Simulation<'a> {
        let count = |node: usize| u32::try_from(plan.follows(node).len()).unwrap_or(u32::MAX);
        let mut simulation = Simulation {
            plan,
            followers,
            waits: (0..plan.nodes()).map(count).collect(),
            priorities: plan.longest_remaining(expected),
            ready: BinaryHeap::new(),
        };
        for at in (0..plan.bundles()).filter(|at| plan.follows(*at).is_empty()) {
            simulation.make_ready(at);
        }
        simulation
    }

    fn run(mut self, costs: &[u64], workers: usize) -> Vec<Slot> {
        let mut idle: BTreeSet<u32> = (0..u32::try_from(workers.max(1)).unwrap_or(u32::MAX)).collect();
        let mut running: BinaryHeap<Reverse<(u64, u32, usize)>> = BinaryHeap::new();
        let mut slots = Vec::with_capacity(self.plan.bundles());
        let mut now = 0_u64;
        loop {
            while let (Some(worker), false) = (idle.first().copied(), self.ready.is_empty()) {
                let Some((_, Reverse(at))) = self.ready.pop() else { break };
                idle.remove(&worker);
                let end = now.saturating_add(cost_of(costs, at));
                slots.push(Slot { bundle: u32::try_from(at).unwrap_or(u32::MAX), worker, start: now, end });
                running.push(Reverse((end, worker, at)));
            }
            let Some(Reverse((end, _, _))) = running.peek().copied() else { return slots };
            now = end;
            while let Some(Reverse((_, worker, at))) = running.peek().copied().filter(|Reverse(run)| run.0 == now) {
                running.pop();
                idle.insert(worker);
                self.release(at);
            }
        }
    }

    /// Counts down what follows a node that ended; a join that is released ends at once.
    fn release(&mut self, ended: usize) {
        let mut ended = vec![ended];
        while let Some(node) = ended.pop() {
            for follower in self.followers.list(node).iter().map(|follower| index(*follower)) {
                let Some(count) = self.waits.get_mut(follower) else { continue };
                *count = count.saturating_sub(1);
                match (*count, self.plan.is_bundle(follower)) {
                    (0, true) => self.make_ready(follower),
                    (0, false) => ended.push(follower),
                    (_, _) => {}
                }
            }
        }
    }

    fn make_ready(&mut self, at: usize) {
        let priority = self.priorities.get(at).copied().unwrap_or(0);
        self.ready.push((priority, Reverse(at)));
    }
}

/// A plan in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanReport {
    /// Bundles planned.
    pub bundles: usize,
    /// Colours: the critical path in bundles.
    pub colours: u32,
    /// Components of the conflict graph.
    pub components: u32,
    /// Writers of the busiest resource.
    pub hottest: u32,
    /// The work of the writers of the resource with most of it: no order of the bundles is faster than that.
    pub hottest_work: u64,
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
    pub fn of(batch: &Batch, costs: &[u64]) -> PlanReport {
        let plan = Plan::new(batch);
        let components = plan.components().into_iter().max().map_or(0, |last| last.saturating_add(1));
        PlanReport {
            bundles: plan.bundles(),
            colours: plan.colours(),
            components,
            hottest: plan.hottest(),
            hottest_work: batch.hottest_work(costs),
            work: (0..plan.bundles()).fold(0, |sum: u64, at| sum.saturating_add(cost_of(costs, at))),
            critical_path: plan.critical_path(costs),
            makespan: WORKERS.iter().map(|workers| (*workers, makespan(&plan, costs, *workers))).collect(),
        }
    }

    /// What no schedule that keeps the order can beat on so many workers.
    #[must_use]
    pub fn bound_in_order(&self, workers: usize) -> u64 {
        self.share(workers).max(self.critical_path)
    }

    /// What no schedule in any order can beat on so many workers.
    #[must_use]
    pub fn bound_in_any_order(&self, workers: usize) -> u64 {
        self.share(workers).max(self.hottest_work)
    }

    /// Per number of workers, the makespan in thousandths of [`PlanReport::bound_in_order`].
    #[must_use]
    pub fn permille_in_order(&self) -> Vec<(usize, u64)> {
        self.permille_of(|workers| self.bound_in_order(workers))
    }

    /// Per number of workers, the makespan in thousandths of [`PlanReport::bound_in_any_order`].
    #[must_use]
    pub fn permille_in_any_order(&self) -> Vec<(usize, u64)> {
        self.permille_of(|workers| self.bound_in_any_order(workers))
    }

    /// Rounded up, so that 1000 is the bound itself; where nothing costs anything the plan is at its bound.
    fn permille_of(&self, bound: impl Fn(usize) -> u64) -> Vec<(usize, u64)> {
        let ratio = |(workers, span): &(usize, u64)| {
            let bound = u128::from(bound(*workers));
            let thousands = u128::from(*span).saturating_mul(1_000);
            let rounding = bound.saturating_sub(1);
            let permille = thousands.saturating_add(rounding).checked_div(bound).unwrap_or(1_000);
            (*workers, u64::try_from(permille).unwrap_or(u64::MAX))
        };
        self.makespan.iter().map(ratio).collect()
    }

    fn share(&self, workers: usize) -> u64 {
        self.work.div_ceil(u64::try_from(workers.max(1)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Access, Footprint, Resource};

    fn writers(keys: impl Iterator<Item = u32>) -> Batch {
        let footprints: Vec<Footprint> =
            keys.map(|key| Footprint::new(vec![(Resource::Other(key), Access::Write)])).collect();
        Batch::new(&footprints.iter().collect::<Vec<_>>()).expect("small")
    }

    #[test]
    fn chains_wait_and_free_bundles_fill_the_other_worker() {
        let report = PlanReport::of(&writers([1, 1, 2, 3].into_iter()), &[3, 3, 1, 2]);
        assert_eq!((report.colours, report.hottest, report.work, report.critical_path), (2, 2, 9, 6));
        assert_eq!((report.components, report.hottest_work), (3, 6));
        assert_eq!(report.makespan, [(1, 9), (2, 6), (8, 6), (16, 6), (64, 6)]);
        assert_eq!((report.bound_in_order(1), report.bound_in_order(2), report.bound_in_any_order(2)), (9, 6, 6));
        assert_eq!(report.permille_in_order(), WORKERS.map(|workers| (workers, 1_000)));
        assert_eq!(PlanReport::of(&Batch::default(), &[]).permille_in_any_order(), WORKERS.map(|p| (p, 1_000)));
    }

    #[test]
    fn a_path_through_cool_resources_is_dear_only_against_free_orders() {
        let touches =
            |keys: &[u32]| Footprint::new(keys.iter().map(|key| (Resource::Other(*key), Access::Write)).collect());
        // A path through three resources, none of which has more than two writers.
        let path = [touches(&[1]), touches(&[1, 2]), touches(&[2, 3]), touches(&[3])];
        let report = PlanReport::of(&Batch::new(&path.iter().collect::<Vec<_>>()).expect("small"), &[1, 1, 1, 4]);
        assert_eq!(report.permille_in_order(), WORKERS.map(|workers| (workers, 1_000)));
        assert_eq!(report.permille_in_any_order()[..3], [(1, 1_000), (2, 1_400), (8, 1_400)]);
    }

    #[test]
    fn every_bundle_runs_once_after_all_it_follows() {
        let plan = Plan::new(&writers((0..60).map(|at| at * at % 7)));
        let slots = schedule(&plan, &[], 3);
        assert_eq!(slots.len(), 60);
        let end_of = |bundle: u32| slots.iter().find(|slot| slot.bundle == bundle).map(|slot| slot.end);
        for slot in &slots {
            let follows = plan.follows(usize::try_from(slot.bundle).expect("small"));
            assert!(follows.iter().all(|before| end_of(*before) <= Some(slot.start)));
        }
    }
}
