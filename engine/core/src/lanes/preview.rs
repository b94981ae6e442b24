//! A plan that follows the bundles of an open auction as they come and go.
//!
//! It answers what [`Plan::new`](super::Plan::new) would for the same bundles in order, without links: colours,
//! their number, the busiest resource, the critical path. A change walks forward in order from the bundle that
//! changed, and only along what really moves.

use std::collections::{BTreeMap, BTreeSet};

use super::resource::{Access, Footprint, Resource};
use super::runs::{Counts, Rank, Ranks, Runs};

/// The most bundles of a preview: one that comes first may move all others, 0.2 s where each has four resources.
pub const PREVIEW_BUNDLES_MAX: usize = 65_536;

/// One of so many bundles may change before planning all of them anew is cheaper than moving what follows each.
const CHANGES_OF: usize = 64;

/// Why a bundle was not inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewError {
    /// There are [`PREVIEW_BUNDLES_MAX`] bundles already.
    Full,
    /// There is a bundle with this key already.
    Taken,
}

impl std::fmt::Display for PreviewError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PreviewError::Full => write!(f, "expected at most {PREVIEW_BUNDLES_MAX} bundles, found more"),
            PreviewError::Taken => f.write_str("expected a key of its own for each bundle, found one twice"),
        }
    }
}

impl std::error::Error for PreviewError {}

#[derive(Clone, Debug)]
struct Planned {
    footprint: Footprint,
    cost: u64,
    rank: Rank,
}

/// What comes next in a walk: keys first, so that all a bundle follows is settled when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// The run of this resource that starts with the bundle, or did when this was noted, has something else to follow.
    Run(Resource),
    /// The bundle has.
    Bundle,
}

/// Bundles in order of their keys, each with its colour and the earliest that it ends.
///
/// Inserting or removing costs O(t log n) for a bundle of t touches among n, the length of the shorter part of each run
/// that it splits or joins, and O(u log n) for each bundle of u touches whose colour or end may change: each once,
/// however many that it follows have changed. At worst that is every later bundle.
#[derive(Clone, Debug)]
pub struct Preview<K> {
    bundles: BTreeMap<K, Planned>,
    resources: BTreeMap<Resource, Runs<K>>,
    ranks: Ranks,
    writers: Counts<u32>,
}

impl<K> Default for Preview<K> {
    fn default() -> Preview<K> {
        Preview {
            bundles: BTreeMap::new(),
            resources: BTreeMap::new(),
            ranks: Ranks::default(),
            writers: Counts::default(),
        }
    }
}

