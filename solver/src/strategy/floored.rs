//! The floor rules as limits: an auction in which no fill is worse than the built-in bidder's, whatever its size.

use clearlane_core::auction::{AuctionInput, AuctionOption, FloorTerms, RuleSet};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Rounding, mul_div};

/// The same auction, under the floor rules with the limit of each option that the floor fills raised to its rate.
///
/// A fill of less than the floor's then keeps its share exactly, and one of more keeps more than it must.
pub(crate) fn tightened(input: &AuctionInput) -> AuctionInput {
    let mut tightened = input.clone();
    if input.rules == RuleSet::Floor {
        for intent in &mut tightened.intents {
            let Some(floor) = intent.floor else { continue };
            if let Some(option) = intent.options.get_mut(usize::from(floor.option)) {
                raise(intent.kind, option, floor);
            }
        }
    }
    tightened
}

/// Sets the limit to the floor's rate, rounded against what is proposed.
fn raise(kind: Kind, option: &mut AuctionOption, floor: FloorTerms) {
    match kind {
        Kind::ExactIn => {
            let least = mul_div(option.give_amount, floor.bought, floor.sold, Rounding::Up);
            option.get_amount = least.unwrap_or(option.get_amount).max(option.get_amount);
        }
        Kind::ExactOut => {
            let most = mul_div(option.get_amount, floor.sold, floor.bought, Rounding::Down);
            option.give_amount = most.filter(|most| *most > 0).unwrap_or(option.give_amount).min(option.give_amount);
        }
    }
}
