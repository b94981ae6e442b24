//! The measured settlement on this engine's executors.

use std::sync::OnceLock;

use clearlane_core::lanes::{Executor, apply_in_partitions};
use clearlane_engine::executor::{Method, Workers};

use super::settlement::{Books, OPENING, Plain, Shared, Work, settle};
use super::workload::Workload;

/// Bundles whose additions are collected together.
const CHUNK: usize = 256;

/// One bundle after another, in place: what all others are measured against.
pub(crate) fn sequential(workload: &Workload, work: &Work) -> Vec<u64> {
    let mut books = Plain::new(workload.batch.resources());
    for at in 0..workload.batch.len() {
        settle(&workload.batch, work, at, &mut books);
    }
    books.0
}

/// By one method; `Independent` takes any order where all commutes, and the ready queue stands in elsewhere.
pub(crate) fn by_method(workload: &Workload, work: &Work, workers: Workers, method: Method) -> Vec<u64> {
    match method {
        Method::Sequential => sequential(workload, work),
        Method::Independent if workload.batch.is_commuting() => partitioned(workload, work, &workers),
        Method::Independent | Method::Tickets | Method::ReadyQueue => {
            let books = Shared::new(workload.batch.resources());
            let run = |at: usize| {
                settle(&workload.batch, work, at, &mut &books);
            };
            workers.always(method).run_batch(&workload.batch, &work.nanos, &run);
            books.into_values()
        }
    }
}

/// By the method that the cost model chooses: in place where it expects lanes not to pay, else on the path that a
/// clearing takes, where a plan whose longest path shows that they don't is run in turn after all.
pub(crate) fn chosen(workload: &Workload, work: &Work, workers: Workers) -> Vec<u64> {
    if workers.choose(&workload.batch, &work.nanos).method == Method::Sequential {
        return sequential(workload, work);
    }
    let books = Shared::new(workload.batch.resources());
    let run = |at: usize| {
        settle(&workload.batch, work, at, &mut &books);
    };
    workers.run_batch(&workload.batch, &work.nanos, &run);
    books.into_values()
}

/// Additions are collected in any order and applied by one writer for each part of the resources.
fn partitioned(workload: &Workload, work: &Work, workers: &Workers) -> Vec<u64> {
    let bundles = workload.batch.len();
    let chunks: Vec<OnceLock<Outbox>> = (0..bundles.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect();
    let nanos = work.nanos.iter().sum();
    workers.run(chunks.len(), nanos, &|number| {
        chunks[number].get_or_init(|| {
            let mut outbox = Outbox(Vec::with_capacity(CHUNK * 4));
            for at in number * CHUNK..(number * CHUNK + CHUNK).min(bundles) {
                settle(&workload.batch, work, at, &mut outbox);
            }
            outbox
        });
    });
    let outboxes: Vec<Outbox> = chunks.into_iter().filter_map(OnceLock::into_inner).collect();
    let mut values = vec![OPENING; workload.batch.resources()];
    let apply = |value: &mut u64, (_, amount): &(u32, u64)| {
        *value = value.wrapping_add(*amount);
        Ok::<(), ()>(())
    };
    let applied = apply_in_partitions(workers, &mut values, &outboxes, |(resource, _)| *resource as usize, apply);
    debug_assert!(applied.is_ok(), "additions never fail");
    values
}

/// What bundles add, to be applied later.
struct Outbox(Vec<(u32, u64)>);

impl AsRef<[(u32, u64)]> for Outbox {
    fn as_ref(&self) -> &[(u32, u64)] {
        &self.0
    }
}

impl Books for Outbox {
    fn read(&mut self, _resource: u32) -> u64 {
        unreachable!("a bundle that only adds reads nothing")
    }

    fn write(&mut self, _resource: u32, _value: u64) {
        unreachable!("a bundle that only adds writes nothing")
    }

    fn add(&mut self, resource: u32, amount: u64) {
        self.0.push((resource, amount));
    }
}

#[cfg(test)]
mod tests {
    use clearlane_engine::executor::CostModel;

    use super::super::workload::WORKLOADS;
    use super::*;

    /// Together with the seeds and workloads more than a million bundles.
    const BUNDLES: u32 = 12_500;

    #[test]
    fn a_million_bundles_settle_alike_by_every_method_at_any_number_of_lanes() {
        let mut bundles = 0;
        for (shape, seed) in WORKLOADS.into_iter().flat_map(|shape| (0..6).map(move |seed| (shape, seed))) {
            let workload = Workload::new(shape, BUNDLES, seed);
            let work = Work::new(workload.batch.len(), 0, false, 0);
            let expected = sequential(&workload, &work);
            bundles += workload.batch.len();
            for lanes in [1, 2, 4, 8] {
                for method in Method::ALL {
                    let values = by_method(&workload, &work, Workers::new(lanes), method);
                    assert_eq!(values, expected, "{}, seed {seed}, {lanes} lanes, {method:?}", workload.name);
                }
            }
        }
        assert!(bundles >= 1_000_000, "only {bundles}");
    }

    #[test]
    fn chosen_methods_settle_alike_though_the_model_is_wrong() {
        let wrong = CostModel { spawn: 1, claim: 1, plan: 1, rank: 1, release: 1 };
        for shape in WORKLOADS {
            let workload = Workload::new(shape, 3_000, 9);
            let work = Work::new(workload.batch.len(), 500, true, 20);
            let expected = sequential(&workload, &work);
            let values = chosen(&workload, &work, Workers::with_model(4, wrong));
            assert_eq!(values, expected, "{}", workload.name);
        }
    }

    #[test]
    fn a_bundle_out_of_turn_is_noticed() {
        let workload = Workload::new(("hubs", super::super::workload::Shape::Hubs), 2_000, 1);
        let work = Work::new(workload.batch.len(), 0, false, 0);
        let mut books = Plain::new(workload.batch.resources());
        (0..workload.batch.len()).rev().for_each(|at| {
            settle(&workload.batch, &work, at, &mut books);
        });
        assert_ne!(books.0, sequential(&workload, &work));
    }
}
