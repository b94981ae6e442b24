//! The plan of a batch: colours in the given order, links to direct predecessors, priorities.
//!
//! No edge of the conflict graph is built: each resource remembers who touched it last and how,
//! so planning is linear in what the bundles touch.

use std::collections::BTreeMap;

use super::resource::{Access, Footprint, Resource};

/// A batch of bundles in order, each with its colour and what it must follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    planned: Vec<Planned>,
    hottest: u32,
    colours: u32,
}

/// One bundle's place in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// One more than the highest colour among the earlier bundles it conflicts with; from 1.
    pub colour: u32,
    /// The direct predecessors, as places in the order, sorted.
    pub follows: Vec<u32>,
}

/// The bundles that touched a resource last, all in ways that commute with each other.
#[derive(Clone, Debug, Default)]
struct Group {
    access: Option<Access>,
    members: Vec<u32>,
    /// The highest colour among the members.
    colour: u32,
    /// The group before, which later members of this one must follow too.
    before: Vec<u32>,
    before_colour: u32,
    writers: u32,
}

impl Plan {
    /// Plans bundles in the order given.
    ///
    /// Two bundles conflict iff they share a resource and are not both `Read` or both `Add`. A colour
    /// is the length of the longest path of conflicts that ends there, so their number is the critical path.
    #[must_use]
    pub fn new(footprints: &[Footprint]) -> Plan {
        let mut groups: BTreeMap<Resource, Group> = BTreeMap::new();
        let mut plan = Plan::default();
        for (at, footprint) in footprints.iter().enumerate() {
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            let mut planned = Planned::default();
            for (resource, access) in footprint.iter() {
                groups.entry(resource).or_default().admit(access, &mut planned);
            }
            planned.colour = planned.colour.saturating_add(1);
            planned.follows.sort_unstable();
            planned.follows.dedup();
            for (resource, access) in footprint.iter() {
                let group = groups.entry(resource).or_default();
                group.join(place, access, planned.colour);
                plan.hottest = plan.hottest.max(group.writers);
            }
            plan.colours = plan.colours.max(planned.colour);
            plan.planned.push(planned);
        }
        plan
    }

    /// The number of bundles.
    #[must_use]
    pub fn bundles(&self) -> usize {
        self.planned.len()
    }

    /// The number of colours, which is the critical path in bundles.
    #[must_use]
    pub fn colours(&self) -> u32 {
        self.colours
    }

    /// The writers of the busiest resource.
    #[must_use]
    pub fn hottest(&self) -> u32 {
        self.hottest
    }

    /// The bundle at a place in the order.
    #[must_use]
    pub fn planned(&self, at: usize) -> Option<&Planned> {
        self.planned.get(at)
    }

    /// Every bundle in order.
    pub fn iter(&self) -> impl Iterator<Item = &Planned> {
        self.planned.iter()
    }

    /// Per bundle, the places of those that directly follow it, in order.
    #[must_use]
    pub fn followers(&self) -> Vec<Vec<u32>> {
        let mut followers: Vec<Vec<u32>> = vec![Vec::new(); self.planned.len()];
        for (at, planned) in self.planned.iter().enumerate() {
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            for before in &planned.follows {
                if let Some(list) = usize::try_from(*before).ok().and_then(|before| followers.get_mut(before)) {
                    list.push(place);
                }
            }
        }
        followers
    }

    /// Per bundle, the longest path of costs from its start to the end of the batch; a missing cost counts 1.
    #[must_use]
    pub fn longest_remaining(&self, costs: &[u64]) -> Vec<u64> {
        let mut after: Vec<u64> = vec![0; self.planned.len()];
        for (at, planned) in self.planned.iter().enumerate().rev() {
            let cost = costs.get(at).copied().unwrap_or(1);
            let path = after.get(at).copied().unwrap_or(0).saturating_add(cost);
            if let Some(slot) = after.get_mut(at) {
                *slot = path;
            }
            for before in &planned.follows {
                if let Some(slot) = usize::try_from(*before).ok().and_then(|before| after.get_mut(before)) {
                    *slot = path.max(*slot);
                }
            }
        }
        after
    }

    /// The longest path of costs through the batch.
    #[must_use]
    pub fn critical_path(&self, costs: &[u64]) -> u64 {
        self.longest_remaining(costs).into_iter().max().unwrap_or(0)
    }
}

