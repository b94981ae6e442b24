//! Other intents that want what this one gives and give what it wants, at limits that both can keep.

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::IntentIndex;
use clearlane_solver::formats::Auction;

use super::rates::rate;

/// An intent on the other side.
pub(super) struct Opposing<'a> {
    pub(super) name: &'a str,
    /// The most that it gives of what this one wants.
    pub(super) gives: Atoms,
    pub(super) is_all_or_nothing: bool,
}

/// The opposing intents of any option, in the order of the file.
pub(super) fn opposing<'a>(auction: &'a Auction, index: IntentIndex) -> Vec<Opposing<'a>> {
    let input = &auction.input;
    let Some(subject) = input.intents.get(index.at()) else { return Vec::new() };
    let mut found = Vec::new();
    for (at, other) in input.intents.iter().enumerate().filter(|(at, _)| *at != index.at()) {
        let options = other.options.iter();
        let meets = |option: &&AuctionOption| subject.options.iter().any(|own| crosses(input, own, option));
        let gives = options.filter(meets).map(|option| gives(other, option)).max().unwrap_or(0);
        if let (true, Some(name)) = (gives > 0, auction.intent_name(IntentIndex::from_at(at))) {
            found.push(Opposing { name, gives, is_all_or_nothing: other.is_all_or_nothing });
        }
    }
    found
}

/// Whether there is a price that keeps both limits: what one asks for the other is at most what that gives for it.
fn crosses(input: &AuctionInput, own: &AuctionOption, other: &AuctionOption) -> bool {
    let limit =
        |option: &AuctionOption| rate(input, (option.give, option.give_amount), (option.get, option.get_amount));
    own.give == other.get && own.get == other.give && limit(own) * limit(other) <= 1.0
}

/// The most that leaves through an option.
fn gives(intent: &AuctionIntent, option: &AuctionOption) -> Atoms {
    let cap = intent.cap_of(option);
    match intent.kind {
        Kind::ExactIn => cap,
        Kind::ExactOut => mul_div(cap, option.give_amount, option.get_amount, Rounding::Down).unwrap_or(Atoms::MAX),
    }
}
