//! Which way of running a batch is expected to be fastest: it changes speed and never the result.

use std::time::{Duration, Instant};

use clearlane_core::lanes::{Access, Batch, Footprint, Plan, Planner, Resource};

use super::{independent, ready_queue, tickets};

/// Bundles looked at for how hot the hottest resource is: more would cost more than they tell.
const SAMPLED_MAX: usize = 2_048;
/// Resources that a sample tells apart at a time; a rare one may be forgotten for another.
const TABLE: usize = 8_192;
/// The most neighbours that are looked at together.
const NEIGHBOURS_MAX: usize = 16;
/// Bundles of the batches that calibration runs.
const CALIBRATION_BUNDLES: u32 = 4_096;
/// How often calibration measures each figure; the least counts, as anything above it is somebody else's.
const CALIBRATION_ROUNDS: usize = 5;
/// What a bundle takes where nobody says: about a settlement of three keys with one pool.
const UNKNOWN_NANOS: u64 = 1_000;
/// Two methods within this many thousandths of each other are alike, and the simpler one is taken.
const ALIKE_PERMILLE: u64 = 20;

/// How a batch is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// One bundle after another on the caller's thread.
    Sequential,
    /// In any order, since every touch adds.
    Independent,
    /// In order, each waiting for those it follows; planned ahead of the lanes.
    Tickets,
    /// As soon as all they follow has ended, longest remaining path first.
    ReadyQueue,
}

impl Method {
    /// Every method, simplest first.
    pub const ALL: [Method; 4] = [Method::Sequential, Method::Independent, Method::Tickets, Method::ReadyQueue];

    /// The name for people and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Sequential => "sequential",
            Method::Independent => "independent",
            Method::Tickets => "tickets",
            Method::ReadyQueue => "ready-queue",
        }
    }
}

/// A method, and what each was expected to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The one taken.
    pub method: Method,
    /// Expected nanoseconds of each that can run the batch.
    pub expected: Vec<(Method, u64)>,
    /// The work of the batch, in expected nanoseconds.
    pub work: u64,
    /// How much its bundles meet.
    pub contention: Contention,
    /// The longest path in expected nanoseconds, where the plan showed only then that lanes would not pay.
    pub too_long: Option<u64>,
}

impl Choice {
    /// A method that was not chosen but told.
    pub(super) fn told(method: Method, bundles: usize, costs: &[u64], contention: Contention) -> Choice {
        Choice { method, expected: Vec::new(), work: sampled_work(bundles, costs), contention, too_long: None }
    }

    /// Why this method, in figures.
    #[must_use]
    pub fn reason(&self) -> String {
        let micros = |nanos: u64| nanos.div_ceil(1_000);
        let mut text =
            format!("{} µs of work, {} ‰ on one resource", micros(self.work), self.contention.hottest_permille);
        for (at, (method, nanos)) in self.expected.iter().enumerate() {
            let before = if at == 0 { "; expected" } else { "," };
            text.push_str(&format!("{before} {} {} µs", method.name(), micros(*nanos)));
        }
        if let Some(nanos) = self.too_long {
            text.push_str(&format!("; planned, and the longest path of {} µs is too long", micros(nanos)));
        }
        text
    }
}

/// So many times what starting the lanes costs a lane, a batch must hold before it is sampled: two lanes save half.
const WORTH_A_LOOK: u64 = 2;

/// How much the bundles of a batch meet on resources, by a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contention {
    /// The share of the bundles that write to the hottest resource, in thousandths.
    pub hottest_permille: u64,
    /// Of a million pairs of bundles that lanes would run at the same time, how many write to a common resource.
    pub meeting_ppm: u64,
}

impl std::fmt::Display for Choice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.method.name(), self.reason())
    }
}

/// What running a batch costs besides its work, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostModel {
    /// To start a thread and wait for its end.
    pub spawn: u64,
    /// To claim and end one bundle in order.
    pub claim: u64,
    /// To plan one bundle.
    pub plan: u64,
    /// To rank one bundle and lay out what follows it.
    pub rank: u64,
    /// To run one bundle through the ready queue.
    pub release: u64,
}

impl CostModel {
    /// A two-core machine of 2026; for tests and where calibration is not worth its time.
    pub const TYPICAL: CostModel = CostModel { spawn: 40_000, claim: 25, plan: 50, rank: 60, release: 90 };

    /// Measures this machine; takes a few milliseconds.
    #[must_use]
    pub fn calibrated() -> CostModel {
        let batch = calibration_batch();
        let plan = Plan::new(&batch);
        let each = |elapsed: Duration| nanos(elapsed) / u64::from(CALIBRATION_BUNDLES);
        let idle = |_: usize| {};
        let spawn = nanos(least(|| independent::run(2, 2, &idle)));
        let planning = each(least(|| drop(Planner::new(&batch).next_part(batch.len()))));
        let claiming = each(least(|| drop(tickets::run(1, &batch, 0, &idle)))).saturating_sub(planning);
        let ranking = each(least(|| drop(ready_queue::ReadyQueue::new(&plan, &plan.longest_remaining(&[]), 2))));
        let releasing = each(least(|| ready_queue::run(1, &plan, &[], &|_| true, &idle))).saturating_sub(ranking);
        // What one thread alone measures, lanes pay about twice: they pass cache lines to each other.
        let shared = |alone: u64| alone.saturating_mul(2).max(1);
        CostModel {
            spawn: spawn.max(1),
            claim: shared(claiming),
            plan: planning.max(1),
            rank: ranking.max(1),
            release: shared(releasing),
        }
    }

