//! The auction as a concave program: rows that must not run short, terms that add to them, and curves.
//!
//! A term is an option of an intent, a level of a ladder or a rail, taken to a share x of its cap, with
//! a paid surplus u of at most kappa x. Terms of one intent or venue form a group with x summing to at
//! most one. A row is a denomination, a scarce reserve, or what is left of an option over its accounts.

use std::collections::BTreeMap;
use std::ops::Range;

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, size_of};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;
use clearlane_core::venue::Direction;

use super::curve::Shape;
use super::liquidity::{Offer, Way, ways};
use super::values::AtomValues;
use crate::strategy::value::float;

/// A shadow price starts out bounded by this many times the value: an untouched row would have none.
const CEILING: f64 = 5.0;
/// The same for a row without a reference price, whose value is a guess.
const CEILING_GUESSED: f64 = 1e3;
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

/// One direction of a pool.
#[derive(Clone, Debug)]
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
}

impl Term {
    fn new(group: usize, cap: f64, size: f64) -> Term {
        let none = [0.0; TERM_ROWS];
        Term { rows: [0; TERM_ROWS], by_x: none, by_u: none, count: 0, cap, kappa: 0.0, size, group }
    }

    fn push(&mut self, row: usize, by_x: f64, by_u: f64) {
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
        self.entries().fold((0.0, paid), |(x, u), (row, by_x, by_u)| (x + by_x * prices[row], u + by_u * prices[row]))
    }
}

impl Model {
    /// The program of an auction.
    pub(super) fn of(input: &AuctionInput) -> Model {
        let values = AtomValues::of(input);
        let ways: Vec<Vec<Way>> = input.venues.iter().map(|venue| ways(venue, &values.atoms)).collect();
        let row_of = order_rows(input, &ways);
        let count = row_of.iter().flatten().count();
        let mut rows = vec![Row { base: 0.0, ceiling: CEILING }; count];
        for (row, is_priced) in row_of.iter().zip(&values.is_priced) {
            if let (Some(row), false) = (row, is_priced) {
                rows[*row].ceiling = CEILING_GUESSED;
            }
        }
        let (terms, groups, curves) = (Vec::new(), Vec::new(), Vec::new());
        let mut model = Model { rows, terms, groups, curves, row_of, values, reserve_rows: BTreeMap::new() };
        model.add_reserves(input);
        for (at, intent) in input.intents.iter().enumerate() {
            model.add_intent(input, at, intent);
        }
        for (venue, ways) in ways.into_iter().enumerate() {
            ways.into_iter().for_each(|way| model.add_way(venue, way));
        }
        model
    }

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

    fn row(&self, denomination: DenominationIndex) -> usize {
        self.row_of[denomination.at()].unwrap_or(0)
    }

    fn add_row(&mut self, base: f64) -> usize {
        self.rows.push(Row { base, ceiling: CEILING });
        self.rows.len() - 1
    }

    /// A row for each reserve of which the options together could take more than there is.
    fn add_reserves(&mut self, input: &AuctionInput) {
        let mut needs = vec![0.0; input.reserves.len()];
        for intent in &input.intents {
            for option in &intent.options {
                needs[option.reserve.at()] += most_given(intent, option);
            }
        }
        for (at, (reserve, need)) in input.reserves.iter().zip(needs).enumerate() {
            if need > float(reserve.amount) * (1.0 + 1e-12) + 1.0 {
                let row = self.add_row(float(reserve.amount) * self.value(reserve.denomination));
                self.reserve_rows.insert(at, row);
            }
        }
    }

    fn add_intent(&mut self, input: &AuctionInput, place: usize, intent: &AuctionIntent) {
        let (group, first) = (self.groups.len(), self.terms.len());
        for number in 0..intent.options.len() {
            let term = self.option_term(input, intent, number, group);
            self.terms.push(term);
        }
        let count = self.terms.len() - first;
        if !can_be_filled(input, intent) {
            self.terms[first..].iter_mut().for_each(|term| term.cap = 0.0);
        }
        if intent.is_all_or_nothing && intent.choose == Choose::One {
            self.terms[first..].iter_mut().filter(|term| term.cap < 1.0).for_each(|term| term.cap = 0.0);
        }
        if intent.choose == Choose::Split && count > 1 {
            self.add_shared(intent, first);
        }
        let rule = match (intent.choose, intent.is_all_or_nothing) {
            (Choose::One, true) if count > 1 => Rule::WholeOne,
            (Choose::One, false) if count > 1 => Rule::One,
            (Choose::One | Choose::Split, true) => Rule::Whole,
            (Choose::One | Choose::Split, false) => Rule::Free,
        };
        let origin = Origin::Intent(place);
        self.groups.push(Group { terms: first..first + count, rule, origin, entry: [0.0; 2] });
    }

