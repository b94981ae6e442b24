//! The bundles that touch one resource, in order, as runs of those that commute there.
//!
//! A run is one writer, or neighbours that all only read or all only add. Every member of a run conflicts with
//! every member of the run before, so ranks grow from run to run and the run before is all a member must look at.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::resource::Access;

/// How far a bundle comes in the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rank {
    /// The longest path of conflicts that ends with it, in bundles.
    pub colour: u32,
    /// The longest path of costs that ends with it, its own included.
    pub end: u64,
}

impl Rank {
    /// The higher of each.
    pub(super) fn max(self, other: Rank) -> Rank {
        Rank { colour: self.colour.max(other.colour), end: self.end.max(other.end) }
    }
}

/// Values, each with how many have it.
#[derive(Clone, Debug)]
pub(super) struct Counts<V>(BTreeMap<V, u32>);

impl<V> Default for Counts<V> {
    fn default() -> Counts<V> {
        Counts(BTreeMap::new())
    }
}

impl<V: Ord + Copy + Default> Counts<V> {
    /// Counts one more of a value.
    pub(super) fn add(&mut self, value: V) {
        let count = self.0.entry(value).or_default();
        *count = count.saturating_add(1);
    }

    /// Counts one less of a value.
    pub(super) fn take(&mut self, value: V) {
        if let Some(count) = self.0.get_mut(&value) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&value);
            }
        }
    }

    /// The highest value; the default of none.
    pub(super) fn highest(&self) -> V {
        self.0.last_key_value().map_or_else(V::default, |(value, _)| *value)
    }
}

/// Ranks, as many as there are bundles, with the highest at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    colours: Counts<u32>,
    ends: Counts<u64>,
}

impl Ranks {
    /// Counts one more of a rank.
    pub(super) fn add(&mut self, rank: Rank) {
        self.colours.add(rank.colour);
        self.ends.add(rank.end);
    }

    /// Counts one less of a rank.
    pub(super) fn take(&mut self, rank: Rank) {
        self.colours.take(rank.colour);
        self.ends.take(rank.end);
    }

    /// The highest colour and the highest end, which need not be of one bundle.
    pub(super) fn highest(&self) -> Rank {
        Rank { colour: self.colours.highest(), end: self.ends.highest() }
    }
}

#[derive(Clone, Debug)]
struct Run<K> {
    access: Access,
    members: BTreeMap<K, Rank>,
    ranks: Ranks,
}

impl<K: Ord + Clone> Run<K> {
    fn new(access: Access) -> Run<K> {
        Run { access, members: BTreeMap::new(), ranks: Ranks::default() }
    }

    /// Cuts off the members from this key on; counts only the ranks of the fewer.
    fn split_off(&mut self, key: &K) -> Run<K> {
        let mut later = Run { members: self.members.split_off(key), ..Run::new(self.access) };
        let is_later_less = later.members.len() < self.members.len();
        if !is_later_less {
            std::mem::swap(&mut self.ranks, &mut later.ranks);
        }
        let (less, more) = if is_later_less { (&mut later, self) } else { (self, &mut later) };
        for rank in less.members.values() {
            more.ranks.take(*rank);
            less.ranks.add(*rank);
        }
        later
    }

    /// Takes in the members of another; moves the fewer.
    fn join(&mut self, mut other: Run<K>) {
        if self.members.len() < other.members.len() {
            std::mem::swap(self, &mut other);
        }
        for (key, rank) in other.members {
            self.set(&key, rank);
        }
    }

    /// Gives a member a rank; says whether the highest of the run changed.
    fn set(&mut self, key: &K, rank: Rank) -> bool {
        let highest = self.ranks.highest();
        if let Some(before) = self.members.insert(key.clone(), rank) {
            self.ranks.take(before);
        }
        self.ranks.add(rank);
        highest != self.ranks.highest()
    }

    fn commutes_with(&self, access: Access) -> bool {
        self.access.commutes_with(access)
    }

    fn is_inside(&self, key: &K) -> bool {
        self.members.last_key_value().is_some_and(|(last, _)| key < last)
    }
}

/// All runs of one resource, each by its first member.
#[derive(Clone, Debug)]
pub(super) struct Runs<K> {
    runs: BTreeMap<K, Run<K>>,
    writers: u32,
}

impl<K> Default for Runs<K> {
    fn default() -> Runs<K> {
        Runs { runs: BTreeMap::new(), writers: 0 }
    }
}

