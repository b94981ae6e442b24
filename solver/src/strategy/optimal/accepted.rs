//! Which intents a set of prices accepts, and limits at which all those of a pair agree.
//!
//! A bundle has one price for each directed pair, so whoever trades there gets at least what the strictest of them asks
//! for. Where all limits of a pair are that one, any answer has such prices: what is left to choose is whom to turn away.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::DenominationIndex;

use crate::strategy::value::float;

/// What a set of prices accepts.
pub(super) struct Accepted {
    /// The auction with the limits at which all agree.
    pub(super) limits: AuctionInput,
    /// The directed pairs in which some fix what they sell and others what they buy. Of what they gain beyond the limit
    /// the ones keep what they give and the others what they get, which one price seldom fits: they trade at the limit.
    pub(super) mixed: BTreeSet<Pair>,
}

/// A directed pair.
pub(super) type Pair = (DenominationIndex, DenominationIndex);

/// The same auction with the options that ask for more than these values of an atom left out, and the limits of all
/// others raised to that of the strictest of their pair.
///
/// An option whose floor asks for more stays as it is: a fill that only keeps its floor may be better than the price.
pub(super) fn accepted(limits: &AuctionInput, values: &[f64], slack: f64) -> Accepted {
    let mut strictest: BTreeMap<Pair, (f64, [Atoms; 2])> = BTreeMap::new();
    let mut kinds: BTreeMap<Pair, BTreeSet<Kind>> = BTreeMap::new();
    let mut accepted = limits.clone();
    for intent in &mut accepted.intents {
        for option in unfloored(intent) {
            let rate = float(option.get_amount) / float(option.give_amount);
            if rate > values[option.give.at()] / values[option.get.at()] * (1.0 + slack) {
                option.maximum = 0;
                continue;
            }
            let known = strictest.entry((option.give, option.get)).or_insert((0.0, [0, 1]));
            if rate > known.0 {
                *known = (rate, [option.get_amount, option.give_amount]);
            }
        }
    }
    for intent in &mut accepted.intents {
        let kind = intent.kind;
        for option in intent.options.iter_mut().filter(|option| option.maximum > 0) {
            kinds.entry((option.give, option.get)).or_default().insert(kind);
            if let Some((_, price)) = strictest.get(&(option.give, option.get)) {
                raise(kind, option, *price);
            }
        }
    }
    let mixed = kinds.into_iter().filter(|(_, kinds)| kinds.len() > 1).map(|(pair, _)| pair).collect();
    Accepted { limits: accepted, mixed }
}

/// The options of an intent through which the built-in bidder does not fill it.
fn unfloored(intent: &mut AuctionIntent) -> impl Iterator<Item = &mut AuctionOption> {
    let floor = intent.floor.map(|floor| usize::from(floor.option));
    let options = intent.options.iter_mut().enumerate();
    options.filter(move |(number, _)| Some(*number) != floor).map(|(_, option)| option)
}

/// Raises a limit to a price, rounded against what is proposed.
fn raise(kind: Kind, option: &mut AuctionOption, [get, give]: [Atoms; 2]) {
    match kind {
        Kind::ExactIn => {
            let least = mul_div(option.give_amount, get, give, Rounding::Up);
            option.get_amount = least.unwrap_or(option.get_amount).max(option.get_amount);
        }
        Kind::ExactOut => {
            let most = mul_div(option.get_amount, give, get, Rounding::Down);
            option.give_amount = most.filter(|most| *most > 0).unwrap_or(option.give_amount).min(option.give_amount);
        }
    }
}
