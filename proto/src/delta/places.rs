//! Where the rows of a table come from: runs of the base's rows with new ones between them.

use std::collections::{BTreeMap, VecDeque};

use clearlane_core::refusal::{Reason, Refusal};

use crate::field::refuse;
use crate::wire;

/// See the module.
#[derive(Debug)]
pub(super) struct Places {
    /// For each place its place in the base; `None` if it was added.
    before: Vec<Option<usize>>,
    /// For each place in the base its place now; `None` if it was removed.
    now: Vec<Option<usize>>,
    /// Whether the row at a place is given and not the base's.
    is_given: Vec<bool>,
}

impl Places {
    /// Which rows of the next table are rows of the base, by what they are; equal ones in their order.
    pub(super) fn matching<K: Ord>(base: impl Iterator<Item = K>, next: impl Iterator<Item = K>) -> Places {
        let mut places: BTreeMap<K, VecDeque<usize>> = BTreeMap::new();
        let mut count = 0;
        for (at, key) in base.enumerate() {
            places.entry(key).or_default().push_back(at);
            count = at + 1;
        }
        let before: Vec<Option<usize>> = next.map(|key| places.get_mut(&key).and_then(VecDeque::pop_front)).collect();
        Places::new(before, count)
    }

    /// Reads what an engine says of a table of `base` rows, `rows` of which are given.
    pub(super) fn read(
        places: Option<&wire::Places>,
        base: usize,
        rows: usize,
        field: &str,
    ) -> Result<Places, Refusal> {
        let Some(places) = places else {
            let read = Places::new((0..base).map(Some).collect(), base);
            return read.expecting(rows, field);
        };
        let mut before = Vec::new();
        let mut left = (base, rows);
        for run in &places.runs {
            let [first, kept, added] =
                [run.first, run.kept, run.added].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
            let is_within = first.checked_add(kept).is_some_and(|end| end <= base);
            match (left.0.checked_sub(kept), left.1.checked_sub(added)) {
                (Some(bases), Some(rows)) if is_within => left = (bases, rows),
                _ => {
                    return refuse(
                        Reason::OutOfRange,
                        field,
                        format!("expected runs within {base} rows, found others"),
                    );
                }
            }
            before.extend((first..first.saturating_add(kept)).map(Some));
            before.extend(std::iter::repeat_n(None, added));
        }
        let mut read = Places::new(before, base);
        if read.now.iter().flatten().count() != read.before.iter().flatten().count() {
            return refuse(Reason::Malformed, field, "expected each row of the base at most once");
        }
        for place in &places.changed {
            let place = usize::try_from(*place).unwrap_or(usize::MAX);
            match read.is_given.get_mut(place) {
                Some(is_given) if !*is_given => *is_given = true,
                _ => return refuse(Reason::Malformed, field, format!("expected {place} to be kept and changed once")),
            }
        }
        read.expecting(rows, field)
    }

    fn new(before: Vec<Option<usize>>, base: usize) -> Places {
        let mut now = vec![None; base];
        for (place, at) in before.iter().enumerate() {
            if let Some(slot) = at.and_then(|at| now.get_mut(at)) {
                *slot = Some(place);
            }
        }
        let is_given = before.iter().map(Option::is_none).collect();
        Places { before, now, is_given }
    }

    fn expecting(self, rows: usize, field: &str) -> Result<Places, Refusal> {
        let given = self.is_given.iter().filter(|is_given| **is_given).count();
        if given == rows {
            return Ok(self);
        }
        refuse(Reason::Malformed, field, format!("expected {given} rows, found {rows}"))
    }

    /// How many rows the table has.
    pub(super) fn len(&self) -> usize {
        self.before.len()
    }

    /// Where a row of the base is now.
    pub(super) fn now(&self, at: usize) -> Option<usize> {
        self.now.get(at).copied().flatten()
    }

    /// The places of rows that were kept, and where they were.
    pub(super) fn kept(&self) -> impl Iterator<Item = (usize, usize)> {
        self.before.iter().enumerate().filter_map(|(place, at)| at.map(|at| (place, at)))
    }

    /// The places of rows that were added.
    pub(super) fn added(&self) -> impl Iterator<Item = usize> {
        self.before.iter().enumerate().filter(|(_, at)| at.is_none()).map(|(place, _)| place)
    }

    /// The places of rows that were kept and changed.
    pub(super) fn changed(&self) -> impl Iterator<Item = usize> {
        let rows = self.before.iter().zip(&self.is_given).enumerate();
        rows.filter(|(_, (at, is_given))| at.is_some() && **is_given).map(|(place, _)| place)
    }

    /// The places in the base of rows that were removed.
    pub(super) fn removed(&self) -> impl Iterator<Item = usize> {
        self.now.iter().enumerate().filter(|(_, place)| place.is_none()).map(|(at, _)| at)
    }

    /// The places whose rows have to be given: added ones, and those that are not what `moved` makes of the base's.
    pub(super) fn compared<T: PartialEq>(&self, rows: &[T], moved: impl Fn(usize) -> Option<T>) -> Vec<usize> {
        let is_same = |at: usize, row: &T| moved(at).is_some_and(|moved| moved == *row);
        let changed = self.before.iter().zip(rows).enumerate();
        changed.filter(|(_, (at, row))| !at.is_some_and(|at| is_same(at, row))).map(|(place, _)| place).collect()
    }

    /// Says where rows come from, with those at `given` places given; nothing if the table is the base's.
    pub(super) fn to_wire(&self, given: &[usize]) -> Option<wire::Places> {
        let is_base = self.before.len() == self.now.len() && self.kept().all(|(place, at)| place == at);
        if is_base && self.kept().count() == self.len() && given.is_empty() {
            return None;
        }
        let mut runs: Vec<wire::Run> = Vec::new();
        for at in &self.before {
            match (at.and_then(|at| u32::try_from(at).ok()), runs.last_mut()) {
                (Some(at), Some(run)) if run.added == 0 && run.first.saturating_add(run.kept) == at => run.kept += 1,
                (Some(at), _) => runs.push(wire::Run { first: at, kept: 1, added: 0 }),
                (None, Some(run)) => run.added += 1,
                (None, None) => runs.push(wire::Run { first: 0, kept: 0, added: 1 }),
            }
        }
        let is_kept = |place: &&usize| self.before.get(**place).copied().flatten().is_some();
        let changed = given.iter().filter(is_kept).map(|place| u32::try_from(*place).unwrap_or(u32::MAX)).collect();
        Some(wire::Places { runs, changed })
    }

    /// The table: given rows in their order, the others as `moved` makes them of the base's.
    pub(super) fn table<T>(&self, rows: Vec<T>, moved: impl Fn(usize) -> Option<T>) -> Result<Vec<T>, Refusal> {
        let mut rows = rows.into_iter();
        let row = |(at, is_given): (&Option<usize>, &bool)| match at.filter(|_| !is_given) {
            Some(at) => moved(at),
            None => rows.next(),
        };
        let table: Option<Vec<T>> = self.before.iter().zip(&self.is_given).map(row).collect();
        let message = "expected kept rows to name nothing that was removed, found one that does";
        table.ok_or_else(|| Refusal::new(Reason::Malformed, "delta", message))
    }
}
