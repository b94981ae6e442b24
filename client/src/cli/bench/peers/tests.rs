//! Peers that keep the order leave what the sequential run leaves, whatever the workload and the workers.

use super::{block_stm, locks};
use crate::cli::bench::settlement::{Plain, Work, settle};
use crate::cli::bench::workload::{WORKLOADS, Workload};

/// Workers of the runs compared: more than this machine may have cores, so that some are interrupted.
const WORKERS: [usize; 4] = [1, 2, 4, 8];
/// Bundles of each run, and seeds: with the workloads, the workers and two kinds of work more than 100,000.
const BUNDLES: u32 = 300;
const SEEDS: u64 = 4;

/// Some work, a tenth of it long: a hundred rounds a bundle.
pub(super) fn small_work(bundles: usize) -> Work {
    Work::new(bundles, 1_000, true, 100)
}

/// What the sequential run leaves.
pub(super) fn in_order(workload: &Workload, work: &Work) -> Vec<u64> {
    let mut books = Plain::new(workload.batch.resources());
    for at in 0..workload.batch.len() {
        settle(&workload.batch, work, at, &mut books);
    }
    books.0
}

fn check(peer: impl Fn(&Workload, &Work, usize) -> Vec<u64>) {
    let none = Work::new(BUNDLES as usize, 0, false, 0);
    let mut bundles = 0;
    for (of, seed) in WORKLOADS.into_iter().flat_map(|of| (0..SEEDS).map(move |seed| (of, seed))) {
        let workload = Workload::new(of, BUNDLES, seed);
        for work in [&none, &small_work(BUNDLES as usize)] {
            let expected = in_order(&workload, work);
            for workers in WORKERS {
                let left = peer(&workload, work, workers);
                assert_eq!(left, expected, "{}, seed {seed}, {workers} workers", workload.name);
                bundles += workload.batch.len();
            }
        }
    }
    assert!(bundles >= 100_000, "{bundles}");
}

#[test]
fn block_stm_leaves_what_the_sequential_run_leaves() {
    check(block_stm::run);
}

#[test]
fn locks_leave_what_the_sequential_run_leaves() {
    check(locks::run);
}

#[test]
fn an_empty_batch_ends() {
    let workload = Workload::new(WORKLOADS[0], 0, 1);
    let work = small_work(0);
    for workers in WORKERS {
        assert!(block_stm::run(&workload, &work, workers).is_empty());
        assert!(locks::run(&workload, &work, workers).is_empty());
    }
}

#[test]
fn some_bundles_are_dropped() {
    let workload = Workload::new(WORKLOADS[0], BUNDLES, 1);
    let work = small_work(BUNDLES as usize);
    let mut books = Plain::new(workload.batch.resources());
    let taken = (0..workload.batch.len()).filter(|at| settle(&workload.batch, &work, *at, &mut books)).count();
    assert!((BUNDLES as usize / 2..BUNDLES as usize).contains(&taken), "{taken}");
}
