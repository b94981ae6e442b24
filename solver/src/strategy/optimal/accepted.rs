//! Which intents a set of prices accepts, and limits at which all those of a pair agree.
//!
//! A bundle has one price for each directed pair, so whoever trades there gets at least what the strictest of them asks
//! for. Where all limits of a pair are that one, any answer has such prices: what is left to choose is whom to turn away.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding};
use clearlane_core::names::DenominationIndex;
use clearlane_core::wide::wide;

use super::balance::Prices;
use crate::strategy::floored::raise;
use crate::strategy::value::float;

/// What a set of prices accepts.
pub(super) struct Accepted {
    /// The auction with the limits at which all agree.
    pub(super) limits: AuctionInput,
    /// The directed pairs that trade at those limits and no better.
    pub(super) at_limit: BTreeSet<Pair>,
}

impl Accepted {
    /// The same where everybody trades at exactly these values of an atom, moved a little so that those whose limit they
    /// meet nearly are met: they are the ones that make a market balance.
    pub(super) fn at(limits: &AuctionInput, values: &[f64]) -> (Accepted, Prices) {
        let values = met(limits, values);
        let prices = Prices::of(&values);
        let mut accepted = limits.clone();
        let mut at_limit = BTreeSet::new();
        for intent in &mut accepted.intents {
            let kind = intent.kind;
            let floor = intent.floor.map(|floor| usize::from(floor.option));
            for (number, option) in intent.options.iter_mut().enumerate() {
                let price = prices.ratio(option.give, option.get);
                match price.filter(|price| is_at_most(option, *price)) {
                    Some(price) => raise(kind, option, price, Rounding::Down),
                    None if Some(number) == floor => {}
                    None => option.maximum = 0,
                }
                at_limit.insert((option.give, option.get));
            }
        }
        (Accepted { limits: accepted, at_limit }, prices)
    }
}

/// Whether an option asks for no more than a price.
fn is_at_most(option: &AuctionOption, [get, give]: [Atoms; 2]) -> bool {
    let product = |one: Atoms, other: Atoms| wide::<256, 4>(one).saturating_mul(wide(other));
    product(option.get_amount, give) <= product(option.give_amount, get)
}

/// Values at which the largest of the options whose limits they nearly meet, as many as fix them, are just met.
fn met(limits: &AuctionInput, values: &[f64]) -> Vec<f64> {
    let mut logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let options = limits.intents.iter().flat_map(|intent| &intent.options).filter(|option| option.maximum > 0);
    let gap = |option: &AuctionOption, logs: &[f64]| {
        let limit = float(option.get_amount).ln() - float(option.give_amount).ln();
        limit - (logs[option.give.at()] - logs[option.get.at()])
    };
    let mut near: Vec<&AuctionOption> = options.filter(|option| gap(option, &logs).abs() < NEAR).collect();
    let size = |option: &AuctionOption| float(option.maximum.min(option.give_amount)) * values[option.give.at()];
    near.sort_by(|one, other| size(other).total_cmp(&size(one)));
    let mut group: Vec<usize> = (0..logs.len()).collect();
    for option in near {
        let (give, get) = (group[option.give.at()], group[option.get.at()]);
        if give == get {
            continue;
        }
        let more = gap(option, &logs) + MET;
        for at in 0..logs.len() {
            if group[at] == give {
                logs[at] += more;
                group[at] = get;
            }
        }
    }
    logs.into_iter().map(f64::exp).collect()
}

/// How near a limit must be to be met, and by how much it then is.
const NEAR: f64 = 1e-4;
const MET: f64 = 1e-9;

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
                raise(kind, option, *price, Rounding::Up);
            }
        }
    }
    // Where some fix what they sell and others what they buy, the ones gain of what they get and the others of what they
    // give, which one price seldom fits.
    let at_limit = kinds.into_iter().filter(|(_, kinds)| kinds.len() > 1).map(|(pair, _)| pair).collect();
    Accepted { limits: accepted, at_limit }
}

/// The options of an intent through which the built-in bidder does not fill it.
fn unfloored(intent: &mut AuctionIntent) -> impl Iterator<Item = &mut AuctionOption> {
    let floor = intent.floor.map(|floor| usize::from(floor.option));
    let options = intent.options.iter_mut().enumerate();
    options.filter(move |(number, _)| Some(*number) != floor).map(|(_, option)| option)
}
