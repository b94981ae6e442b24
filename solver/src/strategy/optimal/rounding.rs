//! From a point of the program to whole atoms: fills at their limits and what venues give, exactly.
//!
//! Fixed sides round down and limit sides against the owner, so that what is left over can go to owners.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionVenue, Fill, VenueUse, size_of};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::{IntentIndex, VenueIndex};
use clearlane_core::venue::Direction;

use super::interior::{Flow, Interior};
use super::model::{Curve, Group, Model, Origin};
use super::node::Restriction;
use crate::strategy::value::{atoms, float};

/// Values below this are the barrier's, not the auction's: they are left out.
const DUST: f64 = 1e-3;
/// Sums of floats are right to about so many bits.
const ROUNDING_BITS: u32 = 40;
/// A share this close to one is one.
const WHOLE: f64 = 1.0 - 1e-9;

/// Fills and uses in whole atoms, not yet balanced.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounded {
    pub(super) fills: Vec<Fill>,
    pub(super) uses: Vec<VenueUse>,
    /// What was left out and must not come back: terms, and the pairs of pools that trade another pair.
    pub(super) barred: Restriction,
    /// Whether anything that matters was left out, so that the program has to be solved again.
    pub(super) is_changed: bool,
}

/// Rounds a point; `None` where a whole fill can't be made up.
///
/// If it `snaps`, shares close to one become one: neat where nothing runs short by it.
pub(super) fn rounded(input: &AuctionInput, point: &Interior<'_>, snaps: bool) -> Option<Rounded> {
    let model = point.model;
    let (mut shares, mut surplus) = (vec![0.0; model.terms.len()], vec![0.0; model.terms.len()]);
    for unit in &point.units {
        surplus[unit.place] = unit.at.u;
        let room = unit.room() * unit.term.size;
        shares[unit.place] = if snaps && room < DUST { unit.term.cap } else { unit.at.x };
    }
    let mut rounded = Rounded::default();
    rounded.barred.is_term_barred = vec![false; model.terms.len()];
    for group in &model.groups {
        if let Origin::Intent(place) = group.origin {
            rounded.add_intent(input, model, group, place, [&shares, &surplus])?;
        }
    }
    rounded.add_linear(input, model, point, &shares);
    rounded.add_flows(input, point);
    Some(rounded)
}

impl Rounded {
    fn add_intent(
        &mut self,
        input: &AuctionInput,
        model: &Model,
        group: &Group,
        place: usize,
        [shares, surplus]: [&[f64]; 2],
    ) -> Option<()> {
        let intent = &input.intents[place];
        let mut parts: Vec<Part> = Vec::new();
        for (offset, term) in group.terms.clone().enumerate() {
            let number = u16::try_from(offset).ok()?;
            let option = &intent.options[offset];
            let size = size_of(intent, number);
            let most = size.min(option.maximum).min(option.left);
            let is_dust = shares[term] * model.terms[term].size < DUST && shares[term] < 0.5;
            let wanted = if shares[term] > WHOLE { size } else { atoms(shares[term] * float(size)) };
            let amount = if is_dust { 0 } else { wanted.min(most) };
            // What wants the whole may still need a little of it to be made up.
            let is_needed = intent.is_all_or_nothing && shares[term] > 0.0;
            if amount == 0 && !is_needed {
                self.barred.is_term_barred[term] = true;
                continue;
            }
            parts.push(Part { number, amount, most, size });
        }
        if parts.is_empty() {
            return Some(());
        }
        if !fit(intent, &mut parts) {
            if intent.is_all_or_nothing {
                return None;
            }
            self.is_changed = true;
            group.terms.clone().for_each(|term| self.barred.is_term_barred[term] = true);
            return Some(());
        }
        for part in parts.into_iter().filter(|part| part.amount > 0) {
            let term = group.terms.start + usize::from(part.number);
            let mut fill = part.at_limit(intent, place)?;
            if fill.sold == 0 && !intent.is_all_or_nothing {
                // An atom that is worth more than its limit can pay in whole atoms.
                self.barred.is_term_barred[term] = true;
                continue;
            }
            let option = &intent.options[usize::from(part.number)];
            if intent.kind == Kind::ExactOut && model.reserve_rows.contains_key(&option.reserve.at()) {
                // The account can't pay every limit in full: what the owner keeps is kept at once.
                let kept = atoms(surplus[term] / model.value(option.give));
                fill.sold -= kept.min(fill.sold.saturating_sub(1));
            }
            self.fills.push(fill);
        }
        Some(())
    }

    /// Levels and rails, by venue.
    fn add_linear(&mut self, input: &AuctionInput, model: &Model, point: &Interior<'_>, shares: &[f64]) {
        let mut puts: BTreeMap<usize, f64> = BTreeMap::new();
        for unit in &point.units {
            let group = &model.groups[unit.term.group];
            let Origin::Venue(venue) = group.origin else { continue };
            let is_entered = unit.place > group.terms.start;
            let entry = if is_entered { group.entry[0] } else { 0.0 };
            let put = -unit.term.by_x[0] * shares[unit.place] - entry;
            if put < DUST {
                self.barred.is_term_barred[unit.place] = true;
                continue;
            }
            *puts.entry(venue).or_default() += put;
        }
        for (venue, put) in puts {
            let Some((coin, _)) = input.venues[venue].sides(Direction::FORWARD) else { continue };
            let amount = atoms(put / model.value(coin));
            self.use_venue(input, venue, Direction::FORWARD, amount);
        }
    }

