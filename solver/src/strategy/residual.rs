//! What is left of an auction after some bundles: the same tables with less in them.

use clearlane_core::auction::{AuctionInput, Bundle, Fill};
use clearlane_core::intent::Choose;

/// Takes the fills of `bundle` out of the intents and reserves of `input`; venues are left alone.
pub(super) fn take_fills(input: &mut AuctionInput, bundle: &Bundle) {
    for fill in &bundle.fills {
        take_fill(input, fill);
    }
}

fn take_fill(input: &mut AuctionInput, fill: &Fill) {
    let Some(intent) = input.intents.get_mut(fill.intent.at()) else { return };
    let fixed = intent.fixed_of(fill.sold, fill.bought);
    intent.remaining = intent.remaining.saturating_sub(fixed);
    for (at, option) in intent.options.iter_mut().enumerate() {
        let is_filled = at == usize::from(fill.option);
        if is_filled {
            option.maximum = option.maximum.saturating_sub(fixed);
            if let Some(reserve) = input.reserves.get_mut(option.reserve.at()) {
                reserve.amount = reserve.amount.saturating_sub(fill.sold);
            }
        } else if intent.choose == Choose::One {
            option.maximum = 0;
        }
    }
}