    /// The method for a batch on so many lanes.
    #[must_use]
    pub fn choose(&self, batch: &Batch, costs: &[u64], lanes: usize) -> Choice {
        let work = sampled_work(batch.len(), costs);
        let spawn = self.spawn.saturating_mul(lanes.saturating_sub(1) as u64);
        let is_worth_a_look = lanes > 1 && batch.len() > 1 && work / WORTH_A_LOOK > spawn / lanes as u64;
        let contention = if is_worth_a_look { contention(batch, lanes) } else { Contention::default() };
        let mut choice = Choice { method: Method::Sequential, expected: Vec::new(), work, contention, too_long: None };
        if !is_worth_a_look {
            choice.expected.push((Method::Sequential, work));
            return choice;
        }
        let methods = Method::ALL.into_iter().filter(|method| *method != Method::Independent || batch.is_commuting());
        choice.expected = methods.map(|method| (method, self.expect(method, &choice, batch.len(), lanes))).collect();
        let mut best = u64::MAX;
        for (method, expected) in &choice.expected {
            if expected.saturating_add(best / 1_000 * ALIKE_PERMILLE) < best {
                (choice.method, best) = (*method, *expected);
            }
        }
        choice
    }

    /// Whether lanes pay for a planned batch whose longest path of costs is `critical`.
    #[must_use]
    pub fn pays(&self, critical: u64, batch: &Batch, costs: &[u64]) -> bool {
        let work = sampled_work(batch.len(), costs);
        // Each bundle of the path is handed from one that ended to the next.
        let path = u128::from(critical) * batch.len() as u128 / u128::from(work.max(1));
        let handed = u64::try_from(path).unwrap_or(u64::MAX).saturating_mul(self.release);
        let alike = work / 1_000 * ALIKE_PERMILLE;
        critical.saturating_add(handed).saturating_add(self.spawn).saturating_add(alike) < work
    }

    /// Whether tasks that need no order are worth several lanes.
    #[must_use]
    pub fn is_worth_lanes(&self, nanos: u64, lanes: usize) -> bool {
        let (others, lanes) = (lanes.saturating_sub(1) as u64, lanes.max(1) as u64);
        self.spawn.saturating_mul(others) < nanos / lanes * others
    }

    fn expect(&self, method: Method, choice: &Choice, bundles: usize, lanes: usize) -> u64 {
        let (bundles, lanes) = (bundles as u64, lanes as u64);
        let spawn = self.spawn.saturating_mul(lanes - 1);
        let each = |nanos: u64| bundles.saturating_mul(nanos);
        let hot = |nanos: u64| (nanos / 1_000).saturating_mul(choice.contention.hottest_permille);
        let spread = |nanos: u64| (nanos / lanes).max(hot(nanos));
        match method {
            Method::Sequential => choice.work,
            Method::Independent => spawn.saturating_add(choice.work.saturating_add(each(self.claim)) / lanes),
            Method::Tickets => {
                let all = choice.work.saturating_add(each(self.claim.saturating_add(self.plan)));
                // In order, a lane that meets another stands still for half a bundle, and each hot one is met.
                let met = choice.contention.meeting_ppm.saturating_mul(lanes - 1).min(1_000_000);
                let stalls = (choice.work / 2_000_000).saturating_mul(met).max(hot(choice.work) / 2) / lanes;
                spawn.saturating_add(spread(all).max(each(self.plan))).saturating_add(stalls)
            }
            Method::ReadyQueue => {
                let all = choice.work.saturating_add(each(self.release));
                spawn.saturating_add(each(self.plan.saturating_add(self.rank))).saturating_add(spread(all))
            }
        }
    }
}

/// The work of all bundles, by a sample spread over the batch: adding up every cost would itself be felt.
fn sampled_work(bundles: usize, costs: &[u64]) -> u64 {
    let stride = bundles.div_ceil(SAMPLED_MAX).max(1);
    let sum = (0..bundles).step_by(stride).fold(0, |sum: u64, at| sum.saturating_add(cost_of(costs, at)));
    sum.saturating_mul(bundles as u64) / (bundles.div_ceil(stride) as u64).max(1)
}

/// What a bundle is expected to take.
fn cost_of(costs: &[u64], at: usize) -> u64 {
    costs.get(at).copied().unwrap_or(UNKNOWN_NANOS)
}

