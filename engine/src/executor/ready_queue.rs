//! Bundles as soon as all they follow has ended, longest remaining path first.
//!
//! Lanes walk one list of bundles in order of remaining path. A bundle that still waits when its place
//! comes is left to whoever ends the last one it follows: that lane runs it next, and hands what else it
//! released to the others. So a critical path is run by one lane without a pause, and no heap holds the
//! many bundles that were free from the start.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::PoisonError;

use clearlane_core::lanes::{Lists, Plan};
use crossbeam::utils::CachePadded;

use super::place;
use super::sync::{AtomicU32, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, Patience};
use super::threads::{Stop, on_threads};

/// Remaining paths are told apart this finely: sorting by them is then one pass.
const BUCKETS: u64 = 4_096;
/// The most places of the list claimed at a time: while a lane runs one, nobody else runs the others.
const CLAIM_MAX: usize = 4;
/// Below this many places a lane, they are claimed singly: no bundle may wait behind another at the end.
const CLAIM_ABOVE: usize = 64;

/// Runs a planned batch on so many lanes; on the caller's alone if its critical path makes them not worth it.
pub(super) fn run(
    lanes: usize,
    plan: &Plan,
    costs: &[u64],
    is_worth_it: &dyn Fn(u64) -> bool,
    task: &(dyn Fn(usize) + Sync),
) {
    let remaining = plan.longest_remaining(costs);
    if !is_worth_it(remaining.iter().copied().max().unwrap_or(0)) {
        return (0..plan.bundles()).for_each(task);
    }
    let queue = ReadyQueue::new(plan, &remaining, lanes);
    on_threads(lanes, &|| queue.work(task));
}

/// See the module.
pub(super) struct ReadyQueue<'a> {
    plan: &'a Plan,
    followers: Lists,
    /// The bundles, longest remaining path first.
    order: Vec<u32>,
    /// Each bundle's place in that order.
    ranks: Vec<u32>,
    /// For each node how many it still waits for, and for each bundle its own place in the list besides.
    waits: Vec<AtomicU32>,
    lanes: usize,
    next: CachePadded<AtomicUsize>,
    /// How many bundles the lanes handed to each other.
    handed: CachePadded<AtomicUsize>,
    /// How many bundles have ended, as far as the lanes said so.
    ended: CachePadded<AtomicUsize>,
    shared: Mutex<Shared>,
    /// Told when bundles are handed over or the run is over, if a lane sleeps.
    changed: Condvar,
    stop: Stop,
}

/// What the lanes share under the lock.
#[derive(Default)]
struct Shared {
    /// The ranks of bundles that were released and that the releasing lane does not run next.
    released: BinaryHeap<Reverse<u32>>,
    sleepers: usize,
}

/// What one lane has in hand.
#[derive(Default)]
struct Hand {
    /// The rank of the bundle to run next.
    next: Option<u32>,
    /// The places claimed and not yet looked at.
    claimed: std::ops::Range<usize>,
    /// Bundles ended and not yet reported.
    ended: usize,
    released: Vec<u32>,
}

