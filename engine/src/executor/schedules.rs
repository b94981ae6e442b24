//! The executors under many schedules of their threads, chosen by `shuttle`.

use clearlane_core::lanes::{Access, Sequential};

use super::tests::{ANY, Bundles, outcome};
use super::{Method, Workers};

/// Schedules tried for each batch.
const SCHEDULES: usize = 400;

#[test]
fn every_schedule_leaves_what_the_sequential_run_leaves() {
    for (seed, lanes) in [(1, 2), (2, 3), (3, 4)] {
        for (method, accesses) in
            [(Method::Independent, &[Access::Add][..]), (Method::Tickets, &ANY[..]), (Method::ReadyQueue, &ANY[..])]
        {
            let expected = outcome(&Sequential, &Bundles::random(seed, 14, 4, accesses));
            let run = move || {
                let found = outcome(&Workers::new(lanes).always(method), &Bundles::random(seed, 14, 4, accesses));
                assert_eq!(found, expected, "seed {seed}, {lanes} lanes, {method:?}");
            };
            shuttle::check_random(run.clone(), SCHEDULES);
            shuttle::check_pct(run, SCHEDULES, 3);
        }
    }
}

#[test]
#[should_panic(expected = "task 5 fails")]
fn a_panic_under_any_schedule_leaves_nobody_waiting() {
    shuttle::check_random(
        || {
            let bundles = Bundles::random(4, 12, 2, &ANY);
            outcome_that_fails(&bundles);
        },
        SCHEDULES,
    );
}

fn outcome_that_fails(bundles: &Bundles) {
    use clearlane_core::lanes::Executor as _;
    let workers = Workers::new(3).always(Method::ReadyQueue);
    workers.run_batch(bundles.batch(), &[], &|index| assert_ne!(index, 5, "task 5 fails"));
}
