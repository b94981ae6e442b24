//! Depth-first search over the turns of a small component: each member in its order, taken if its turn allows, or not.
//!
//! It knows every state exactly, so it also decides what lines allow.

use super::component::{Component, Place, at, at_mut};
use super::work::Work;
use crate::auction::step::Value;
use crate::money::Score;

struct Search<'a> {
    component: &'a Component<'a>,
    /// The clique of which each member counts in the bound.
    class: Vec<Option<u32>>,
    holders: Vec<bool>,
    lines: Vec<Value>,
    is_taken: Vec<bool>,
    value: Score,
    best: Score,
    found: Option<Vec<bool>>,
    is_sure: bool,
}

/// The best set worth more than `floor`, if there is one, and whether that is sure.
pub(super) fn best(component: &Component<'_>, floor: Score, work: &mut Work) -> (Option<Vec<bool>>, bool) {
    let largest = |place: Place| {
        let cliques = component.cliques_of(place).iter().copied();
        cliques.max_by_key(|clique| component.clique(*clique).len())
    };
    let lines = (0..).take(component.lines.len()).filter_map(|line| component.opening(line)).collect();
    let mut search = Search {
        component,
        class: component.places().map(largest).collect(),
        holders: vec![false; component.cliques.len()],
        lines,
        is_taken: vec![false; component.len()],
        value: 0,
        best: floor,
        found: None,
        is_sure: true,
    };
    search.visit(0, work);
    (search.found, search.is_sure)
}

impl Search<'_> {
    fn visit(&mut self, place: Place, work: &mut Work) {
        if work.is_done() {
            self.is_sure = false;
            return;
        }
        if self.value > self.best {
            self.best = self.value;
            self.found = Some(self.is_taken.clone());
        }
        work.spend(u64::try_from(self.component.len()).unwrap_or(u64::MAX));
        if self.bound(place) <= self.best {
            return;
        }
        let next = place.saturating_add(1);
        if self.is_free(place)
            && let Some(before) = self.take(place, work)
        {
            self.visit(next, work);
            self.put_back(place, before);
        }
        self.visit(next, work);
    }

    /// No set that agrees on the members before this one is worth more.
    fn bound(&self, from: Place) -> Score {
        let mut is_counted = vec![false; self.holders.len()];
        let mut bound = self.value;
        // Members come heaviest first, so the first of a class is its heaviest.
        let rest = self.component.places().skip(usize::try_from(from).unwrap_or(usize::MAX));
        for place in rest.filter(|place| self.is_free(*place)) {
            let class = at(&self.class, place).copied().flatten();
            let is_counted = class.and_then(|class| at_mut(&mut is_counted, class));
            if is_counted.is_none_or(|is_counted| !std::mem::replace(is_counted, true)) {
                bound = bound.saturating_add(self.component.weight(place));
            }
        }
        bound
    }

    fn is_free(&self, place: Place) -> bool {
        !self.component.cliques_of(place).iter().any(|clique| at(&self.holders, *clique).copied().unwrap_or(false))
    }

    /// Takes a member in its turn; the states before, or `None` where a line does not allow it.
    fn take(&mut self, place: Place, work: &mut Work) -> Option<Vec<(u32, Value)>> {
        let mut after = Vec::new();
        for (line, _) in self.component.lines_of(place) {
            work.spend(self.component.looks(*line));
            after.push((*line, self.component.after(*line, place, at(&self.lines, *line)?)?));
        }
        for (line, value) in &mut after {
            std::mem::swap(at_mut(&mut self.lines, *line)?, value);
        }
        self.set(place, true);
        self.value = self.value.saturating_add(self.component.weight(place));
        Some(after)
    }

    fn put_back(&mut self, place: Place, before: Vec<(u32, Value)>) {
        for (line, value) in before {
            if let Some(slot) = at_mut(&mut self.lines, line) {
                *slot = value;
            }
        }
        self.set(place, false);
        self.value = self.value.saturating_sub(self.component.weight(place));
    }

    fn set(&mut self, place: Place, is_taken: bool) {
        if let Some(flag) = at_mut(&mut self.is_taken, place) {
            *flag = is_taken;
        }
        for clique in self.component.cliques_of(place) {
            if let Some(holder) = at_mut(&mut self.holders, *clique) {
                *holder = is_taken;
            }
        }
    }
}
