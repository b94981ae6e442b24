//! The account behind each option: what it holds, what is left of it, and who else drew on it.

use clearlane_core::auction::{AuctionIntent, Clearing, size_of};
use clearlane_core::intent::Choose;
use clearlane_core::money::Atoms;
use clearlane_core::names::IntentIndex;
use clearlane_solver::formats::Auction;

use super::alone::Alone;

/// The account behind one option.
pub(super) struct Account {
    /// What it set aside.
    pub(super) holds: Atoms,
    /// What is left of that after what executed.
    pub(super) left: Atoms,
    /// The most of the fixed side that it covers, less than the option asks for.
    pub(super) covers: Option<Atoms>,
    /// Other intents whose fills drew on it.
    pub(super) others: Vec<String>,
}

/// The account behind each option of an intent, in order.
pub(super) fn accounts(auction: &Auction, clearing: &Clearing, index: IntentIndex, alone: &Alone) -> Vec<Account> {
    let input = &auction.input;
    let Some(intent) = input.intents.get(index.at()) else { return Vec::new() };
    let fills = || clearing.executed.iter().flat_map(|executed| &executed.bundle.fills);
    let account = |(at, option): (u16, &clearlane_core::auction::AuctionOption)| {
        let is_shared = |fill: &&clearlane_core::auction::Fill| {
            let other =
                input.intents.get(fill.intent.at()).and_then(|other| other.options.get(usize::from(fill.option)));
            fill.intent != index && other.is_some_and(|other| other.reserve == option.reserve)
        };
        let others = fills().filter(is_shared).filter_map(|fill| auction.intent_name(fill.intent)).map(str::to_owned);
        Account {
            holds: input.reserves.get(option.reserve.at()).map_or(0, |reserve| reserve.amount),
            left: alone.left_of(option.reserve.at()),
            covers: (option.maximum < option.left.min(size_of(intent, at))).then_some(option.maximum),
            others: others.collect(),
        }
    };
    (0_u16..).zip(&intent.options).map(account).collect()
}

/// The most of the fixed side that the options reach together, or one of them alone where only one may be used.
pub(super) fn reach(intent: &AuctionIntent) -> Atoms {
    let caps = intent.options.iter().map(|option| intent.cap_of(option).min(option.left));
    match intent.choose {
        Choose::Split => caps.fold(0, Atoms::saturating_add).min(intent.remaining),
        Choose::One => caps.max().unwrap_or(0),
    }
}

/// Whether any option, or all together, can fill the whole.
pub(super) fn reaches_whole(intent: &AuctionIntent) -> bool {
    match intent.choose {
        Choose::Split => reach(intent) >= intent.remaining,
        Choose::One => {
            let mut options = (0_u16..).zip(&intent.options);
            options.any(|(at, option)| option.maximum.min(option.left) >= size_of(intent, at))
        }
    }
}
