//! `bench`: measurements on this machine, each with its rivals in the same run.
//!
//! Figures are medians of several rounds; ratios within a run mean more than times do.

mod auction;
mod lanes;
mod ours;
mod peers;
mod select;
mod settle;
mod settlement;
mod workload;

use std::time::{Duration, Instant};

use super::failure::Failure;

/// Measures on this machine, with rivals in the same run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane bench lanes                              planning: nanoseconds, bytes, colours, makespans
  clearlane bench settle --workload zipf-0.8         running: bundles a second, method by method
  clearlane bench settle --work-us 1 --json          the same for programs
  clearlane bench select                             selection: gain over best score first, gap left

Close other programs first: ratios within one run are what counts, and a busy machine blurs them.")]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Lanes(lanes::Lanes),
    Settle(settle::Settle),
    Select(select::Select),
}

impl Bench {
    /// Measures and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        match &self.what {
            What::Lanes(lanes) => lanes.run(is_json),
            What::Settle(settle) => settle.run(is_json),
            What::Select(select) => select.run(is_json),
        }
    }
}

/// The median time of some rounds, and what the last one gave.
fn median<T>(rounds: usize, mut work: impl FnMut() -> T) -> (Duration, Option<T>) {
    let mut times = Vec::with_capacity(rounds);
    let mut last = None;
    for _ in 0..rounds.max(1) {
        let (time, result) = timed(&mut work);
        times.push(time);
        last = Some(result);
    }
    times.sort_unstable();
    (times[times.len() / 2], last)
}

/// The median time of each work and what it gave last; they take turns, so that a busy moment meets all alike.
fn rounds_in_turn<T>(rounds: u32, works: &[&dyn Fn() -> T]) -> Vec<(Duration, T)> {
    let round = || works.iter().map(|work| timed(work)).collect::<Vec<_>>();
    let mut last = round();
    let mut times: Vec<Vec<Duration>> = last.iter().map(|(time, _)| vec![*time]).collect();
    for _ in 1..rounds {
        last = round();
        times.iter_mut().zip(&last).for_each(|(times, (time, _))| times.push(*time));
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    times.into_iter().zip(last).map(|(times, (_, result))| (median(times), result)).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = std::hint::black_box(work());
    (started.elapsed(), result)
}

/// Thousandths of a ratio, rounded down; a ratio to nothing is 0.
fn permille(part: u64, whole: u64) -> u64 {
    let scaled = u128::from(part) * 1_000;
    scaled.checked_div(u128::from(whole)).and_then(|ratio| u64::try_from(ratio).ok()).unwrap_or(0)
}

/// The same rounded up, for what a test holds to be at most something.
fn permille_up(part: u64, whole: u64) -> u64 {
    let scaled = u128::from(part) * 1_000;
    let ratio = scaled.checked_div(u128::from(whole)).unwrap_or(0);
    let is_exact = scaled.checked_rem(u128::from(whole)).is_none_or(|rest| rest == 0);
    u64::try_from(ratio + u128::from(!is_exact)).unwrap_or(u64::MAX)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_rounded_as_they_are_used() {
        let both = |part, whole| (permille(part, whole), permille_up(part, whole));
        assert_eq!(
            [both(1, 3), both(1, 4), both(7, 0), both(10_201, 10_000)],
            [(333, 334), (250, 250), (0, 0), (1_020, 1_021)]
        );
    }
}