    fn option_term(&self, input: &AuctionInput, intent: &AuctionIntent, number: usize, group: usize) -> Term {
        let option = &intent.options[number];
        let size = float(size_of(intent, u16::try_from(number).unwrap_or(u16::MAX)));
        let full = float(intent.fixed_of(option.give_amount, option.get_amount));
        let share = size / full;
        let given = float(option.give_amount) * share * self.value(option.give);
        let got = float(option.get_amount) * share * self.value(option.get);
        let most = float(most_filled(input, intent, option));
        let cap = if size > 0.0 && given.is_normal() && got.is_normal() { (most / size).min(1.0) } else { 0.0 };
        let beta = f64::from(input.surplus_cap_ppm) / 1e6;
        let is_counted = self.values.is_priced[option.give.at()] && self.values.is_priced[option.get.at()];
        let kappa = match intent.kind {
            Kind::ExactIn => given * (1.0 + beta) - got,
            Kind::ExactOut => given - got * (1.0 - beta),
        };
        // A surplus that is nothing beside the term itself would only blur the search.
        let kappa = if is_counted && kappa > 1e-12 * given { kappa } else { 0.0 };
        let (by_give, by_get) = if intent.kind == Kind::ExactIn { (0.0, -1.0) } else { (-1.0, 0.0) };
        let mut term = Term::new(group, cap, given.max(got));
        term.kappa = kappa;
        term.push(self.row(option.give), given, by_give);
        term.push(self.row(option.get), -got, by_get);
        if let Some(row) = self.reserve_rows.get(&option.reserve.at()) {
            term.push(*row, -given, -by_give);
        }
        term
    }

    /// Rows for what is left of an option that may draw on several accounts, where those together exceed it.
    fn add_shared(&mut self, intent: &AuctionIntent, first: usize) {
        let mut shared: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (at, option) in intent.options.iter().enumerate() {
            shared.entry(option.number).or_default().push(at);
        }
        for places in shared.into_values().filter(|places| places.len() > 1) {
            let left = float(intent.options[places[0]].left) / float(intent.remaining).max(1.0);
            let total: f64 = places.iter().map(|at| self.terms[first + at].cap).sum();
            if left >= 1.0 || total <= left {
                continue;
            }
            let size = self.terms[first + places[0]].size;
            let row = self.add_row(left * size);
            places.iter().for_each(|at| self.terms[first + at].push(row, -size, 0.0));
        }
    }

    fn add_way(&mut self, venue: usize, way: Way) {
        let (input, output) = (self.row(way.input), self.row(way.output));
        match way.offer {
            Offer::Curve(shape) => self.curves.push(Curve { venue, direction: way.direction, input, output, shape }),
            Offer::Levels(levels) => {
                for [taken, given] in levels {
                    self.add_linear(venue, Rule::Free, [(input, -taken), (output, given)]);
                }
            }
            Offer::Rail { min, max, fee, rate } => {
                let least = min.max(fee);
                if max <= fee || max < min {
                    return;
                }
                let is_free = fee <= 0.0 && min <= 2.0 * self.value(way.input);
                let rule = if is_free { Rule::Free } else { Rule::Rail };
                self.add_linear(venue, rule, [(input, -max), (output, rate * (max - fee))]);
                if rule == Rule::Rail {
                    let group = self.groups.len() - 1;
                    let mut term = Term::new(group, 1.0, max - least);
                    term.push(input, least - max, 0.0);
                    term.push(output, rate * (max - least), 0.0);
                    self.terms.push(term);
                    self.groups[group].terms.end += 1;
                    self.groups[group].entry = [-least, rate * (least - fee)];
                }
            }
        }
    }

    fn add_linear(&mut self, venue: usize, rule: Rule, rows: [(usize, f64); 2]) {
        let (group, first) = (self.groups.len(), self.terms.len());
        let mut term = Term::new(group, 1.0, rows[0].1.abs());
        rows.into_iter().for_each(|(row, by_x)| term.push(row, by_x, 0.0));
        self.terms.push(term);
        self.groups.push(Group { terms: first..first + 1, rule, origin: Origin::Venue(venue), entry: [0.0; 2] });
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

/// Whether all options together can fill an intent that wants the whole.
fn can_be_filled(input: &AuctionInput, intent: &AuctionIntent) -> bool {
    let most = intent.options.iter().map(|option| most_filled(input, intent, option));
    let is_split = intent.choose == Choose::Split;
    !intent.is_all_or_nothing || !is_split || most.fold(0, Atoms::saturating_add) >= intent.remaining
}

/// The most of the fixed side that an option can fill, with what its account holds.
fn most_filled(input: &AuctionInput, intent: &AuctionIntent, option: &AuctionOption) -> Atoms {
    let reserve = input.reserves.get(option.reserve.at()).filter(|_| intent.kind == Kind::ExactIn);
    option.maximum.min(option.left).min(reserve.map_or(Atoms::MAX, |reserve| reserve.amount))
}

/// The most that may leave the owner through an option.
fn most_given(intent: &AuctionIntent, option: &AuctionOption) -> f64 {
    let most = float(intent.cap_of(option).min(option.left));
    match intent.kind {
        Kind::ExactIn => most,
        Kind::ExactOut => most * float(option.give_amount) / float(option.get_amount),
    }
}

/// Rows of the denominations that anything touches, those with most neighbours last, which keeps a factor sparse.
fn order_rows(input: &AuctionInput, ways: &[Vec<Way>]) -> Vec<Option<usize>> {
    let mut neighbours = vec![std::collections::BTreeSet::new(); input.denominations.len()];
    let mut join = |first: DenominationIndex, second: DenominationIndex| {
        neighbours[first.at()].insert(second.at());
        neighbours[second.at()].insert(first.at());
    };
    input.intents.iter().flat_map(|intent| &intent.options).for_each(|option| join(option.give, option.get));
    ways.iter().flatten().for_each(|way| join(way.input, way.output));
    let mut touched: Vec<usize> = (0..neighbours.len()).filter(|at| !neighbours[*at].is_empty()).collect();
    touched.sort_by_key(|at| (neighbours[*at].len(), *at));
    let mut row_of = vec![None; neighbours.len()];
    touched.into_iter().enumerate().for_each(|(row, at)| row_of[at] = Some(row));
    row_of
}
