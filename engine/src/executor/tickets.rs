//! Bundles in their order: lanes claim them one after another, and one that has to wait for what it follows is put
//! aside while its lane goes on with the next.
//!
//! Planning runs ahead of the lanes, part by part, so that a batch starts before it is planned. The lowest bundle
//! that has not ended is claimed and follows nobody who has not, so its lane runs it next: there is no deadlock.
//! Cheapest where few bundles wait for near ones; elsewhere lanes stand still, and the ready queue is better.

use std::ops::Range;
use std::sync::OnceLock;

use clearlane_core::lanes::{Batch, Plan, Planner};
use crossbeam::utils::CachePadded;

use super::place;
use super::sync::{AtomicBool, AtomicUsize, Ordering, Patience};
use super::threads::{Stop, on_threads_after};
use bounds::{ASIDE_MAX, CLAIM_MAX, CLAIMS_PER_LANE, MEETINGS_MAX, PART};

/// What one run measures out.
#[cfg(not(feature = "shuttle"))]
mod bounds {
    /// Bundles planned at a time: a part is ready in well under a millisecond.
    pub(super) const PART: usize = 2_048;
    /// The most bundles claimed at a time: a cache line of flags.
    pub(super) const CLAIM_MAX: usize = 64;
    /// The claims a lane makes of a batch at least: small batches are claimed singly.
    pub(super) const CLAIMS_PER_LANE: usize = 128;
    /// The bundles that a lane puts aside at most: it looks at each of them again before every bundle that it runs.
    pub(super) const ASIDE_MAX: usize = 16;
    /// The pairs that meet on a resource, of the bundles of two claims: so many a lane can put aside and go on.
    pub(super) const MEETINGS_MAX: u64 = 4;
}

/// The same, so small that batches of a dozen bundles have several parts, claims of several, and too many put aside.
#[cfg(feature = "shuttle")]
mod bounds {
    pub(super) const PART: usize = 5;
    pub(super) const CLAIM_MAX: usize = 3;
    pub(super) const CLAIMS_PER_LANE: usize = 1;
    pub(super) const ASIDE_MAX: usize = 2;
    pub(super) const MEETINGS_MAX: u64 = 64;
}

/// Plans and runs a batch on so many lanes; returns the plan.
///
/// Of a million pairs of bundles, `meeting_ppm` are expected to conflict.
pub(super) fn run(lanes: usize, batch: &Batch, meeting_ppm: u64, task: &(dyn Fn(usize) + Sync)) -> Plan {
    let tickets = Tickets::new(batch, lanes, meeting_ppm);
    on_threads_after(lanes, &tickets.stop, &mut || tickets.plan(batch), &|| tickets.work(task));
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
    /// Per lane a place before which it has nothing left to do.
    ///
    /// Claims are ordered by `next`: each adds to it, reads what the claim before wrote, and acquires and releases, so
    /// that all a lane did before its claim is seen by whoever claims later. A lane stores its bound before it
    /// claims: whoever claims after it reads that bound, which is no higher than what was claimed, or a later one.
    /// It stores a higher one only after the bundles below have ended, and releases it, so that who acquires the
    /// bound sees what they did. `MAX` is only ever read of a lane with no claim before the reader's: nothing below
    /// the reader's claim is its. The least of all bounds is therefore a place before which every bundle has ended;
    /// the reader's own keeps it at or below the reader's claim.
    bounds: Vec<CachePadded<AtomicUsize>>,
    /// The lanes that work so far.
    lanes: CachePadded<AtomicUsize>,
    stop: Stop,
}

/// What one lane has claimed and not run.
struct Claimed {
    lane: usize,
    /// Those that had to wait, in order.
    aside: Vec<usize>,
    /// Those it has not looked at.
    rest: Range<usize>,
    /// Every bundle before this one has ended.
    settled: usize,
}

