//! Bundles in their order: lanes claim them one after another, and a bundle waits for those it follows.
//!
//! Planning runs ahead of the lanes, part by part, so that a batch starts before it is planned. The lowest
//! claimed bundle never waits for one that nobody claimed, so there is no deadlock. Cheapest where few
//! bundles wait for near ones; elsewhere lanes stand still, and the ready queue is better.

use std::sync::OnceLock;

use clearlane_core::lanes::{Batch, Plan, Planner};
use crossbeam::utils::CachePadded;

use super::place;
use super::sync::{AtomicBool, AtomicUsize, Ordering, Patience};
use super::threads::{Stop, on_threads_after};

/// Bundles planned at a time: a part is ready in well under a millisecond.
const PART: usize = 2_048;
/// The most bundles claimed at a time: a cache line of flags.
const CLAIM_MAX: usize = 64;
/// The claims a lane makes of a batch at least: small batches are claimed singly.
const CLAIMS_PER_LANE: usize = 128;
/// Of so many pairs of claims at most one may meet on a resource: else lanes wait for whole claims.
const PAIRS_APART: u64 = 5;

/// Plans and runs a batch on so many lanes; returns the plan.
///
/// Of a million pairs of bundles, `meeting_ppm` are expected to conflict.
pub(super) fn run(lanes: usize, batch: &Batch, meeting_ppm: u64, task: &(dyn Fn(usize) + Sync)) -> Plan {
    let tickets = Tickets::new(batch, lanes, meeting_ppm);
    on_threads_after(lanes, &mut || tickets.plan(batch), &|| tickets.work(task));
    let mut plan = Plan::default();
    for part in tickets.parts {
        if let Some(part) = part.into_inner() {
            plan.append(part.plan);
        }
    }
    plan
}

/// A planned part of the batch.
struct Part {
    plan: Plan,
    /// For each of its joins whether all that it follows ended.
    is_joined: Vec<AtomicBool>,
}

struct Tickets {
    bundles: usize,
    claim: usize,
    next: CachePadded<AtomicUsize>,
    parts: Vec<OnceLock<Part>>,
    /// How many parts are planned.
    planned: CachePadded<AtomicUsize>,
    is_done: Vec<AtomicBool>,
    stop: Stop,
}

impl Tickets {
    fn new(batch: &Batch, lanes: usize, meeting_ppm: u64) -> Tickets {
        let bundles = batch.len();
        let apart = (1_000_000 / meeting_ppm.max(1) / PAIRS_APART).isqrt();
        let most = usize::try_from(apart).unwrap_or(CLAIM_MAX).clamp(1, CLAIM_MAX);
        Tickets {
            bundles,
            claim: (bundles / lanes.saturating_mul(CLAIMS_PER_LANE).max(1)).clamp(1, most),
            next: CachePadded::new(AtomicUsize::new(0)),
            parts: (0..bundles.div_ceil(PART)).map(|_| OnceLock::new()).collect(),
            planned: CachePadded::new(AtomicUsize::new(0)),
            is_done: (0..bundles).map(|_| AtomicBool::new(false)).collect(),
            stop: Stop::default(),
        }
    }

    fn plan(&self, batch: &Batch) {
        let _stop = self.stop.on_panic(|| {});
        let mut planner = Planner::new(batch);
        for (number, slot) in self.parts.iter().enumerate() {
            let plan = planner.next_part(PART);
            let is_joined = plan.join_range().map(|_| AtomicBool::new(false)).collect();
            slot.get_or_init(|| Part { plan, is_joined });
            self.planned.store(number + 1, Ordering::Release);
        }
    }

    fn work(&self, task: &(dyn Fn(usize) + Sync)) {
        let _stop = self.stop.on_panic(|| {});
        loop {
            // The counter stops below `bundles + lanes * claim`, so it cannot wrap.
            let start = self.next.fetch_add(self.claim, Ordering::Relaxed);
            for at in start..start.saturating_add(self.claim).min(self.bundles) {
                if !self.wait_for_turn(at) {
                    return;
                }
                task(at);
                if let Some(is_done) = self.is_done.get(at) {
                    is_done.store(true, Ordering::Release);
                }
            }
            if start >= self.bundles {
                return;
            }
        }
    }

    /// Waits until all that a bundle follows has ended; false if the lanes are to stop.
    fn wait_for_turn(&self, at: usize) -> bool {
        let Some(part) = self.part(at / PART) else { return false };
        part.plan.follows(at).iter().all(|before| self.wait_for(place(*before)))
    }

    /// The part of this number, once it is planned.
    fn part(&self, number: usize) -> Option<&Part> {
        let mut patience = Patience::default();
        while self.planned.load(Ordering::Acquire) <= number {
            if self.stop.is_set() {
                return None;
            }
            patience.wait();
        }
        self.parts.get(number)?.get()
    }

    fn wait_for(&self, node: usize) -> bool {
        let Some(is_done) = self.is_done.get(node) else { return self.wait_for_join(node) };
        let mut patience = Patience::default();
        while !is_done.load(Ordering::Acquire) {
            if self.stop.is_set() {
                return false;
            }
            patience.wait();
        }
        !self.stop.is_set()
    }

    /// Waits for everything that a join follows; the first lane to see it through spares it the others.
    fn wait_for_join(&self, node: usize) -> bool {
        let parts = self.parts.iter().map_while(OnceLock::get);
        let Some(part) = parts.into_iter().find(|part| part.plan.join_range().contains(&node)) else { return false };
        let is_joined = part.is_joined.get(node - part.plan.join_range().start);
        if is_joined.is_some_and(|is_joined| is_joined.load(Ordering::Acquire)) {
            return true;
        }
        let has_ended = part.plan.follows(node).iter().all(|before| self.wait_for(place(*before)));
        if let Some(is_joined) = is_joined.filter(|_| has_ended) {
            is_joined.store(true, Ordering::Release);
        }
        has_ended
    }
}
