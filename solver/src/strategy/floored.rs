//! The floor rules as limits: an auction in which no fill is worse than the built-in bidder's, whatever its size.

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, FloorTerms, RuleSet, size_of, surplus_of};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};

use super::value::{atom_value, atoms, float};

/// The same auction, under the floor rules with the limit of each option that the floor fills raised to its rate.
///
/// A fill of less than the floor's then keeps its share exactly, and one of more keeps more than it must.
pub(crate) fn tightened(input: &AuctionInput) -> AuctionInput {
    let mut tightened = input.clone();
    if input.rules == RuleSet::Floor {
        tightened.intents.iter_mut().for_each(|intent| tighten(input, intent));
    }
    tightened
}

fn tighten(input: &AuctionInput, intent: &mut AuctionIntent) {
    let Some(floor) = intent.floor else { return };
    let worth = worth(input, intent, floor);
    let sizes: Vec<Atoms> = (0_u16..).take(intent.options.len()).map(|number| size_of(intent, number)).collect();
    let kind = intent.kind;
    for ((number, option), size) in (0_u16..).zip(&mut intent.options).zip(sizes) {
        if number == floor.option {
            raise(kind, option, [floor.bought, floor.sold], Rounding::Up);
            continue;
        }
        let own = if kind == Kind::ExactIn { option.get } else { option.give };
        let atom = input.denominations.get(own.at()).and_then(atom_value);
        if let (Some(worth), Some(atom)) = (worth, atom) {
            raise_by(kind, option, worth / atom / float(size));
        }
    }
}

/// What the floor's surplus is worth for each whole of its intent; `None` without a price.
fn worth(input: &AuctionInput, intent: &AuctionIntent, floor: FloorTerms) -> Option<f64> {
    let option = intent.options.get(usize::from(floor.option))?;
    let surplus = surplus_of(intent, option, floor.sold, floor.bought)?;
    let atom = atom_value(input.denominations.get(intent.surplus_denomination(option).at())?)?;
    let share = float(intent.fixed_of(floor.sold, floor.bought)) / float(size_of(intent, floor.option));
    Some(float(surplus) * atom / share)
}

/// Raises the limit of another option by so many atoms of surplus for each atom of its fixed side.
fn raise_by(kind: Kind, option: &mut AuctionOption, surplus: f64) {
    // Floats are a little off, and values are floored.
    let surplus = surplus * (1.0 + 1e-9);
    match kind {
        Kind::ExactIn => {
            let more = atoms(surplus * float(option.give_amount)).saturating_add(2);
            option.get_amount = option.get_amount.saturating_add(more);
        }
        Kind::ExactOut => {
            let less = atoms(surplus * float(option.get_amount)).saturating_add(2);
            option.give_amount = option.give_amount.saturating_sub(less).max(1);
        }
    }
}

/// Raises a limit to a price, atoms to get for atoms to give: not below it, or not above it, by rounding.
pub(super) fn raise(kind: Kind, option: &mut AuctionOption, [get, give]: [Atoms; 2], rounding: Rounding) {
    match kind {
        Kind::ExactIn => {
            let least = mul_div(option.give_amount, get, give, rounding);
            option.get_amount = least.unwrap_or(option.get_amount).max(option.get_amount);
        }
        Kind::ExactOut => {
            let opposite = if rounding == Rounding::Up { Rounding::Down } else { Rounding::Up };
            let most = mul_div(option.get_amount, give, get, opposite);
            option.give_amount = most.filter(|most| *most > 0).unwrap_or(option.give_amount).min(option.give_amount);
        }
    }
}
