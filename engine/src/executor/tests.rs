//! Every method at any number of lanes leaves what the sequential run leaves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use clearlane_core::lanes::{Access, Batch, Executor, Footprint, Job, Plan, Resource, Sequential, map};

use super::sync::STARTABLE;
use super::threads::{Stop, on_threads_after};
use super::{CostModel, LANES_MAX, Method, Workers};

const LANES: [usize; 4] = [1, 2, 4, 8];
/// Work that no model keeps on one lane.
const MUCH: u64 = 1 << 40;

/// The bundles of a batch, with what they touch.
pub(super) struct Bundles {
    footprints: Vec<Footprint>,
    batch: Batch,
    resources: u32,
}

impl Bundles {
    /// Bundles that touch a few of `resources`, low ones more often, in any way or only by adding.
    pub(super) fn random(seed: u64, count: usize, resources: u32, accesses: &[Access]) -> Bundles {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |bound: u32| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u32::try_from((state >> 11) % u64::from(bound)).expect("below a u32")
        };
        let kinds = u32::try_from(accesses.len()).expect("few");
        let mut touch = || {
            let resource = below(resources).min(below(resources));
            (Resource::Other(resource), accesses[below(kinds) as usize])
        };
        let footprints: Vec<Footprint> =
            (0..count).map(|bundle| Footprint::new((0..bundle % 4).map(|_| touch()).collect())).collect();
        let batch = Batch::new(&footprints.iter().collect::<Vec<_>>()).expect("small");
        Bundles { footprints, batch, resources }
    }

    /// The batch to run.
    #[cfg(feature = "shuttle")]
    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }
}

pub(super) const ANY: [Access; 3] = [Access::Read, Access::Write, Access::Add];