/// How much bundles meet, by a sample of neighbours spread over the batch: as many as lanes run at once.
pub(super) fn contention(batch: &Batch, lanes: usize) -> Contention {
    let block = lanes.clamp(2, NEIGHBOURS_MAX);
    let blocks = (SAMPLED_MAX / block).min(batch.len() / block).max(1);
    let apart = batch.len() / blocks;
    let mut writers = vec![Writers::default(); TABLE];
    let (mut hottest, mut sampled, mut near, mut far) = (0, 0_u64, 0_u64, 0_u64);
    for (number, start) in (1_u32..).zip((0..blocks).map(|number| number * apart)) {
        for at in (start..batch.len()).take(block) {
            sampled += 1;
            for touch in batch.touches_of(at).iter().filter(|touch| touch.access() == Access::Write) {
                let resource = touch.resource();
                let slot = &mut writers[resource as usize % TABLE];
                let found = if slot.resource == resource { *slot } else { Writers::default() };
                let here = if found.block == number { found.in_block } else { 0 };
                near += u64::from(here);
                far += u64::from(found.all);
                *slot = Writers { resource, all: found.all + 1, block: number, in_block: here + 1 };
                hottest = hottest.max(slot.all);
            }
        }
    }
    let ppm = |met: u64, pairs: u64| met.saturating_mul(1_000_000) / pairs.max(1);
    let near_pairs = (blocks * (block * (block - 1) / 2)) as u64;
    Contention {
        hottest_permille: u64::from(hottest) * 1_000 / sampled.max(1),
        meeting_ppm: ppm(near, near_pairs).max(ppm(far, sampled * sampled.saturating_sub(1) / 2)),
    }
}

/// Who of a sample wrote to a resource.
#[derive(Clone, Copy, Default)]
struct Writers {
    resource: u32,
    all: u32,
    /// The last block of neighbours with a writer, from 1.
    block: u32,
    in_block: u32,
}

/// Bundles that write to three of many resources.
fn calibration_batch() -> Batch {
    let touch = |bundle: u32, key: u32| {
        let resource =
            (bundle.wrapping_mul(2_654_435_761).wrapping_add(key.wrapping_mul(40_503)) >> 7) % CALIBRATION_BUNDLES;
        (Resource::Other(resource), Access::Write)
    };
    let bundles = 0..CALIBRATION_BUNDLES;
    let footprints: Vec<Footprint> =
        bundles.map(|bundle| Footprint::new((0..3).map(|key| touch(bundle, key)).collect())).collect();
    Batch::new(&footprints.iter().collect::<Vec<_>>()).unwrap_or_default()
}

/// The least time of several rounds.
fn least(work: impl Fn()) -> Duration {
    let round = || {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..CALIBRATION_ROUNDS).map(|_| round()).min().unwrap_or_default()
}

fn nanos(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bundles: u32, resource: impl Fn(u32) -> u32, access: Access) -> Batch {
        let footprints: Vec<Footprint> =
            (0..bundles).map(|at| Footprint::new(vec![(Resource::Other(resource(at)), access)])).collect();
        Batch::new(&footprints.iter().collect::<Vec<_>>()).expect("small")
    }

    #[test]
    fn each_kind_of_batch_gets_its_method() {
        let model = CostModel::TYPICAL;
        let method = |batch: &Batch, nanos: u64, lanes| {
            let costs = vec![nanos; batch.len()];
            model.choose(batch, &costs, lanes).method
        };
        let many = 20_000;
        assert_eq!(method(&batch(many, |at| at, Access::Write), 0, 2), Method::Sequential, "no work");
        assert_eq!(method(&batch(10, |at| at, Access::Write), 1_000, 2), Method::Sequential, "few bundles");
        assert_eq!(method(&batch(many, |at| at, Access::Write), 1_000, 1), Method::Sequential, "one lane");
        assert_eq!(method(&batch(many, |_| 0, Access::Write), 1_000, 8), Method::Sequential, "one chain");
        assert_eq!(method(&batch(many, |_| 0, Access::Add), 1_000, 2), Method::Independent, "credits");
        assert_eq!(method(&batch(many, |at| at, Access::Write), 1_000, 2), Method::Tickets, "all apart");
        let half = |at: u32| if at.is_multiple_of(3) { 0 } else { at };
        assert_eq!(method(&batch(many, half, Access::Write), 10_000, 2), Method::ReadyQueue, "a hot resource");
    }

    #[test]
    fn a_choice_says_why() {
        let batch = batch(20_000, |at| at, Access::Write);
        let choice = CostModel::TYPICAL.choose(&batch, &vec![1_000; batch.len()], 2);
        let expected = "tickets: 20000 µs of work, 0 ‰ on one resource; expected sequential 20000 µs, tickets 10790 µs, \
            ready-queue 13140 µs";
        assert_eq!(choice.to_string(), expected);
        let late = Choice { too_long: Some(19_000_000), expected: Vec::new(), ..choice };
        assert!(late.reason().ends_with("; planned, and the longest path of 19000 µs is too long"), "{late}");
    }

    #[test]
    fn calibration_gives_figures() {
        let model = CostModel::calibrated();
        assert!([model.spawn, model.claim, model.plan, model.rank, model.release].iter().all(|nanos| *nanos > 0));
    }
}