impl<K: Ord + Clone> Runs<K> {
    /// Whether nobody touches the resource.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many bundles write it.
    pub(super) fn writers(&self) -> u32 {
        self.writers
    }

    /// The highest rank that the bundle of this key must follow.
    pub(super) fn before(&self, key: &K) -> Rank {
        let Some(first) = self.run_of(key) else { return Rank::default() };
        self.runs.range(..first).next_back().map_or_else(Rank::default, |(_, run)| run.ranks.highest())
    }

    /// Sets the rank of a bundle; returns the first of the run behind it if that has something else to follow now.
    pub(super) fn set(&mut self, key: &K, rank: Rank) -> Option<K> {
        let first = self.run_of(key)?.clone();
        let is_changed = self.runs.get_mut(&first)?.set(key, rank);
        is_changed.then(|| self.behind(&first)).flatten()
    }

    /// The bundles of the run that starts with this one; where the bundle has gone since, or others have come before it,
    /// all of those that now stand in that run's place.
    pub(super) fn members_from(&self, first: &K) -> impl Iterator<Item = &K> {
        let is_around = |run: &&Run<K>| run.members.last_key_value().is_some_and(|(last, _)| first <= last);
        let around = self.runs.range(..first).next_back().map(|(_, run)| run).filter(is_around);
        let from = self.runs.range(first..).next().map(|(_, run)| run);
        around.into_iter().chain(from).flat_map(move |run| run.members.range(first..).map(|(key, _)| key))
    }

    /// Puts a bundle in its place, with no rank yet: whom it moves shows when it gets one. Returns the first of the
    /// run behind one that it splits: what that follows may be less than before.
    pub(super) fn insert(&mut self, key: &K, access: Access) -> Option<K> {
        if access == Access::Write {
            self.writers = self.writers.saturating_add(1);
        }
        let first = self.run_of(key).cloned();
        let run = first.as_ref().and_then(|first| self.runs.get_mut(first));
        let mut moved = None;
        if let Some(run) = run {
            if run.commutes_with(access) {
                run.set(key, Rank::default());
                return None;
            }
            if run.is_inside(key) {
                let later = run.split_off(key);
                moved = later.members.last_key_value().and_then(|(last, _)| self.behind(last));
                self.put(later);
            }
        }
        let behind = self.behind(key).filter(|first| self.runs.get(first).is_some_and(|run| run.commutes_with(access)));
        let joined = behind.and_then(|first| self.runs.remove(&first));
        let mut run = joined.unwrap_or_else(|| Run::new(access));
        run.set(key, Rank::default());
        self.put(run);
        moved
    }

    /// Takes a bundle out; returns the first of the run that has something else to follow now.
    pub(super) fn remove(&mut self, key: &K) -> Option<K> {
        let first = self.run_of(key)?.clone();
        let mut run = self.runs.remove(&first)?;
        let highest = run.ranks.highest();
        run.ranks.take(run.members.remove(key)?);
        if run.access == Access::Write {
            self.writers = self.writers.saturating_sub(1);
        }
        let is_changed = run.ranks.highest() != highest;
        if let Some((last, _)) = run.members.last_key_value() {
            let behind = self.behind(last).filter(|_| is_changed);
            self.put(run);
            return behind;
        }
        let behind = self.behind(key)?;
        self.join_before(&behind);
        Some(behind)
    }

    /// Joins a run to the one before it where both commute.
    fn join_before(&mut self, first: &K) {
        let Some(access) = self.runs.get(first).map(|run| run.access) else { return };
        let before = self.runs.range(..first).next_back().filter(|(_, run)| run.commutes_with(access));
        let Some(before) = before.map(|(before, _)| before.clone()) else { return };
        if let (Some(mut run), Some(later)) = (self.runs.remove(&before), self.runs.remove(first)) {
            run.join(later);
            self.put(run);
        }
    }

    fn put(&mut self, run: Run<K>) {
        if let Some((first, _)) = run.members.first_key_value() {
            self.runs.insert(first.clone(), run);
        }
    }

    /// The first of the run that this bundle is in, or would follow or split.
    fn run_of(&self, key: &K) -> Option<&K> {
        self.runs.range(..=key).next_back().map(|(first, _)| first)
    }

    /// The first of the next run that starts after this bundle.
    fn behind(&self, key: &K) -> Option<K> {
        self.runs.range((Bound::Excluded(key), Bound::Unbounded)).next().map(|(first, _)| first.clone())
    }
}
