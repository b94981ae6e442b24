//! A batch of bundles in the order of their turns, with resources numbered densely.
//!
//! Planning looks resources up by number in one table, so it hashes and compares nothing.

use super::resource::{Access, Footprint, Resource};

/// The most resources of one batch: two bits of a touch hold the access.
pub const RESOURCES_MAX: u32 = 1 << 30;
/// The most bundles of one batch: the upper half of the numbers is for joins and lists.
pub const BATCH_BUNDLES_MAX: usize = 1 << 30;

/// How one bundle touches one resource, in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch(u32);

impl Touch {
    fn new(resource: u32, access: Access) -> Touch {
        Touch(resource.wrapping_shl(2) | bits_of(access))
    }

    /// The resource's number in its batch.
    #[must_use]
    pub fn resource(self) -> u32 {
        self.0.wrapping_shr(2)
    }

    /// How it is touched.
    #[must_use]
    pub fn access(self) -> Access {
        access_of(self.0)
    }
}

/// An access in two bits.
pub(super) fn bits_of(access: Access) -> u32 {
    match access {
        Access::Read => 0,
        Access::Write => 1,
        Access::Add => 2,
    }
}

/// The access in the last two bits.
pub(super) fn access_of(bits: u32) -> Access {
    match bits & 3 {
        0 => Access::Read,
        1 => Access::Write,
        _ => Access::Add,
    }
}

/// Bundles in order, each with what it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where each bundle's touches start; one more entry than there are bundles.
    starts: Vec<u32>,
    touches: Vec<Touch>,
    resources: u32,
    is_commuting: bool,
    is_all_written: bool,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { starts: vec![0], touches: Vec::new(), resources: 0, is_commuting: true, is_all_written: true }
    }
}

/// How many resources of each kind come before those of the next: the kinds share one range of numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Bases {
    venues: u32,
    reserves: u32,
    facts: u32,
    others: u32,
    end: u32,
}

impl Bases {
    fn of(footprints: &[&Footprint]) -> Bases {
        let mut counts = [0_u32; 5];
        for (resource, _) in footprints.iter().flat_map(|footprint| footprint.iter()) {
            let (kind, number) = match resource {
                Resource::Intent(index) => (0, index.0),
                Resource::Venue(index) => (1, index.0),
                Resource::Reserve(index) => (2, index.0),
                Resource::Fact(index) => (3, index.0),
                Resource::Other(number) => (4, number),
            };
            if let Some(count) = counts.get_mut(kind) {
                *count = (*count).max(number.saturating_add(1));
            }
        }
        let [intents, venues, reserves, facts, others] = counts;
        let base_of_reserves = intents.saturating_add(venues);
        let base_of_facts = base_of_reserves.saturating_add(reserves);
        let base_of_others = base_of_facts.saturating_add(facts);
        let end = base_of_others.saturating_add(others);
        Bases { venues: intents, reserves: base_of_reserves, facts: base_of_facts, others: base_of_others, end }
    }

    fn number(self, resource: Resource) -> u32 {
        match resource {
            Resource::Intent(index) => index.0,
            Resource::Venue(index) => self.venues.saturating_add(index.0),
            Resource::Reserve(index) => self.reserves.saturating_add(index.0),
            Resource::Fact(index) => self.facts.saturating_add(index.0),
            Resource::Other(number) => self.others.saturating_add(number),
        }
    }
}