impl Group {
    /// Makes the bundle follow those of this resource that it conflicts with.
    fn admit(&self, access: Access, planned: &mut Planned) {
        let joins = self.access == Some(access) && access != Access::Write;
        let (members, colour) = if joins { (&self.before, self.before_colour) } else { (&self.members, self.colour) };
        planned.follows.extend_from_slice(members);
        planned.colour = planned.colour.max(colour);
    }

    fn join(&mut self, place: u32, access: Access, colour: u32) {
        let joins = self.access == Some(access) && access != Access::Write;
        if !joins {
            self.before = std::mem::take(&mut self.members);
            self.before_colour = std::mem::take(&mut self.colour);
            self.access = Some(access);
        }
        self.members.push(place);
        self.colour = self.colour.max(colour);
        if access == Access::Write {
            self.writers = self.writers.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    fn batch(seed: &mut u64) -> Vec<Footprint> {
        let bundles = 1 + random(seed) % 24;
        let keys = 1 + random(seed) % 12;
        let touched = |seed: &mut u64| {
            let access = [Access::Read, Access::Write, Access::Add][usize::try_from(random(seed) % 3).expect("small")];
            (Resource::Other(u32::try_from(random(seed) % keys).expect("small")), access)
        };
        (0..bundles)
            .map(|_| {
                let count = 1 + random(seed) % 4;
                Footprint::new((0..count).map(|_| touched(seed)).collect())
            })
            .collect()
    }

    /// The longest path that ends at each bundle, over every conflicting pair.
    fn longest_paths(footprints: &[Footprint]) -> Vec<u32> {
        let mut colours = vec![1; footprints.len()];
        for later in 0..footprints.len() {
            for earlier in 0..later {
                if footprints[earlier].conflicts_with(&footprints[later]) {
                    colours[later] = colours[later].max(colours[earlier] + 1);
                }
            }
        }
        colours
    }

    /// Whether every conflicting pair is ordered by the links.
    fn keeps_order(footprints: &[Footprint], plan: &Plan) -> bool {
        let mut reached: Vec<Vec<bool>> = Vec::new();
        for (at, planned) in plan.iter().enumerate() {
            let mut row = vec![false; at];
            for before in &planned.follows {
                let before = usize::try_from(*before).expect("small");
                row[before] = true;
                for (earlier, is_reached) in reached[before].iter().enumerate() {
                    row[earlier] |= *is_reached;
                }
            }
            let is_kept = |earlier: usize| row[earlier] || !footprints[earlier].conflicts_with(&footprints[at]);
            if !(0..at).all(is_kept) {
                return false;
            }
            reached.push(row);
        }
        true
    }

    #[test]
    fn colours_are_longest_paths_and_links_keep_every_conflict_in_order() {
        let mut seed = 0x9e37_79b9_7f4a_7c15;
        for round in 0..10_000 {
            let footprints = batch(&mut seed);
            let plan = Plan::new(&footprints);
            let colours: Vec<u32> = plan.iter().map(|planned| planned.colour).collect();
            assert_eq!(colours, longest_paths(&footprints), "round {round}");
            assert!(keeps_order(&footprints, &plan), "round {round}");
        }
    }

    #[test]
    fn a_plan_that_forgets_a_link_is_caught() {
        let write = || Footprint::new(vec![(Resource::Other(1), Access::Write)]);
        let footprints = [write(), write()];
        let mut plan = Plan::new(&footprints);
        assert!(keeps_order(&footprints, &plan));
        plan.planned[1].follows.clear();
        assert!(!keeps_order(&footprints, &plan));
    }

    #[test]
    fn additions_commute_and_paths_add_up() {
        let touch = |access| Footprint::new(vec![(Resource::Other(1), access)]);
        let plan = Plan::new(&[touch(Access::Add), touch(Access::Add), touch(Access::Write), touch(Access::Add)]);
        let colours: Vec<u32> = plan.iter().map(|planned| planned.colour).collect();
        assert_eq!(colours, [1, 1, 2, 3]);
        assert_eq!((plan.colours(), plan.hottest()), (3, 1));
        assert_eq!(plan.longest_remaining(&[5, 1, 2, 4]), [11, 7, 6, 4]);
        assert_eq!(plan.critical_path(&[5, 1, 2, 4]), 11);
    }
}
