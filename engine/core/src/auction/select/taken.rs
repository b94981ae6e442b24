//! A set of a component's members that can all execute in their order, and changes to it that can be undone.

use super::component::{Component, Place, at, at_mut};
use super::work::Work;
use crate::auction::step::Value;
use crate::money::Score;

/// How many earlier writers of a line may give way to one that is put in.
const GIVING_WAY_MAX: usize = 4;

/// Members that can all execute, in their order.
#[derive(Clone, Debug)]
pub(super) struct Taken<'a> {
    pub(super) component: &'a Component<'a>,
    is_taken: Vec<bool>,
    /// The member taken of each clique.
    holders: Vec<Option<Place>>,
    rows: Vec<Row>,
    value: Score,
    /// What changed since it was last kept.
    trail: Vec<(Place, bool)>,
}

/// The members taken on one line.
#[derive(Clone, Debug, Default)]
struct Row {
    /// In order.
    taken: Vec<Place>,
    /// The state after each of them, as far as it is known.
    states: Vec<Value>,
}

impl<'a> Taken<'a> {
    /// Nothing taken yet.
    pub(super) fn none(component: &'a Component<'a>) -> Taken<'a> {
        Taken {
            component,
            is_taken: vec![false; component.len()],
            holders: vec![None; component.cliques.len()],
            rows: vec![Row::default(); component.lines.len()],
            value: 0,
            trail: Vec::new(),
        }
    }

    /// These taken; they must be able to execute together.
    pub(super) fn of(component: &'a Component<'a>, is_taken: &[bool]) -> Taken<'a> {
        let mut taken = Taken::none(component);
        for (place, is_taken) in (0..).zip(is_taken) {
            if *is_taken {
                taken.add(place);
            }
        }
        taken.keep();
        taken
    }

    pub(super) fn value(&self) -> Score {
        self.value
    }

    pub(super) fn has(&self, place: Place) -> bool {
        at(&self.is_taken, place).copied().unwrap_or(false)
    }

    pub(super) fn flags(&self) -> &[bool] {
        &self.is_taken
    }

    /// Makes what changed since then final.
    pub(super) fn keep(&mut self) {
        self.trail.clear();
    }

    /// Takes back what changed since it was last kept.
    pub(super) fn undo(&mut self) {
        self.undo_to(0);
    }

    /// Takes back all but the first `count` changes since it was last kept.
    pub(super) fn undo_to(&mut self, count: usize) {
        while self.trail.len() > count {
            let Some((place, was_added)) = self.trail.pop() else { return };
            self.set(place, !was_added);
        }
    }

    /// The members that changed since it was last kept.
    pub(super) fn changed(&self) -> impl Iterator<Item = (Place, bool)> + '_ {
        self.trail.iter().copied()
    }

    pub(super) fn add(&mut self, place: Place) {
        self.set(place, true);
        self.trail.push((place, true));
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.set(place, false);
        self.trail.push((place, false));
    }

    fn set(&mut self, place: Place, is_taken: bool) {
        let Some(flag) = at_mut(&mut self.is_taken, place) else { return };
        if *flag == is_taken {
            return;
        }
        *flag = is_taken;
        let weight = self.component.weight(place);
        self.value = if is_taken { self.value.saturating_add(weight) } else { self.value.saturating_sub(weight) };
        for clique in self.component.cliques_of(place) {
            if let Some(holder) = at_mut(&mut self.holders, *clique) {
                *holder = is_taken.then_some(place);
            }
        }
        for (line, _) in self.component.lines_of(place) {
            let Some(row) = at_mut(&mut self.rows, *line) else { continue };
            let at = row.taken.partition_point(|other| *other < place);
            row.states.truncate(at);
            if is_taken {
                row.taken.insert(at, place);
            } else {
                row.taken.remove(at);
            }
        }
    }

    /// The members that exclude this one, whatever else is taken.
    pub(super) fn excluding(&self, place: Place, work: &mut Work, found: &mut Vec<Place>) {
        found.clear();
        let cliques = self.component.cliques_of(place);
        work.spend(u64::try_from(cliques.len()).unwrap_or(u64::MAX).saturating_add(1));
        for clique in cliques {
            if let Some(holder) = at(&self.holders, *clique).copied().flatten()
                && !found.contains(&holder)
            {
                found.push(holder);
            }
        }
    }

    /// Whether this member is worth more than those that exclude it whatever else is taken.
    pub(super) fn gains(&self, place: Place, work: &mut Work, met: &mut Vec<Place>) -> bool {
        met.clear();
        let weight = self.component.weight(place);
        let mut lost: Score = 0;
        work.spend(2);
        for clique in self.component.cliques_of(place) {
            work.spend(1);
            let Some(holder) = at(&self.holders, *clique).copied().flatten() else { continue };
            if !met.contains(&holder) {
                met.push(holder);
                lost = lost.saturating_add(self.component.weight(holder));
                if lost >= weight {
                    return false;
                }
            }
        }
        weight > lost
    }

    /// Whether this member can be put in as it is.
    pub(super) fn allows(&mut self, place: Place, work: &mut Work) -> bool {
        let cliques = self.component.cliques_of(place);
        work.spend(u64::try_from(cliques.len()).unwrap_or(u64::MAX).saturating_add(1));
        let is_free = |clique: &u32| at(&self.holders, *clique).copied().flatten().is_none();
        cliques.iter().all(is_free)
            && self.component.lines_of(place).iter().all(|(line, _)| self.failing(*line, Some(place), work).is_none())
    }

    /// Puts a member in and takes out what can't execute with it; false, and something may have changed, if that
    /// leads nowhere.
    pub(super) fn force(&mut self, place: Place, work: &mut Work) -> bool {
        let mut out = Vec::new();
        self.excluding(place, work, &mut out);
        for other in out {
            self.remove(other);
        }
        for (line, _) in self.component.lines_of(place) {
            if !self.make_way(*line, place, work) {
                return false;
            }
        }
        self.add(place);
        self.settle(work)
    }

    /// Takes earlier writers of a line out until this one can have its turn there.
    fn make_way(&mut self, line: u32, place: Place, work: &mut Work) -> bool {
        for _ in 0..GIVING_WAY_MAX {
            if self.failing(line, Some(place), work) != Some(place) {
                return true;
            }
            let earlier = at(&self.rows, line).and_then(|row| row.taken.iter().rev().find(|other| **other < place));
            let Some(last) = earlier.copied() else { return false };
            self.remove(last);
        }
        self.failing(line, Some(place), work) != Some(place)
    }

    /// Takes out what can no longer have its turn, until all that is left can.
    ///
    /// Only lines of members that changed can have become wrong.
    fn settle(&mut self, work: &mut Work) -> bool {
        let mut checked = 0;
        while let Some((place, _)) = self.trail.get(checked).copied() {
            checked = checked.saturating_add(1);
            for (line, _) in self.component.lines_of(place) {
                while let Some(failing) = self.failing(*line, None, work) {
                    self.remove(failing);
                    if work.is_done() {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// The first member of a line, with one more put in, that can't have its turn.
    fn failing(&mut self, line: u32, extra: Option<Place>, work: &mut Work) -> Option<Place> {
        let component = self.component;
        let looks = component.looks(line);
        let row = at_mut(&mut self.rows, line)?;
        let split = extra.map_or(row.taken.len(), |extra| row.taken.partition_point(|place| *place < extra));
        let (earlier, later) = row.taken.split_at_checked(split)?;
        let known = row.states.len().min(split);
        let mut state = match known.checked_sub(1).and_then(|last| row.states.get(last)) {
            Some(state) => state.clone(),
            None => component.opening(line)?,
        };
        for place in earlier.iter().copied().skip(known) {
            work.spend(looks);
            let Some(after) = component.after(line, place, &state) else { return Some(place) };
            row.states.push(after.clone());
            state = after;
        }
        for place in extra.into_iter().chain(later.iter().copied()) {
            work.spend(looks);
            let Some(after) = component.after(line, place, &state) else { return Some(place) };
            state = after;
        }
        None
    }

    /// Puts in whatever still can be, in the order of turns, until nothing can or the budget ends.
    pub(super) fn fill(&mut self, work: &mut Work) {
        let mut has_grown = true;
        while has_grown {
            has_grown = false;
            for place in self.component.places() {
                if work.is_done() {
                    return;
                }
                if !self.has(place) && self.allows(place, work) {
                    self.add(place);
                    has_grown = true;
                }
            }
        }
    }
}
