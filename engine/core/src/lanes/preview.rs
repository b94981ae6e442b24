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
mod tests;
