//! From an auction to its program.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, size_of};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;

use super::accepted::Pair;
use super::liquidity::{Offer, Way, ways};
use super::model::{Curve, Group, Model, Origin, Row, Rule, Term};
use super::values::AtomValues;
use crate::strategy::value::{Values, float};

/// A shadow price starts out bounded by this many times the value: an untouched row would have none.
const CEILING: f64 = 5.0;
/// The same for a row without a reference price, whose value is a guess.
const CEILING_GUESSED: f64 = 1e3;
impl Model {
    /// The program of an auction, with these limits in place of its own; where they are tighter, what a fill at one of
    /// them leaves its owner is worth something.
    ///
    /// No surplus is paid beyond the limits of the pairs in `at_limit`.
    pub(super) fn of(input: &AuctionInput, limits: &AuctionInput, at_limit: &BTreeSet<Pair>) -> Model {
        let values = AtomValues::of(input);
        let mut ways: Vec<Vec<Way>> = input.venues.iter().map(|venue| ways(venue, &values.atoms)).collect();
        keep_stars(input, &mut ways);
        let row_of = order_rows(input, &ways);
        let count = row_of.iter().flatten().count();
        let mut rows = vec![Row { base: 0.0, ceiling: CEILING }; count];
        for (row, is_priced) in row_of.iter().zip(&values.is_priced) {
            if let (Some(row), false) = (row, is_priced) {
                rows[*row].ceiling = CEILING_GUESSED;
            }
        }
        let (terms, groups, curves) = (Vec::new(), Vec::new(), Vec::new());
        let references = references(input);
        let reserve_rows = BTreeMap::new();
        let mut model = Model { rows, terms, groups, curves, row_of, values, reserve_rows, references };
        model.add_reserves(limits);
        for (at, (intent, owner)) in limits.intents.iter().zip(&input.intents).enumerate() {
            model.add_intent(limits, at, (intent, owner));
            for (number, option) in intent.options.iter().enumerate() {
                if at_limit.contains(&(option.give, option.get)) {
                    model.seal(at, number, option);
                }
            }
        }
        for (venue, ways) in ways.into_iter().enumerate() {
            ways.into_iter().for_each(|way| model.add_way(venue, way));
        }
        model
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

    fn add_intent(&mut self, input: &AuctionInput, place: usize, (intent, owner): (&AuctionIntent, &AuctionIntent)) {
        let (group, first) = (self.groups.len(), self.terms.len());
        for number in 0..intent.options.len() {
            let mut term = self.option_term(input, intent, number, group);
            self.count_surplus(&mut term, place, number, [intent, owner]);
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
        let (by_give, by_get) = if intent.kind == Kind::ExactIn { (0.0, -1.0) } else { (-1.0, 0.0) };
        let mut term = Term::new(group, cap, given.max(got));
        term.push(self.row(option.give), given, by_give);
        term.push(self.row(option.get), -got, by_get);
        if let Some(row) = self.reserve_rows.get(&option.reserve.at()) {
            term.push(*row, -given, -by_give);
        }
        term
    }

    /// Pays an option's limit and no more.
    fn seal(&mut self, place: usize, number: usize, option: &AuctionOption) {
        if let Some(group) = self.groups.get(place) {
            self.terms[group.terms.start + number].kappa = 0.0;
        }
        let limit = float(option.get_amount) / float(option.give_amount);
        let reference = &mut self.references[place][number];
        *reference = reference.min(limit);
    }

    /// What counts of a term's surplus: that over its own limit is paid, that between the owner's and its own is had.
    fn count_surplus(&self, term: &mut Term, place: usize, number: usize, intents: [&AuctionIntent; 2]) {
        let [own, owners] = intents.map(|intent| &intent.options[number]);
        let reference = self.references[place][number];
        let size = float(size_of(intents[0], u16::try_from(number).unwrap_or(u16::MAX)));
        let price = |option: &AuctionOption| float(option.get_amount) / float(option.give_amount);
        let (own, owners) = (price(own), price(owners));
        let value = self.value(intents[0].surplus_denomination(&intents[0].options[number]));
        let (kappa, reward, given) = match intents[0].kind {
            Kind::ExactIn => (reference - own, own.min(reference) - owners, reference.max(own)),
            Kind::ExactOut if reference > 0.0 => {
                (1.0 / own - 1.0 / reference, 1.0 / owners - 1.0 / own.min(reference), 1.0 / own)
            }
            Kind::ExactOut => return,
        };
        // A surplus that is nothing beside the term itself would only blur the search.
        term.kappa = if kappa > 1e-12 * given { kappa * size * value } else { 0.0 };
        term.reward = if reward > 1e-12 * given { reward * size * value } else { 0.0 };
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
            Offer::Curve { shape, most } => {
                self.curves.push(Curve { venue, direction: way.direction, input, output, shape, most });
            }
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

/// Atoms got per atom given up to which surplus counts, by intent and option; zero where none does.
fn references(input: &AuctionInput) -> Vec<Vec<f64>> {
    let values = Values::of(input);
    let is_priced = |intent: &AuctionIntent, option: &AuctionOption| {
        input.denominations[intent.surplus_denomination(option).at()].price.is_some()
    };
    let of = |intent: &AuctionIntent| {
        let options = intent.options.iter().enumerate();
        let reference = options.map(
            |(number, option)| {
                if is_priced(intent, option) { values.reference(intent, number) } else { 0.0 }
            },
        );
        reference.collect()
    };
    input.intents.iter().map(of).collect()
}

/// Of pools of several coins keeps the pairs with the coin that most venues trade: only one pair can be used, and going
/// round in a circle within a pool, each pair at its own price, would be worth something only here.
fn keep_stars(input: &AuctionInput, ways: &mut [Vec<Way>]) {
    let mut venues = vec![0_usize; input.denominations.len()];
    input.venues.iter().flat_map(|venue| venue.coins).for_each(|coin| venues[coin.at()] += 1);
    for (venue, ways) in input.venues.iter().zip(ways).filter(|(venue, _)| venue.coins.count() > 2) {
        let hub = venue.coins.into_iter().max_by_key(|coin| venues[coin.at()]);
        ways.retain(|way| Some(way.input) == hub || Some(way.output) == hub);
    }
}