/// Runs a batch whose writes chain what they find, whose adds add, and whose reads are kept: what it
/// leaves in the resources and what each bundle saw tell any two orders of conflicting bundles apart.
pub(super) fn outcome(executor: &dyn Executor, bundles: &Bundles) -> (Vec<u64>, Vec<Vec<u64>>) {
    let values: Vec<AtomicU64> = (0..bundles.resources).map(|_| AtomicU64::new(1)).collect();
    let seen: Vec<OnceLock<Vec<u64>>> = bundles.footprints.iter().map(|_| OnceLock::new()).collect();
    let plan = executor.run_batch(&bundles.batch, &[], &|bundle| {
        let touched = bundles.footprints[bundle].iter();
        let found = touched.map(|(resource, access)| touch(&values, bundle, resource, access));
        seen[bundle].set(found.collect()).expect("each bundle runs once");
    });
    if let Some(plan) = plan {
        assert_eq!(plan, Plan::new(&bundles.batch), "the plan is that of the batch");
    }
    let values = values.into_iter().map(AtomicU64::into_inner).collect();
    (values, seen.into_iter().map(|seen| seen.into_inner().expect("each bundle runs")).collect())
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
fn every_method_leaves_what_the_sequential_run_leaves() {
    for seed in 0..40 {
        let resources = [1, 12, 400][usize::try_from(seed % 3).expect("small")];
        let bundles = Bundles::random(seed, 300, resources, &ANY);
        let expected = outcome(&Sequential, &bundles);
        for (lanes, method) in LANES.into_iter().flat_map(|lanes| Method::ALL.map(|method| (lanes, method))) {
            let workers = Workers::new(lanes).always(method);
            assert_eq!(outcome(&workers, &bundles), expected, "seed {seed}, {lanes} lanes, {method:?}");
        }
    }
}

#[test]
fn batches_of_several_parts_and_of_adders_run_alike() {
    for accesses in [&ANY[..], &[Access::Add], &[Access::Write]] {
        let bundles = Bundles::random(7, 9_000, 5_000, accesses);
        let expected = outcome(&Sequential, &bundles);
        for method in Method::ALL {
            assert_eq!(outcome(&Workers::new(3).always(method), &bundles), expected, "{method:?}");
        }
    }
}

#[test]
fn a_wrong_model_changes_no_result() {
    let batches = [Bundles::random(3, 2_000, 50, &ANY), Bundles::random(3, 2_000, 50, &[Access::Add])];
    let typical = CostModel::TYPICAL;
    for bundles in &batches {
        let expected = outcome(&Sequential, bundles);
        for factor in [0, 1, 1_000, u64::MAX / 1_000_000, u64::MAX / 50, u64::MAX] {
            let (idle, times) = (CostModel { spawn: 0, ..typical }, |nanos: u64| nanos.saturating_mul(factor));
            for model in [
                CostModel { spawn: times(typical.spawn), ..typical },
                CostModel { claim: times(typical.claim), ..idle },
                CostModel { plan: times(typical.plan), ..idle },
                CostModel { rank: times(typical.rank), ..idle },
                CostModel { release: times(typical.release), ..idle },
                CostModel { spawn: 0, claim: factor, plan: factor, rank: factor, release: factor },
            ] {
                let workers = Workers::with_model(4, model);
                assert_eq!(outcome(&workers, bundles), expected, "{model:?}");
                for costs in [vec![u64::MAX; 2_000], vec![u64::MAX / 2_000; 2_000], vec![0; 2_000]] {
                    assert!(!workers.choose(&bundles.batch, &costs).expected.is_empty(), "{model:?}");
                    assert!(!model.pays(u64::MAX, &bundles.batch, &costs), "{model:?}");
                }
                assert!(!model.is_worth_lanes(u64::MAX, 1), "{model:?}");
            }
        }
    }
}

/// Runs a batch as if nothing conflicted, backwards.
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

#[test]
fn a_broken_order_is_noticed() {
    let bundles = Bundles::random(1, 300, 12, &ANY);
    assert_ne!(outcome(&Backwards, &bundles), outcome(&Sequential, &bundles));
}

#[test]
fn independent_tasks_and_jobs_each_run_once_at_any_number_of_lanes() {
    for lanes in LANES {
        for count in [0, 1, 2, 7, 64, 1_000] {
            let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            let run = |index: usize| {
                runs[index].fetch_add(1, Ordering::Relaxed);
            };
            Workers::new(lanes).run(count, MUCH, &run);
            let jobs = (0..count).map(|index| Box::new(move || run(index)) as Job<'_>).collect();
            Workers::new(lanes).run_jobs(MUCH, jobs);
            assert!(runs.into_iter().all(|runs| runs.into_inner() == 2), "{lanes} lanes, {count} tasks");
            let squares = map(&Workers::new(lanes), count, MUCH, |index| index * index);
            assert_eq!(squares, (0..count).map(|index| index * index).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_panic_reaches_the_caller_and_leaves_nobody_waiting() {
    let bundles = Bundles::random(2, 50, 1, &[Access::Write]);
    let panic_at_20 = |index: usize| assert_ne!(index, 20, "task 20 fails");
    let attempt = |work: &dyn Fn()| catch_unwind(AssertUnwindSafe(work)).expect_err("the task panics");
    for lanes in LANES {
        for method in Method::ALL {
            let workers = Workers::new(lanes).always(method);
            let jobs = || (0..50).map(|index| Box::new(move || panic_at_20(index)) as Job<'_>).collect();
            for payload in [
                attempt(&|| drop(workers.run_batch(&bundles.batch, &[], &panic_at_20))),
                attempt(&|| workers.run(50, MUCH, &panic_at_20)),
                attempt(&|| workers.run_jobs(MUCH, jobs())),
            ] {
                let message = payload.downcast_ref::<String>().expect("a formatted message");
                assert!(message.contains("task 20 fails"), "{lanes} lanes, {method:?}: {message}");
            }
        }
    }
}

#[test]
fn lanes_that_the_system_does_not_start_are_not_waited_for() {
    let bundles = Bundles::random(5, 5_000, 200, &ANY);
    let adders = Bundles::random(5, 5_000, 200, &[Access::Add]);
    let expected = [outcome(&Sequential, &bundles), outcome(&Sequential, &adders)];
    for startable in [0, 1, 3] {
        STARTABLE.set(startable);
        for method in Method::ALL {
            let workers = Workers::new(8).always(method);
            let found = [outcome(&workers, &bundles), outcome(&workers, &adders)];
            assert_eq!(found, expected, "{startable} started, {method:?}");
        }
        let runs = AtomicUsize::new(0);
        let run = || {
            runs.fetch_add(1, Ordering::Relaxed);
        };
        Workers::new(8).run_jobs(MUCH, (0..100).map(|_| Box::new(run) as Job<'_>).collect());
        assert_eq!(runs.into_inner(), 100);
    }
    STARTABLE.set(usize::MAX);
}

#[test]
fn a_panic_of_who_plans_reaches_the_caller_and_leaves_nobody_waiting() {
    let stop = Stop::default();
    let attempt = || {
        on_threads_after(4, &stop, &mut || panic!("planning fails"), &|| {
            while !stop.is_set() {
                std::thread::yield_now();
            }
        });
    };
    let payload = catch_unwind(AssertUnwindSafe(attempt)).expect_err("planning panics");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"planning fails"));
}

#[test]
fn lanes_stay_within_bounds() {
    assert_eq!([0, 1, 3, usize::MAX].map(|lanes| Workers::new(lanes).lanes()), [1, 1, 3, LANES_MAX]);
}
