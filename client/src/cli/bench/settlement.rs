//! A settlement small enough to count cycles: what every executor and every peer runs in the measurements.
//!
//! A bundle looks at what it reads and writes, works, and is then dropped or taken as what it found says; a
//! taken one changes what it writes and adds to the rest. Adding never looks, so additions commute.

use std::sync::atomic::{AtomicU64, Ordering};

use clearlane_core::lanes::{Access, Batch};

/// One bundle in this many is dropped in its turn.
const DROPPED_IN: u64 = 16;
/// What each resource holds at the start.
pub(crate) const OPENING: u64 = 1;

/// Where a bundle finds and leaves what resources hold.
pub(crate) trait Books {
    /// What a resource holds.
    fn read(&mut self, resource: u32) -> u64;
    /// Sets what a resource holds.
    fn write(&mut self, resource: u32, value: u64);
    /// Adds to what a resource holds.
    fn add(&mut self, resource: u32, amount: u64);
    /// Starts to bring what a resource holds nearer: the next bundle will look at it.
    fn fetch(&mut self, _resource: u32) {}
}

/// How long the work of each bundle takes.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// Rounds of arithmetic for each bundle.
    rounds: Vec<u32>,
    /// The same in nanoseconds, as it is expected.
    pub(crate) nanos: Vec<u64>,
}

impl Work {
    /// So many nanoseconds for each of `bundles`; with `is_mixed` a tenth of them ten times as long, the others
    /// shorter, at the same mean.
    pub(crate) fn new(bundles: usize, nanos: u64, is_mixed: bool, rounds_per_micro: u64) -> Work {
        let of = |at: usize| match (is_mixed, at % 10) {
            (false, _) => nanos,
            (true, 3) => nanos * 100 / 19,
            (true, _) => nanos * 10 / 19,
        };
        let nanos: Vec<u64> = (0..bundles).map(of).collect();
        let rounds = nanos.iter().map(|nanos| u32::try_from(nanos * rounds_per_micro / 1_000).unwrap_or(u32::MAX));
        Work { rounds: rounds.collect(), nanos }
    }
}

/// Settles one bundle; whether it was taken.
pub(crate) fn settle(batch: &Batch, work: &Work, at: usize, books: &mut impl Books) -> bool {
    for touch in batch.touches_of(at + 1) {
        books.fetch(touch.resource());
    }
    let touches = batch.touches_of(at);
    let mut found = mixed(at as u64, 0x51);
    for touch in touches.iter().filter(|touch| touch.access() != Access::Add) {
        found = mixed(found, books.read(touch.resource()));
    }
    for _ in 0..work.rounds.get(at).copied().unwrap_or(0) {
        found = mixed(found, 0x9e37);
    }
    if found.is_multiple_of(DROPPED_IN) {
        return false;
    }
    for touch in touches {
        match touch.access() {
            Access::Read => {}
            Access::Write => books.write(touch.resource(), mixed(found, u64::from(touch.resource()))),
            Access::Add => books.add(touch.resource(), 1 + (at as u64 & 0xff)),
        }
    }
    true
}

fn mixed(value: u64, with: u64) -> u64 {
    let product = (value ^ with).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 29)
}

/// How many rounds of work take a microsecond here.
pub(crate) fn rounds_per_micro() -> u64 {
    let rounds: u32 = 200_000;
    let time = || {
        let started = std::time::Instant::now();
        let mut found = 1;
        for _ in 0..std::hint::black_box(rounds) {
            found = mixed(found, 0x9e37);
        }
        std::hint::black_box(found);
        started.elapsed().as_nanos()
    };
    let least = (0..9).map(|_| time()).min().unwrap_or(1).max(1);
    u64::try_from(u128::from(rounds) * 1_000 / least).unwrap_or(1).max(1)
}

/// Books that one thread works on.
#[derive(Clone, Debug)]
pub(crate) struct Plain(pub(crate) Vec<u64>);

impl Plain {
    pub(crate) fn new(resources: usize) -> Plain {
        Plain(vec![OPENING; resources])
    }
}

impl Books for Plain {
    fn read(&mut self, resource: u32) -> u64 {
        self.0[resource as usize]
    }

    fn write(&mut self, resource: u32, value: u64) {
        self.0[resource as usize] = value;
    }

    fn add(&mut self, resource: u32, amount: u64) {
        self.0[resource as usize] = self.0[resource as usize].wrapping_add(amount);
    }
}

/// Books that several threads work on, each resource by whoever's turn it is.
#[derive(Debug)]
pub(crate) struct Shared(Vec<AtomicU64>);

impl Shared {
    pub(crate) fn new(resources: usize) -> Shared {
        Shared((0..resources).map(|_| AtomicU64::new(OPENING)).collect())
    }

    /// What is left.
    pub(crate) fn into_values(self) -> Vec<u64> {
        self.0.into_iter().map(AtomicU64::into_inner).collect()
    }
}

impl Books for &Shared {
    fn read(&mut self, resource: u32) -> u64 {
        self.0[resource as usize].load(Ordering::Relaxed)
    }

    fn write(&mut self, resource: u32, value: u64) {
        self.0[resource as usize].store(value, Ordering::Relaxed);
    }

    fn add(&mut self, resource: u32, amount: u64) {
        self.0[resource as usize].fetch_add(amount, Ordering::Relaxed);
    }

    fn fetch(&mut self, resource: u32) {
        std::hint::black_box(self.0[resource as usize].load(Ordering::Relaxed));
    }
}