impl Tickets {
    fn new(batch: &Batch, lanes: usize, meeting_ppm: u64) -> Tickets {
        let bundles = batch.len();
        let apart = (1_000_000 * MEETINGS_MAX / meeting_ppm.max(1)).isqrt();
        let most = usize::try_from(apart).unwrap_or(CLAIM_MAX).clamp(1, CLAIM_MAX);
        Tickets {
            bundles,
            claim: (bundles / lanes.saturating_mul(CLAIMS_PER_LANE).max(1)).clamp(1, most),
            next: CachePadded::new(AtomicUsize::new(0)),
            parts: (0..bundles.div_ceil(PART)).map(|_| OnceLock::new()).collect(),
            planned: CachePadded::new(AtomicUsize::new(0)),
            is_done: (0..bundles).map(|_| AtomicBool::new(false)).collect(),
            bounds: (0..lanes).map(|_| CachePadded::new(AtomicUsize::new(usize::MAX))).collect(),
            lanes: CachePadded::new(AtomicUsize::new(0)),
            stop: Stop::default(),
        }
    }

    fn plan(&self, batch: &Batch) {
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
        let lane = self.lanes.fetch_add(1, Ordering::Relaxed);
        let mut claimed = Claimed { lane, aside: Vec::new(), rest: 0..0, settled: 0 };
        let mut patience = Patience::default();
        while !self.stop.is_set() {
            if let Some(at) = self.next_ready(&mut claimed) {
                task(at);
                if let Some(is_done) = self.is_done.get(at) {
                    is_done.store(true, Ordering::Release);
                }
                patience = Patience::default();
            } else if claimed.aside.len() >= ASIDE_MAX || !self.claim(&mut claimed) {
                if claimed.aside.is_empty() {
                    return;
                }
                patience.wait();
            }
        }
    }

    /// Takes the first bundle that is ready from what a lane has claimed, those put aside before the others.
    fn next_ready(&self, claimed: &mut Claimed) -> Option<usize> {
        if let Some(place) = claimed.aside.iter().position(|at| self.is_ready(*at, claimed.settled)) {
            return Some(claimed.aside.remove(place));
        }
        while claimed.aside.len() < ASIDE_MAX {
            let at = claimed.rest.next()?;
            if self.is_ready(at, claimed.settled) {
                return Some(at);
            }
            claimed.aside.push(at);
        }
        None
    }

    /// Claims more; false if there is no more.
    fn claim(&self, claimed: &mut Claimed) -> bool {
        // Before the claim, so that whoever claims later finds it.
        let next = self.next.load(Ordering::Relaxed);
        let bound = claimed.aside.first().copied().unwrap_or(next);
        if let Some(slot) = self.bounds.get(claimed.lane) {
            slot.store(bound, Ordering::Release);
        }
        if next >= self.bundles {
            return false;
        }
        // The counter stops below `bundles + lanes * claim`, so it cannot wrap.
        let start = self.next.fetch_add(self.claim, Ordering::AcqRel);
        claimed.rest = start.min(self.bundles)..start.saturating_add(self.claim).min(self.bundles);
        claimed.settled = self.bounds.iter().map(|bound| bound.load(Ordering::Acquire)).min().unwrap_or(0);
        true
    }

    /// Whether all that a bundle follows has ended, as all before `settled` has.
    fn is_ready(&self, at: usize, settled: usize) -> bool {
        let Some(part) = self.part(at / PART) else { return false };
        let mut follows = part.plan.follows(at).iter().map(|before| place(*before));
        follows.all(|before| before < settled || self.has_ended(before))
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

    fn has_ended(&self, node: usize) -> bool {
        match self.is_done.get(node) {
            Some(is_done) => is_done.load(Ordering::Acquire),
            None => self.has_join_ended(node),
        }
    }

    /// Whether everything that a join follows has ended; the first lane to see it spares it the others.
    fn has_join_ended(&self, node: usize) -> bool {
        let parts = self.parts.iter().map_while(OnceLock::get);
        let Some(part) = parts.into_iter().find(|part| part.plan.join_range().contains(&node)) else { return false };
        let is_joined = part.is_joined.get(node - part.plan.join_range().start);
        if is_joined.is_some_and(|is_joined| is_joined.load(Ordering::Acquire)) {
            return true;
        }
        let has_ended = part.plan.follows(node).iter().all(|before| self.has_ended(place(*before)));
        if let Some(is_joined) = is_joined.filter(|_| has_ended) {
            is_joined.store(true, Ordering::Release);
        }
        has_ended
    }
}
