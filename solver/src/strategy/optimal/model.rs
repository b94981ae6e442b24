//! The auction as a concave program: rows that must not run short, terms that add to them, and curves.
//!
//! A term is an option of an intent, a level of a ladder or a rail, taken to a share x of its cap, with
//! a paid surplus u of at most kappa x. Terms of one intent or venue form a group with x summing to at
//! most one. A row is a denomination, a scarce reserve, or what is left of an option over its accounts.

use std::collections::BTreeMap;
use std::ops::Range;

use clearlane_core::names::DenominationIndex;
use clearlane_core::venue::Direction;

use super::curve::Shape;
use super::values::AtomValues;

/// The rows of one term: what is given, what is got, a reserve, and what is left of the option.
pub(super) const TERM_ROWS: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What must not run short.
    pub(super) rows: Vec<Row>,
    /// What adds to rows.
    pub(super) terms: Vec<Term>,
    /// Terms that exclude each other.
    pub(super) groups: Vec<Group>,
    /// Directions of pools.
    pub(super) curves: Vec<Curve>,
    /// The row of each denomination; `None` for those that nothing touches.
    pub(super) row_of: Vec<Option<usize>>,
    /// The values in which everything here is measured.
    pub(super) values: AtomValues,
    /// The rows of scarce reserves, by the reserve's place.
    pub(super) reserve_rows: BTreeMap<usize, usize>,
    /// Atoms got per atom given up to which surplus counts, by intent and option; zero where none does.
    pub(super) references: Vec<Vec<f64>>,
}

/// One thing that must not run short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// What there is without any term.
    pub(super) base: f64,
    /// The most that its shadow price may be.
    pub(super) ceiling: f64,
}

/// What one option, level or rail adds to rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    /// The rows; only the first `count` are meant.
    pub(super) rows: [usize; TERM_ROWS],
    /// What a whole term adds to each row.
    pub(super) by_x: [f64; TERM_ROWS],
    /// What a unit of surplus adds to each row.
    pub(super) by_u: [f64; TERM_ROWS],
    /// How many rows.
    pub(super) count: usize,
    /// The most of x.
    pub(super) cap: f64,
    /// The most surplus that counts for a whole term; zero where none does.
    pub(super) kappa: f64,
    /// What a whole term is worth without any surplus paid: what its limit here leaves of a lower one.
    pub(super) reward: f64,
    /// The value of a whole term.
    pub(super) size: f64,
    /// Its group.
    pub(super) group: usize,
}

/// Terms of one intent or venue.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Its terms.
    pub(super) terms: Range<usize>,
    /// What is to be decided.
    pub(super) rule: Rule,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// What using a rail at all adds to the rows of its term.
    pub(super) entry: [f64; 2],
}

/// What is to be decided of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing: any x will do.
    Free,
    /// x sums to zero or one.
    Whole,
    /// At most one x is positive.
    One,
    /// At most one x is positive, and that is one.
    WholeOne,
    /// Not used, or at a fixed fee; its terms are the convex hull and the use beyond the least one.
    Rail,
}

/// Where a group comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// An intent, by place; its terms are its options.
    Intent(usize),
    /// A venue, by place.
    Venue(usize),
}

/// One direction of a pool, or a stretch of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    /// The venue, by place.
    pub(super) venue: usize,
    /// Which way.
    pub(super) direction: Direction,
    /// The row that it takes from.
    pub(super) input: usize,
    /// The row that it gives to.
    pub(super) output: usize,
    /// What it gives.
    pub(super) shape: Shape,
    /// The most that goes in; infinite where nothing but the shape ends it.
    pub(super) most: f64,
}

impl Term {
    pub(super) fn new(group: usize, cap: f64, size: f64) -> Term {
        let none = [0.0; TERM_ROWS];
        Term { rows: [0; TERM_ROWS], by_x: none, by_u: none, count: 0, cap, kappa: 0.0, reward: 0.0, size, group }
    }

    pub(super) fn push(&mut self, row: usize, by_x: f64, by_u: f64) {
        // An option may give what it gets, from another account.
        if let Some(at) = self.rows[..self.count].iter().position(|known| *known == row) {
            self.by_x[at] += by_x;
            self.by_u[at] += by_u;
            return;
        }
        self.rows[self.count] = row;
        self.by_x[self.count] = by_x;
        self.by_u[self.count] = by_u;
        self.count += 1;
    }

    /// The rows with what x and u add to them.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, f64, f64)> + '_ {
        let both = self.by_x.iter().zip(&self.by_u);
        self.rows.iter().zip(both).take(self.count).map(|(row, (by_x, by_u))| (*row, *by_x, *by_u))
    }

    /// What x and u are worth at these shadow prices.
    pub(super) fn worth(&self, prices: &[f64]) -> (f64, f64) {
        let paid = if self.kappa > 0.0 { 1.0 } else { 0.0 };
        self.entries()
            .fold((self.reward, paid), |(x, u), (row, by_x, by_u)| (x + by_x * prices[row], u + by_u * prices[row]))
    }
}

impl Model {
    /// The value of one atom.
    pub(super) fn value(&self, denomination: DenominationIndex) -> f64 {
        self.values.atoms[denomination.at()]
    }

    /// What the rail of a group charges, from its terms.
    pub(super) fn rail(&self, place: usize) -> Charges {
        let group = &self.groups[place];
        let (hull, ranged) = (&self.terms[group.terms.start], &self.terms[group.terms.end - 1]);
        let most = -hull.by_x[0];
        let rate = if ranged.by_x[0] < 0.0 { -ranged.by_x[1] / ranged.by_x[0] } else { hull.by_x[1] / most };
        Charges { least: -group.entry[0], most, rate, fee: most - hull.by_x[1] / rate }
    }
}

/// What a rail charges, in values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charges {
    /// The least that goes in.
    pub(super) least: f64,
    /// The most that goes in.
    pub(super) most: f64,
    /// What comes out per value beyond the fee.
    pub(super) rate: f64,
    /// The fixed fee.
    pub(super) fee: f64,
}
