//! The value of an atom of each denomination: reference prices, and guesses where there are none.
//!
//! Values only scale the model, so that its numbers are of like size; what counts is marked apart.

use clearlane_core::auction::AuctionInput;

use super::liquidity::ways;
use crate::strategy::value::{atom_value, float};

/// The value of the order in the middle, in the model's unit: the search's tolerances are absolute.
const TYPICAL_SIZE: f64 = 5_000.0;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct AtomValues {
    /// The value of one atom by denomination, positive.
    pub(super) atoms: Vec<f64>,
    /// Whether surplus in a denomination counts.
    pub(super) is_priced: Vec<bool>,
    /// The model's units per reference unit.
    pub(super) unit: f64,
}

impl AtomValues {
    /// Values of all denominations of an auction.
    pub(super) fn of(input: &AuctionInput) -> AtomValues {
        let mut known: Vec<Option<f64>> = input.denominations.iter().map(atom_value).collect();
        let is_priced = known.iter().map(Option::is_some).collect();
        spread(&mut known, &exchanges(input));
        let mut atoms: Vec<f64> = known.iter().map(|value| value.unwrap_or(1.0)).collect();
        let unit = TYPICAL_SIZE / typical_size(input, &atoms);
        atoms.iter_mut().for_each(|value| *value *= unit);
        AtomValues { atoms, is_priced, unit }
    }
}

/// Two denominations that are traded for each other.
struct Exchange {
    pair: [usize; 2],
    /// Atoms of the second for one atom of the first.
    rate: f64,
    /// Atoms of each that a venue holds, about; zero where only an intent asks for the rate.
    depths: [f64; 2],
}

fn exchanges(input: &AuctionInput) -> Vec<Exchange> {
    let ones = vec![1.0; input.denominations.len()];
    let of_venues = input.venues.iter().flat_map(|venue| ways(venue, &ones)).map(|way| Exchange {
        pair: [way.input.at(), way.output.at()],
        rate: way.offer.marginal(),
        depths: way.offer.depths(),
    });
    let options = input.intents.iter().flat_map(|intent| &intent.options).map(|option| Exchange {
        pair: [option.give.at(), option.get.at()],
        rate: float(option.get_amount) / float(option.give_amount),
        depths: [0.0; 2],
    });
    of_venues.chain(options).filter(|exchange| exchange.rate.is_normal() && exchange.rate > 0.0).collect()
}

/// Values what trades against something of known value, where most of that is held first: rates of dust say little.
fn spread(known: &mut [Option<f64>], exchanges: &[Exchange]) {
    if known.iter().all(Option::is_none)
        && let Some(first) = known.first_mut()
    {
        *first = Some(1.0);
    }
    loop {
        let found = exchanges.iter().filter_map(|exchange| {
            let [first, second] = exchange.pair;
            match (known[first], known[second]) {
                (None, Some(value)) => Some((value * exchange.depths[1], first, value * exchange.rate)),
                (Some(value), None) => Some((value * exchange.depths[0], second, value / exchange.rate)),
                (None, None) | (Some(_), Some(_)) => None,
            }
        });
        let Some((_, at, value)) = found.max_by(|(one, ..), (other, ..)| one.total_cmp(other)) else { return };
        known[at] = Some(value);
    }
}

fn typical_size(input: &AuctionInput, atoms: &[f64]) -> f64 {
    let options = input.intents.iter().flat_map(|intent| &intent.options);
    let mut sizes: Vec<f64> = options
        .map(|option| {
            let given = float(option.give_amount) * atoms[option.give.at()];
            given.min(float(option.get_amount) * atoms[option.get.at()])
        })
        .filter(|size| size.is_normal())
        .collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(1.0)
}
