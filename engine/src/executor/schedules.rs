//! The executors under many schedules of their threads, chosen by `shuttle`.

use clearlane_core::lanes::{Access, Executor as _, Sequential};

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

/// Claims of three bundles that all write to one of two resources, in parts of five: lanes put aside as many as they
/// may, and a bound that a lane stored too late would let another run past bundles that have not ended.
#[test]
fn no_schedule_of_claims_runs_past_what_has_not_ended() {
    for (count, resources, lanes) in [(13, 2, 2), (17, 3, 3), (12, 1, 3)] {
        let expected = outcome(&Sequential, &Bundles::random(9, count, resources, &[Access::Write]));
        let run = move || {
            let bundles = Bundles::random(9, count, resources, &[Access::Write]);
            let found = outcome(&Workers::new(lanes).always(Method::Tickets), &bundles);
            assert_eq!(found, expected, "{count} bundles, {resources} resources, {lanes} lanes");
        };
        shuttle::check_random(run.clone(), SCHEDULES);
        shuttle::check_pct(run, SCHEDULES, 3);
    }
}

#[test]
#[should_panic(expected = "task 5 fails")]
fn a_panic_under_any_schedule_of_the_ready_queue_leaves_nobody_waiting() {
    shuttle::check_random(|| fail_at_5(Method::ReadyQueue), SCHEDULES);
}

#[test]
#[should_panic(expected = "task 5 fails")]
fn a_panic_under_any_schedule_of_tickets_leaves_nobody_waiting() {
    shuttle::check_random(|| fail_at_5(Method::Tickets), SCHEDULES);
}

fn fail_at_5(method: Method) {
    let bundles = Bundles::random(4, 12, 2, &ANY);
    let workers = Workers::new(3).always(method);
    workers.run_batch(bundles.batch(), &[], &|index| assert_ne!(index, 5, "task 5 fails"));
}