impl Batch {
    /// Numbers the resources of these bundles; `None` beyond [`RESOURCES_MAX`], [`BATCH_BUNDLES_MAX`] or
    /// 2^32 - 1 touches.
    #[must_use]
    pub fn new(footprints: &[&Footprint]) -> Option<Batch> {
        let bases = Bases::of(footprints);
        if bases.end > RESOURCES_MAX || footprints.len() > BATCH_BUNDLES_MAX {
            return None;
        }
        let touched = footprints.iter().fold(0_usize, |sum, footprint| sum.saturating_add(footprint.len()));
        u32::try_from(touched).ok()?;
        let mut starts = Vec::with_capacity(footprints.len().saturating_add(1));
        let mut touches = Vec::with_capacity(touched);
        let (mut is_commuting, mut is_all_written) = (true, true);
        starts.push(0);
        for footprint in footprints {
            for (resource, access) in footprint.iter() {
                touches.push(Touch::new(bases.number(resource), access));
                is_commuting &= access == Access::Add;
                is_all_written &= access == Access::Write;
            }
            starts.push(u32::try_from(touches.len()).ok()?);
        }
        Some(Batch { starts, touches, resources: bases.end, is_commuting, is_all_written })
    }

    /// The number of bundles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no bundle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest number of a resource.
    #[must_use]
    pub fn resources(&self) -> usize {
        usize::try_from(self.resources).unwrap_or(usize::MAX)
    }

    /// All touches of all bundles.
    #[must_use]
    pub fn touches(&self) -> &[Touch] {
        &self.touches
    }

    /// Whether every touch adds, so that no bundle has to wait for another.
    #[must_use]
    pub fn is_commuting(&self) -> bool {
        self.is_commuting
    }

    /// Whether every touch writes.
    #[must_use]
    pub fn is_all_written(&self) -> bool {
        self.is_all_written
    }

    /// What the bundle at this place touches, each resource once.
    #[must_use]
    pub fn touches_of(&self, at: usize) -> &[Touch] {
        self.touches.get(self.start(at)..self.start(at.saturating_add(1))).unwrap_or(&[])
    }

    /// How many touches the bundles from `start` to before `end` have.
    #[must_use]
    pub fn touches_within(&self, start: usize, end: usize) -> usize {
        self.start(end).saturating_sub(self.start(start))
    }

    fn start(&self, at: usize) -> usize {
        self.starts.get(at).map_or(self.touches.len(), |start| usize::try_from(*start).unwrap_or(usize::MAX))
    }

    /// The most work of writers that any one resource sees: no order of the bundles can finish before that.
    ///
    /// A missing cost counts 1.
    #[must_use]
    pub fn hottest_work(&self, costs: &[u64]) -> u64 {
        let mut work = vec![0_u64; self.resources()];
        for at in 0..self.len() {
            let cost = costs.get(at).copied().unwrap_or(1);
            for touch in self.touches_of(at).iter().filter(|touch| touch.access() == Access::Write) {
                if let Some(sum) = usize::try_from(touch.resource()).ok().and_then(|number| work.get_mut(number)) {
                    *sum = sum.saturating_add(cost);
                }
            }
        }
        work.into_iter().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{IntentIndex, VenueIndex};

    #[test]
    fn kinds_get_ranges_of_their_own() {
        let one = Footprint::new(vec![
            (Resource::Venue(VenueIndex(1)), Access::Write),
            (Resource::Intent(IntentIndex(4)), Access::Write),
        ]);
        let two =
            Footprint::new(vec![(Resource::Venue(VenueIndex(1)), Access::Add), (Resource::Other(0), Access::Read)]);
        let batch = Batch::new(&[&one, &two]).expect("small");
        let touched =
            |at| batch.touches_of(at).iter().map(|touch| (touch.resource(), touch.access())).collect::<Vec<_>>();
        assert_eq!(touched(0), [(4, Access::Write), (6, Access::Write)]);
        assert_eq!(touched(1), [(6, Access::Add), (7, Access::Read)]);
        assert_eq!((batch.len(), batch.resources(), batch.is_commuting()), (2, 8, false));
        assert_eq!(batch.hottest_work(&[5, 9]), 5);
        assert!(Batch::default().is_empty());
        assert!(Batch::new(&[&Footprint::new(vec![(Resource::Other(u32::MAX), Access::Add)])]).is_none());
    }
}