    /// Pools, each used one way: by the difference of its flows.
    fn add_flows(&mut self, input: &AuctionInput, point: &Interior<'_>) {
        // Stretches of one direction are one flow.
        let mut flows: BTreeMap<(usize, usize, usize), (f64, f64, &Flow<'_>)> = BTreeMap::new();
        for flow in &point.flows {
            let sides = (flow.curve.venue, flow.curve.input, flow.curve.output);
            let (put, out, _) = flows.entry(sides).or_insert((0.0, 0.0, flow));
            (*put, *out) = (*put + flow.put, *out + flow.out);
        }
        let mut best: BTreeMap<usize, (f64, &Flow<'_>)> = BTreeMap::new();
        let mut torn = BTreeSet::new();
        for ((venue, input, output), (put, _, flow)) in &flows {
            let put = put - flows.get(&(*venue, *output, *input)).map_or(0.0, |(_, out, _)| *out);
            if put <= DUST {
                continue;
            }
            let known = best.get(venue).map_or(0.0, |(most, _)| *most);
            if known > 0.0 {
                torn.insert(*venue);
            }
            if put > known {
                best.insert(*venue, (put, flow));
            }
        }
        for (venue, (put, flow)) in best {
            let coins = input.venues[venue].coins;
            let coin = coins.into_iter().find(|coin| point.model.row_of[coin.at()] == Some(flow.curve.input));
            let Some(coin) = coin else { continue };
            let amount = atoms(put / point.model.value(coin));
            self.use_venue(input, venue, flow.curve.direction, amount);
            if torn.contains(&venue) {
                self.keep_pair(point.model, flow.curve);
            }
        }
    }

    /// A venue trades one pair a use: all its other pairs have to do without it.
    fn keep_pair(&mut self, model: &Model, kept: &Curve) {
        self.is_changed = true;
        self.barred.is_curve_barred.resize(model.curves.len(), false);
        let pair = |curve: &Curve| (curve.input.min(curve.output), curve.input.max(curve.output));
        for (curve, is_barred) in model.curves.iter().zip(&mut self.barred.is_curve_barred) {
            *is_barred |= curve.venue == kept.venue && pair(curve) != pair(kept);
        }
    }

    fn use_venue(&mut self, input: &AuctionInput, venue: usize, direction: Direction, amount: Atoms) {
        let AuctionVenue { terms, opening, .. } = &input.venues[venue];
        // At a ladder's or a rail's ends a float may lie a little outside.
        let little = (amount >> ROUNDING_BITS) + 1;
        let tries = [amount, amount.saturating_add(little), amount.saturating_sub(little)];
        let found = tries.into_iter().find_map(|amount| Some((amount, terms.out_for(opening, direction, amount)?)));
        let Some((amount_in, amount_out)) = found.filter(|(_, out)| *out > 0) else { return };
        self.uses.push(VenueUse { venue: VenueIndex::from_at(venue), direction, amount_in, amount_out });
    }
}

/// The fixed side of one fill.
#[derive(Clone, Copy, Debug)]
struct Part {
    number: u16,
    amount: Atoms,
    most: Atoms,
    size: Atoms,
}

impl Part {
    /// The fill at its limit price, rounded against the owner.
    fn at_limit(&self, intent: &AuctionIntent, place: usize) -> Option<Fill> {
        let option = &intent.options[usize::from(self.number)];
        let (sold, bought) = match intent.kind {
            Kind::ExactIn => (self.amount, mul_div(self.amount, option.get_amount, option.give_amount, Rounding::Up)?),
            Kind::ExactOut => {
                (mul_div(self.amount, option.give_amount, option.get_amount, Rounding::Down)?, self.amount)
            }
        };
        Some(Fill { intent: IntentIndex::from_at(place), option: self.number, sold, bought })
    }
}

/// Makes the parts keep the intent's own rules on sizes; whether that is possible.
fn fit(intent: &AuctionIntent, parts: &mut [Part]) -> bool {
    let Some(first) = parts.first().copied() else { return true };
    let size = if intent.choose == Choose::One { first.size } else { intent.remaining };
    let total = |parts: &[Part]| parts.iter().fold(0, |sum: Atoms, part| sum.saturating_add(part.amount));
    parts.sort_by_key(|part| std::cmp::Reverse(part.amount));
    let over = total(parts).saturating_sub(size);
    if let Some(largest) = parts.first_mut() {
        largest.amount = largest.amount.saturating_sub(over);
    }
    if intent.is_all_or_nothing {
        let mut missing = size.saturating_sub(total(parts));
        for part in parts.iter_mut() {
            let more = missing.min(part.most.saturating_sub(part.amount));
            part.amount += more;
            missing -= more;
        }
        return missing == 0;
    }
    let minimum = intent.options[usize::from(first.number)].minimum;
    let rest = size.saturating_sub(total(parts));
    if rest > 0 && rest < minimum {
        // What would be left is too little: leave just enough.
        if let Some(largest) = parts.first_mut() {
            largest.amount = largest.amount.saturating_sub(minimum - rest);
        }
    }
    let filled = total(parts);
    filled > 0 && (filled >= minimum || filled == size)
}

/// A small count from a float.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
pub(super) fn places(value: f64) -> usize {
    value as usize
}
