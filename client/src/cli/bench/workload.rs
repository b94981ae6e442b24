//! Batches of bundles to measure with: the shapes that contention takes, each a function of its seed.

use clearlane_core::lanes::{Access, Batch, Footprint, Resource};

/// Market makers whose accounts most bundles touch.
const HUBS: u32 = 64;
/// Bundles of one ring: each shares a resource with the next.
const RING: u32 = 6;

/// A shape of contention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Two to four exclusive keys, all alike.
    Uniform,
    /// The same, keys by Zipf's law with this exponent in tenths.
    Zipf(u32),
    /// Zipf 1.1 with the bundles on hot keys last.
    HotLast,
    /// Each bundle takes from one of a few market makers and from one user.
    Hubs,
    /// One account that all pay into, and one account of their own.
    HotAccountAmple,
    /// One account that all draw on and that can't pay for all.
    HotAccountScarce,
    /// Four in five touch only what is theirs; the rest trade on one of so many pools.
    Pools(u32),
    /// Rings of bundles that each share a key with the next.
    Rings,
    /// Most read a few prices that a few write; credits beside.
    ReadHeavy,
    /// Two to four accounts that are only added to, all alike.
    Credits,
}

/// Every workload with its name.
pub(crate) const WORKLOADS: [(&str, Shape); 14] = [
    ("uniform", Shape::Uniform),
    ("zipf-0.8", Shape::Zipf(8)),
    ("zipf-1.1", Shape::Zipf(11)),
    ("zipf-1.3", Shape::Zipf(13)),
    ("hot-last", Shape::HotLast),
    ("hubs", Shape::Hubs),
    ("credits", Shape::Credits),
    ("hot-account", Shape::HotAccountAmple),
    ("hot-scarce", Shape::HotAccountScarce),
    ("pools-1", Shape::Pools(1)),
    ("pools-4", Shape::Pools(4)),
    ("pools-16", Shape::Pools(16)),
    ("rings", Shape::Rings),
    ("read-heavy", Shape::ReadHeavy),
];

/// Bundles in order with what they touch.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What each bundle touches, as the peers want it.
    pub(crate) footprints: Vec<Footprint>,
    /// The same as the planner wants it.
    pub(crate) batch: Batch,
}

impl Workload {
    /// So many bundles of a shape.
    pub(crate) fn new((name, shape): (&'static str, Shape), bundles: u32, seed: u64) -> Workload {
        let mut source = Source::new(shape, bundles, seed);
        let mut footprints: Vec<Footprint> = (0..bundles).map(|at| Footprint::new(source.touched(at))).collect();
        if shape == Shape::HotLast {
            // Low keys are the hot ones.
            let lowest = |footprint: &Footprint| {
                footprint.iter().map(|(resource, _)| resource).min().unwrap_or(Resource::Other(u32::MAX))
            };
            footprints.sort_by_key(|footprint| std::cmp::Reverse(lowest(footprint)));
        }
        let batch = Batch::new(&footprints.iter().collect::<Vec<_>>()).unwrap_or_default();
        Workload { name, footprints, batch }
    }
}

struct Source {
    shape: Shape,
    keys: u32,
    random: Random,
    zipf: Option<Zipf>,
}

impl Source {
    fn new(shape: Shape, bundles: u32, seed: u64) -> Source {
        // As many keys as bundles, so that a uniform batch hardly conflicts.
        let keys = bundles.max(16);
        let exponent = match shape {
            Shape::Zipf(tenths) => Some(f64::from(tenths) / 10.0),
            Shape::HotLast => Some(1.1),
            Shape::Uniform
            | Shape::Hubs
            | Shape::HotAccountAmple
            | Shape::HotAccountScarce
            | Shape::Pools(_)
            | Shape::Rings
            | Shape::ReadHeavy
            | Shape::Credits => None,
        };
        Source { shape, keys, random: Random::new(seed), zipf: exponent.map(|exponent| Zipf::new(keys, exponent)) }
    }

    fn touched(&mut self, at: u32) -> Vec<(Resource, Access)> {
        let own = |offset: u32| Resource::Other(self.keys.saturating_add(offset));
        match self.shape {
            Shape::Uniform | Shape::Zipf(_) | Shape::HotLast => self.keys_of(Access::Write),
            Shape::Credits => self.keys_of(Access::Add),
            Shape::Hubs => {
                let hub = self.random.below(HUBS);
                vec![
                    (Resource::Other(hub), Access::Write),
                    (Resource::Other(HUBS + self.random.below(self.keys)), Access::Write),
                ]
            }
            Shape::HotAccountAmple => vec![(Resource::Other(0), Access::Add), (own(at), Access::Add)],
            Shape::HotAccountScarce => vec![(Resource::Other(0), Access::Write), (own(at), Access::Add)],
            Shape::Pools(pools) => {
                let mut touched = vec![(own(at), Access::Write), (own(self.keys + at), Access::Add)];
                if self.random.below(5) == 0 {
                    touched.push((Resource::Other(self.random.below(pools)), Access::Write));
                }
                touched
            }
            Shape::Rings => {
                let (ring, place) = (at / RING, at % RING);
                let next = if place + 1 == RING { 0 } else { place + 1 };
                [place, next].map(|place| (Resource::Other(ring * RING + place), Access::Write)).to_vec()
            }
            Shape::ReadHeavy => {
                let price = |random: &mut Random| Resource::Other(random.below(32));
                let access = if self.random.below(100) == 0 { Access::Write } else { Access::Read };
                vec![
                    (price(&mut self.random), access),
                    (price(&mut self.random), access),
                    (own(self.random.below(self.keys)), Access::Add),
                ]
            }
        }
    }

    /// Two to four keys, by Zipf's law where there is one.
    fn keys_of(&mut self, access: Access) -> Vec<(Resource, Access)> {
        let count = 2 + self.random.below(3);
        let key = |_| match &self.zipf {
            Some(zipf) => zipf.sample(&mut self.random),
            None => self.random.below(self.keys),
        };
        (0..count).map(key).map(|key| (Resource::Other(key), access)).collect()
    }
}

/// Keys by Zipf's law: key k has weight (k + 1)^-s.
struct Zipf {
    /// The share of all weight up to each key.
    cumulative: Vec<f64>,
}

impl Zipf {
    fn new(keys: u32, exponent: f64) -> Zipf {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (1..=keys)
            .map(|key| {
                sum += f64::from(key).powf(-exponent);
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|weight| *weight /= sum);
        Zipf { cumulative }
    }

    fn sample(&self, random: &mut Random) -> u32 {
        let share = f64::from(random.below(u32::MAX)) / f64::from(u32::MAX);
        let key = self.cumulative.partition_point(|weight| *weight < share);
        u32::try_from(key.min(self.cumulative.len() - 1)).unwrap_or(0)
    }
}

/// A small repeatable generator.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(bound)).unwrap_or(0)
    }
}