impl<K: Ord + Clone> Preview<K> {
    /// The number of bundles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bundles.len()
    }

    /// Whether there is no bundle.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }

    /// The number of colours, which is the critical path in bundles.
    #[must_use]
    pub fn colours(&self) -> u32 {
        self.ranks.highest().colour
    }

    /// The longest path of costs.
    #[must_use]
    pub fn critical_path(&self) -> u64 {
        self.ranks.highest().end
    }

    /// The writers of the busiest resource.
    #[must_use]
    pub fn hottest(&self) -> u32 {
        self.writers.highest()
    }

    /// The colour of a bundle: one more than the highest among the earlier ones it conflicts with.
    #[must_use]
    pub fn colour(&self, key: &K) -> Option<u32> {
        Some(self.bundles.get(key)?.rank.colour)
    }

    /// When a bundle starts if no worker is ever short.
    #[must_use]
    pub fn start(&self, key: &K) -> Option<u64> {
        let planned = self.bundles.get(key)?;
        Some(planned.rank.end.saturating_sub(planned.cost))
    }

    /// Adds a bundle at its place in the order.
    ///
    /// # Errors
    ///
    /// [`PreviewError::Taken`] if there is one of this key, [`PreviewError::Full`] if there are too many.
    pub fn insert(&mut self, key: K, footprint: Footprint, cost: u64) -> Result<(), PreviewError> {
        let mut turns = BTreeSet::new();
        self.put_in(key, footprint, cost, &mut turns)?;
        self.walk(turns);
        Ok(())
    }

    /// Takes a bundle out; returns what it touched.
    pub fn remove(&mut self, key: &K) -> Option<Footprint> {
        let mut turns = BTreeSet::new();
        let footprint = self.take_out(key, &mut turns)?;
        self.walk(turns);
        Some(footprint)
    }

    /// Takes bundles out and puts others in; those that find no room, or their key taken, are left out.
    ///
    /// However many change, each bundle moves once at most: O(n t log n) at worst. Many at once are planned anew in
    /// order, which costs no more and looks at less.
    pub fn change(&mut self, out: &[K], into: Vec<(K, Footprint, u64)>) {
        let changes = out.len().saturating_add(into.len());
        if changes <= self.len().checked_div(CHANGES_OF).unwrap_or(0) {
            self.change_in_place(out, into);
            return;
        }
        let mut held = std::mem::take(self).bundles;
        out.iter().for_each(|key| drop(held.remove(key)));
        let kept = held.into_iter().map(|(key, planned)| (key, planned.footprint, planned.cost));
        let mut all: Vec<_> = kept.chain(into).collect();
        all.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        for (key, footprint, cost) in all {
            // What finds no room is left out, as documented.
            let _ = self.insert(key, footprint, cost);
        }
    }

    /// Changes all, then walks once; returns how many bundles it settled.
    fn change_in_place(&mut self, out: &[K], into: Vec<(K, Footprint, u64)>) -> usize {
        let mut turns = BTreeSet::new();
        for key in out {
            self.take_out(key, &mut turns);
        }
        for (key, footprint, cost) in into {
            // What finds no room is left out, as documented.
            let _ = self.put_in(key, footprint, cost, &mut turns);
        }
        self.walk(turns)
    }

    fn put_in(
        &mut self,
        key: K,
        footprint: Footprint,
        cost: u64,
        turns: &mut BTreeSet<(K, Turn)>,
    ) -> Result<(), PreviewError> {
        if self.bundles.contains_key(&key) {
            return Err(PreviewError::Taken);
        }
        if self.bundles.len() >= PREVIEW_BUNDLES_MAX {
            return Err(PreviewError::Full);
        }
        for (resource, access) in footprint.iter() {
            let moved = self.touched(resource, access, |runs| runs.insert(&key, access));
            turns.extend(moved.map(|first| (first, Turn::Run(resource))));
        }
        let planned = Planned { footprint, cost, rank: Rank::default() };
        self.ranks.add(planned.rank);
        self.bundles.insert(key.clone(), planned);
        turns.insert((key, Turn::Bundle));
        Ok(())
    }

    fn take_out(&mut self, key: &K, turns: &mut BTreeSet<(K, Turn)>) -> Option<Footprint> {
        let planned = self.bundles.remove(key)?;
        self.ranks.take(planned.rank);
        for (resource, access) in planned.footprint.iter() {
            let moved = self.touched(resource, access, |runs| runs.remove(key));
            turns.extend(moved.map(|first| (first, Turn::Run(resource))));
        }
        Some(planned.footprint)
    }

    /// Changes who touches a resource, and what is counted of it.
    fn touched<T>(&mut self, resource: Resource, access: Access, change: impl FnOnce(&mut Runs<K>) -> T) -> T {
        let runs = self.resources.entry(resource).or_default();
        let writers = runs.writers();
        let changed = change(runs);
        if access == Access::Write {
            self.writers.take(writers);
            if runs.writers() > 0 {
                self.writers.add(runs.writers());
            }
        }
        if runs.is_empty() {
            self.resources.remove(&resource);
        }
        changed
    }

    /// Takes every turn, in order; returns how many bundles it settled, each once.
    fn walk(&mut self, mut turns: BTreeSet<(K, Turn)>) -> usize {
        let mut settled: usize = 0;
        while let Some((key, turn)) = turns.pop_first() {
            match turn {
                Turn::Run(resource) => {
                    let runs = self.resources.get(&resource);
                    let members = runs.into_iter().flat_map(|runs| runs.members_from(&key));
                    turns.extend(members.map(|member| (member.clone(), Turn::Bundle)));
                }
                Turn::Bundle => {
                    self.settle(&key, &mut turns);
                    settled = settled.saturating_add(1);
                }
            }
        }
        settled
    }

    /// Computes the rank of one bundle, and passes a change on to the runs behind it.
    fn settle(&mut self, key: &K, turns: &mut BTreeSet<(K, Turn)>) {
        let Some(planned) = self.bundles.get_mut(key) else { return };
        let runs = planned.footprint.iter().filter_map(|(resource, _)| self.resources.get(&resource));
        let before = runs.fold(Rank::default(), |highest, runs| highest.max(runs.before(key)));
        let rank = Rank { colour: before.colour.saturating_add(1), end: before.end.saturating_add(planned.cost) };
        if rank == planned.rank {
            return;
        }
        self.ranks.take(planned.rank);
        self.ranks.add(rank);
        planned.rank = rank;
        for (resource, _) in planned.footprint.iter() {
            let moved = self.resources.get_mut(&resource).and_then(|runs| runs.set(key, rank));
            turns.extend(moved.map(|first| (first, Turn::Run(resource))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::*;
    use crate::lanes::tests::below;
    use crate::lanes::{Batch, Plan, schedule};

    type Key = (Reverse<u32>, u32);

    /// The plan made anew: it must say the same of every bundle.
    fn assert_twin(preview: &Preview<Key>, bundles: &BTreeMap<Key, (Footprint, u64)>, step: u32) {
        let batch = Batch::new(&bundles.values().map(|(footprint, _)| footprint).collect::<Vec<_>>()).expect("small");
        let costs: Vec<u64> = bundles.values().map(|(_, cost)| *cost).collect();
        let plan = Plan::new(&batch);
        let found = (preview.len(), preview.colours(), preview.hottest(), preview.critical_path());
        let expected = (plan.bundles(), plan.colours(), plan.hottest(), plan.critical_path(&costs));
        assert_eq!(found, expected, "step {step}");
        let keys: Vec<&Key> = bundles.keys().collect();
        for slot in schedule(&plan, &costs, bundles.len()) {
            let (at, key) = (slot.bundle as usize, keys[slot.bundle as usize]);
            let found = (preview.colour(key), preview.start(key));
            assert_eq!(found, (Some(plan.colour(at)), Some(slot.start)), "step {step}, bundle {at}");
        }
    }

    fn random_footprint(seed: &mut u64, keys: u32, writes: u32) -> Footprint {
        let accesses = [Access::Read, Access::Add, Access::Write];
        let touched = (0..=below(seed, 3)).map(|_| {
            let kinds = if below(seed, 8) < writes { 3 } else { 2 };
            (Resource::Other(below(seed, keys)), accesses[below(seed, kinds) as usize])
        });
        Footprint::new(touched.collect())
    }

    #[test]
    fn bundles_that_come_and_go_leave_the_plan_that_would_be_made_anew() {
        for round in 0..40_u32 {
            let mut seed = 0x9e37_79b9_7f4a_7c15 ^ u64::from(round) << 20;
            let (keys, writes, most) = (1 + below(&mut seed, 12), below(&mut seed, 8), 4 + below(&mut seed, 60));
            let mut preview = Preview::default();
            let mut bundles = BTreeMap::new();
            for step in 0..300 {
                let held = u32::try_from(bundles.len()).expect("few");
                if below(&mut seed, most) < held {
                    let at = below(&mut seed, held) as usize;
                    let key: Key = *bundles.keys().nth(at).expect("held");
                    let (footprint, _) = bundles.remove(&key).expect("held");
                    assert_eq!(preview.remove(&key), Some(footprint), "round {round}, step {step}");
                } else {
                    let key = (Reverse(below(&mut seed, 1_000)), step);
                    let footprint = random_footprint(&mut seed, keys, writes);
                    let cost = u64::from(below(&mut seed, 6));
                    bundles.insert(key, (footprint.clone(), cost));
                    assert_eq!(preview.insert(key, footprint, cost), Ok(()), "round {round}, step {step}");
                }
                assert_twin(&preview, &bundles, round * 1_000 + step);
            }
            let keys: Vec<Key> = bundles.keys().copied().collect();
            keys.iter().for_each(|key| assert!(preview.remove(key).is_some()));
            assert!(preview.is_empty() && preview.resources.is_empty());
            assert_eq!((preview.colours(), preview.hottest(), preview.critical_path()), (0, 0, 0));
        }
    }

    #[test]
    fn changes_at_once_leave_the_plan_that_would_be_made_anew() {
        let mut seed = 7;
        let (mut preview, mut bundles) = (Preview::default(), BTreeMap::new());
        for step in 0..60 {
            let many = [1, 2, 200][below(&mut seed, 3) as usize];
            let out: Vec<Key> = bundles.keys().filter(|_| below(&mut seed, 300) < many).copied().collect();
            out.iter().for_each(|key| drop(bundles.remove(key)));
            let into: Vec<_> = (0..many)
                .map(|number| {
                    let key: Key = (Reverse(below(&mut seed, 1_000)), step * 1_000 + number);
                    (key, random_footprint(&mut seed, 40, 4), u64::from(below(&mut seed, 6)))
                })
                .collect();
            bundles.extend(into.iter().map(|(key, footprint, cost)| (*key, (footprint.clone(), *cost))));
            preview.change(&out, into);
            assert_twin(&preview, &bundles, step);
        }
    }

    #[test]
    fn changes_in_place_leave_the_plan_that_would_be_made_anew() {
        for round in 0..30_u32 {
            let mut seed = 0x51_7c_c1_b7 ^ u64::from(round) << 24;
            let (keys, writes) = (1 + below(&mut seed, 12), below(&mut seed, 8));
            let (mut preview, mut bundles) = (Preview::default(), BTreeMap::new());
            for step in 0..40 {
                let (share, many) = (below(&mut seed, 100), below(&mut seed, 30));
                let out: Vec<Key> = bundles.keys().filter(|_| below(&mut seed, 100) < share).copied().collect();
                out.iter().for_each(|key| drop(bundles.remove(key)));
                let into: Vec<_> = (0..many)
                    .map(|number| {
                        let again = out.get(number as usize).filter(|_| below(&mut seed, 4) == 0).copied();
                        let key = again.unwrap_or((Reverse(below(&mut seed, 50)), step * 1_000 + number));
                        (key, random_footprint(&mut seed, keys, writes), u64::from(below(&mut seed, 3)))
                    })
                    .collect();
                bundles.extend(into.iter().map(|(key, footprint, cost)| (*key, (footprint.clone(), *cost))));
                let settled = preview.change_in_place(&out, into);
                assert!(settled <= bundles.len(), "round {round}, step {step}: {settled} of {}", bundles.len());
                assert_twin(&preview, &bundles, round * 1_000 + step);
            }
        }
    }

    #[test]
    fn changes_in_front_of_a_long_queue_move_each_bundle_once() {
        let touch = || Footprint::new(vec![(Resource::Other(1), Access::Write)]);
        let mut preview = Preview::default();
        let queue = 4_096_u32;
        preview.change(&[], (0..queue).map(|at| (queue + at, touch(), 1)).collect());
        let into: Vec<_> = (0..64).map(|at| (at, touch(), 1)).collect();
        assert_eq!(preview.change_in_place(&[], into), 4_096 + 64);
        assert_eq!((preview.colours(), preview.start(&(2 * queue - 1))), (4_160, Some(4_159)));
        let out: Vec<u32> = (0..64).collect();
        let into: Vec<_> = (0..64).map(|at| (100 + at, touch(), 2)).collect();
        assert_eq!(preview.change_in_place(&out, into), 4_096 + 64);
        assert_eq!((preview.colours(), preview.critical_path()), (4_160, 4_096 + 128));
    }

    #[test]
    fn what_splits_a_run_moves_what_comes_after_it() {
        let touch = |access| Footprint::new(vec![(Resource::Other(1), access)]);
        let mut preview = Preview::default();
        for key in [10, 20, 30] {
            preview.insert(key, touch(Access::Add), 2).expect("room");
        }
        assert_eq!((preview.colours(), preview.hottest(), preview.start(&30)), (1, 0, Some(0)));
        preview.insert(15, touch(Access::Write), 5).expect("room");
        let colours = [10, 15, 20, 30].map(|key| preview.colour(&key));
        assert_eq!((colours, preview.hottest()), ([Some(1), Some(2), Some(3), Some(3)], 1));
        assert_eq!((preview.start(&30), preview.critical_path()), (Some(7), 9));
        preview.remove(&15).expect("there");
        assert_eq!((preview.colours(), preview.hottest(), preview.critical_path()), (1, 0, 2));
    }

    #[test]
    fn a_key_names_one_bundle_and_there_is_a_most() {
        let mut preview = Preview::default();
        for key in 0..PREVIEW_BUNDLES_MAX {
            preview.insert(key, Footprint::default(), 1).expect("room");
        }
        assert_eq!(preview.insert(0, Footprint::default(), 1), Err(PreviewError::Taken));
        assert_eq!(preview.insert(PREVIEW_BUNDLES_MAX, Footprint::default(), 1), Err(PreviewError::Full));
        assert_eq!(PreviewError::Full.to_string(), "expected at most 65536 bundles, found more");
        assert_eq!((preview.remove(&PREVIEW_BUNDLES_MAX), preview.start(&PREVIEW_BUNDLES_MAX)), (None, None));
        assert_eq!((preview.len(), preview.colours()), (PREVIEW_BUNDLES_MAX, 1));
    }
}
