//! Effects applied in partitions: each cell belongs to one job, which is its only writer.
//!
//! Every cell sees its effects in their order, so the result is that of applying them one after another,
//! floors and refusals included, whatever runs at the same time; and a hot cell costs no more than others.

use std::sync::OnceLock;

use super::executor::{Executor, Job};

/// The most partitions: each job looks at every effect and applies its own.
const PARTITIONS_MAX: usize = 8;
/// Nanoseconds that applying one effect is expected to take.
const EFFECT_NANOS: u64 = 10;

/// Applies `apply(cell, effect)` to the cell that each effect names, list after list.
///
/// An effect on no cell does nothing.
///
/// # Errors
///
/// The error of the earliest effect that fails; which later ones were applied then is not said, so what the
/// cells hold must not be used.
pub fn apply_in_partitions<T: Send, E, X: Send + Sync>(
    executor: &dyn Executor,
    cells: &mut [T],
    effects: &[impl AsRef<[E]> + Sync],
    cell_of: impl Fn(&E) -> usize + Sync,
    apply: impl Fn(&mut T, &E) -> Result<(), X> + Sync,
) -> Result<(), X> {
    let partitions = executor.lanes().clamp(1, PARTITIONS_MAX);
    let size = cells.len().div_ceil(partitions).max(1);
    let failures: Vec<OnceLock<((usize, usize), X)>> = (0..partitions).map(|_| OnceLock::new()).collect();
    let work = |first: usize, own: &mut [T], failure: &OnceLock<((usize, usize), X)>| {
        for (list, effects) in effects.iter().enumerate() {
            for (at, effect) in effects.as_ref().iter().enumerate() {
                let cell = cell_of(effect).checked_sub(first).and_then(|place| own.get_mut(place));
                let Some(Err(error)) = cell.map(|cell| apply(cell, effect)) else { continue };
                failure.get_or_init(|| ((list, at), error));
                return;
            }
        }
    };
    let parts = cells.chunks_mut(size).zip(&failures).enumerate();
    let jobs = parts.map(|(number, (own, failure))| {
        let work = &work;
        Box::new(move || work(number.saturating_mul(size), own, failure)) as Job<'_>
    });
    let count = effects.iter().fold(0_usize, |sum, effects| sum.saturating_add(effects.as_ref().len()));
    let nanos = u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(EFFECT_NANOS);
    executor.run_jobs(nanos, jobs.collect());
    let failed = failures.into_iter().filter_map(OnceLock::into_inner);
    failed.min_by_key(|(at, _)| *at).map_or(Ok(()), |(_, error)| Err(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Batch, Plan};

    /// Several lanes, one after another and backwards.
    struct Shuffled(usize);

    impl Executor for Shuffled {
        fn lanes(&self) -> usize {
            self.0
        }

        fn run(&self, count: usize, _nanos: u64, task: &(dyn Fn(usize) + Sync)) {
            (0..count).rev().for_each(task);
        }

        fn run_batch(&self, batch: &Batch, _costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
            (0..batch.len()).for_each(task);
            None
        }

        fn run_jobs(&self, _nanos: u64, jobs: Vec<Job<'_>>) {
            jobs.into_iter().rev().for_each(|job| job());
        }
    }

    #[test]
    fn cells_see_their_effects_in_order_in_any_number_of_partitions() {
        let effects: Vec<(usize, i64)> =
            (0..1_000).map(|at| (at * at % 37, i64::try_from(at).expect("small"))).collect();
        let apply = |cell: &mut i64, (_, amount): &(usize, i64)| {
            *cell = cell.wrapping_mul(31).wrapping_add(*amount);
            if *amount == 997 { Err(*amount) } else { Ok(()) }
        };
        let run = |lanes: usize, effects: &[(usize, i64)]| {
            let mut cells = vec![0; 37];
            let result = apply_in_partitions(
                &Shuffled(lanes),
                &mut cells,
                &[&effects[..300], &effects[300..]],
                |(cell, _)| *cell,
                apply,
            );
            (result, cells)
        };
        let expected = run(1, &effects[..900]);
        for lanes in [1, 2, 3, 8, 100] {
            assert_eq!(run(lanes, &effects[..900]), expected, "{lanes} lanes");
            assert_eq!(run(lanes, &effects).0, Err(997), "{lanes} lanes");
        }
        let nothing = apply_in_partitions(&Shuffled(2), &mut [0; 0], &[[(1, 2)]], |(cell, _)| *cell, apply);
        assert_eq!(nothing, Ok(()));
    }
}