impl<'a> ReadyQueue<'a> {
    /// Over a plan whose bundles have these longest paths to the end.
    pub(super) fn new(plan: &'a Plan, remaining: &[u64], lanes: usize) -> ReadyQueue<'a> {
        let order = ranked(remaining, plan.bundles());
        let mut ranks = vec![0; order.len()];
        for (rank, bundle) in (0_u32..).zip(&order) {
            if let Some(slot) = ranks.get_mut(place(*bundle)) {
                *slot = rank;
            }
        }
        let count = |node: usize| {
            let own = usize::from(plan.is_bundle(node));
            AtomicU32::new(u32::try_from(plan.follows(node).len().saturating_add(own)).unwrap_or(u32::MAX))
        };
        ReadyQueue {
            followers: plan.followers(),
            order,
            ranks,
            waits: (0..plan.nodes()).map(count).collect(),
            lanes,
            next: CachePadded::new(AtomicUsize::new(0)),
            handed: CachePadded::new(AtomicUsize::new(0)),
            ended: CachePadded::new(AtomicUsize::new(0)),
            shared: Mutex::new(Shared::default()),
            changed: Condvar::new(),
            stop: Stop::default(),
            plan,
        }
    }

    pub(super) fn work(&self, task: &(dyn Fn(usize) + Sync)) {
        let _stop = self.stop.on_panic(|| {
            // Whoever waits under the lock has to see the stop.
            drop(self.lock());
            self.changed.notify_all();
        });
        let mut hand = Hand::default();
        while let Some(bundle) = self.take(&mut hand) {
            task(bundle);
            hand.ended += 1;
            self.release(bundle, &mut hand.released);
            self.hand_over(&mut hand);
        }
    }

    /// The next bundle to run: what was released first, then what the list has; `None` when the run is over.
    fn take(&self, hand: &mut Hand) -> Option<usize> {
        loop {
            if self.stop.is_set() {
                return None;
            }
            if let Some(rank) = hand.next.take() {
                return self.bundle(rank);
            }
            if self.handed.load(Ordering::Relaxed) > 0
                && let Some(rank) = self.pop()
            {
                return self.bundle(rank);
            }
            let Some(rank) = self.claim(hand) else { return self.wait(hand) };
            let bundle = self.bundle(rank)?;
            if self.count_down(bundle) {
                return Some(bundle);
            }
        }
    }

    /// The next place in the list.
    fn claim(&self, hand: &mut Hand) -> Option<u32> {
        if hand.claimed.is_empty() {
            let left = self.order.len().saturating_sub(self.next.load(Ordering::Relaxed));
            let claim = if left > self.lanes.saturating_mul(CLAIM_ABOVE) { CLAIM_MAX } else { 1 };
            // The counter stops below `bundles + lanes * claim`, so it cannot wrap.
            let start = if left == 0 { self.order.len() } else { self.next.fetch_add(claim, Ordering::Relaxed) };
            hand.claimed = start..start.saturating_add(claim).min(self.order.len());
        }
        u32::try_from(hand.claimed.next()?).ok()
    }

    /// Waits for a bundle that others release; `None` when all have ended.
    ///
    /// Looks on for a while before it sleeps: whoever wakes a lane pays for it on the critical path.
    fn wait(&self, hand: &mut Hand) -> Option<usize> {
        let ended = std::mem::take(&mut hand.ended);
        if self.ended.fetch_add(ended, Ordering::AcqRel) + ended >= self.order.len() {
            drop(self.lock());
            self.changed.notify_all();
            return None;
        }
        let mut patience = Patience::default();
        while patience.lasts() {
            if self.is_over() {
                return None;
            }
            if self.handed.load(Ordering::Relaxed) > 0
                && let Some(rank) = self.pop()
            {
                return self.bundle(rank);
            }
            patience.wait();
        }
        self.sleep()
    }

    /// Sleeps until a bundle is handed over; `None` when all have ended.
    fn sleep(&self) -> Option<usize> {
        let mut shared = self.lock();
        loop {
            if self.is_over() {
                return None;
            }
            if let Some(Reverse(rank)) = shared.released.pop() {
                self.handed.fetch_sub(1, Ordering::Relaxed);
                return self.bundle(rank);
            }
            shared.sleepers += 1;
            shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
            shared.sleepers -= 1;
        }
    }

    fn is_over(&self) -> bool {
        self.stop.is_set() || self.ended.load(Ordering::Acquire) >= self.order.len()
    }

    /// Counts down what follows a node that ended; a join that is released ends at once.
    fn release(&self, ended: usize, released: &mut Vec<u32>) {
        for follower in self.followers.list(ended) {
            let node = place(*follower);
            match (self.count_down(node), self.plan.is_bundle(node)) {
                (true, true) => released.extend(self.ranks.get(node)),
                (true, false) => self.release(node, released),
                (false, _) => {}
            }
        }
    }

    /// Keeps the best of what was released for this lane and hands the rest to the others.
    fn hand_over(&self, hand: &mut Hand) {
        let Some(best) = hand.released.iter().copied().min() else { return };
        if hand.released.len() == 1 && self.handed.load(Ordering::Relaxed) == 0 {
            hand.released.clear();
            hand.next = Some(best);
            return;
        }
        let count = hand.released.len();
        let mut shared = self.lock();
        shared.released.extend(hand.released.drain(..).map(Reverse));
        hand.next = shared.released.pop().map(|Reverse(rank)| rank);
        self.handed.fetch_add(count, Ordering::Relaxed);
        self.handed.fetch_sub(usize::from(hand.next.is_some()), Ordering::Relaxed);
        let woken = shared.sleepers.min(count.saturating_sub(1));
        drop(shared);
        (0..woken).for_each(|_| self.changed.notify_one());
    }

    fn pop(&self) -> Option<u32> {
        let Reverse(rank) = self.lock().released.pop()?;
        self.handed.fetch_sub(1, Ordering::Relaxed);
        Some(rank)
    }

    fn bundle(&self, rank: u32) -> Option<usize> {
        self.order.get(place(rank)).map(|bundle| place(*bundle))
    }

    /// Lowers a node's counter; whoever brings it to zero sees all that was done before.
    fn count_down(&self, node: usize) -> bool {
        self.waits.get(node).is_some_and(|waits| waits.fetch_sub(1, Ordering::AcqRel) == 1)
    }

    /// No task runs under the lock, so a poisoned one still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bundles by remaining path, longest first, ties in order: one pass over [`BUCKETS`] buckets.
fn ranked(remaining: &[u64], bundles: usize) -> Vec<u32> {
    let remaining = remaining.get(..bundles).unwrap_or(remaining);
    let longest = remaining.iter().copied().max().unwrap_or(0).max(1);
    let width = longest.div_ceil(BUCKETS).max(1);
    let bucket = |path: u64| usize::try_from((longest - path) / width).unwrap_or(0);
    let mut starts = vec![0_usize; bucket(0) + 2];
    for path in remaining {
        starts[bucket(*path) + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut order = vec![0_u32; remaining.len()];
    for (bundle, path) in (0_u32..).zip(remaining) {
        let slot = &mut starts[bucket(*path)];
        order[*slot] = bundle;
        *slot += 1;
    }
    order
}
