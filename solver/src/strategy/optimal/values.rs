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
        spread(&mut known, &rates(input));
        let mut atoms: Vec<f64> = known.iter().map(|value| value.unwrap_or(1.0)).collect();
        let unit = TYPICAL_SIZE / typical_size(input, &atoms);
        atoms.iter_mut().for_each(|value| *value *= unit);
        AtomValues { atoms, is_priced, unit }
    }
}

/// Atoms of a second denomination that are traded for one atom of a first.
type Rate = (usize, usize, f64);

fn rates(input: &AuctionInput) -> Vec<Rate> {
    let ones = vec![1.0; input.denominations.len()];
    let of_venues = input.venues.iter().flat_map(|venue| ways(venue, &ones));
    let of_venues = of_venues.map(|way| (way.input.at(), way.output.at(), way.offer.marginal()));
    let options = input.intents.iter().flat_map(|intent| &intent.options);
    let of_options =
        options.map(|option| (option.give.at(), option.get.at(), float(option.get_amount) / float(option.give_amount)));
    of_venues.chain(of_options).filter(|(_, _, rate)| rate.is_normal() && *rate > 0.0).collect()
}

/// Values what trades against something of known value, until nothing new is found.
fn spread(known: &mut [Option<f64>], rates: &[Rate]) {
    let mut is_moving = known.iter().any(Option::is_none);
    if known.iter().all(Option::is_none)
        && let Some(first) = known.first_mut()
    {
        *first = Some(1.0);
    }
    while is_moving {
        is_moving = false;
        for (first, second, rate) in rates {
            let found = match (known[*first], known[*second]) {
                (None, Some(value)) => (*first, value * rate),
                (Some(value), None) => (*second, value / rate),
                (None, None) | (Some(_), Some(_)) => continue,
            };
            known[found.0] = Some(found.1);
            is_moving = true;
        }
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
