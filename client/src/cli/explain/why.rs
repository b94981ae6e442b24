//! The one reason that decided, in an order: what the owner's side lacks, then what the market lacks, then who was first.

use clearlane_core::auction::RuleSet;
use clearlane_core::money::Atoms;

use super::Explained;
use super::account::{reach, reaches_whole};

/// Why an intent is filled as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The whole of it is filled.
    Filled,
    /// A part is filled, and its account covers no more.
    FilledToAccount,
    /// A part is filled, and beyond it the market gives no better than its limit.
    FilledToLimit,
    /// A part is filled, and no solver asked for more.
    FilledInPart,
    /// Its account, or its options, can't cover what has to be filled.
    AccountShort,
    /// Other fills drew on its account first.
    AccountTaken,
    /// No path of venues, and nobody on the other side.
    NoPath,
    /// No path of venues; those on the other side did not execute with it.
    NoPartner,
    /// A part could be filled, but it is all or nothing.
    NotWhole,
    /// The venues' best rate is worse than its limit.
    LimitOutOfReach,
    /// The best rate keeps its limit, but at no size that is allowed.
    NoSize,
    /// A bundle that came first took its venue.
    VenueTaken,
    /// What is left would serve it worse than its floor.
    FloorNotKept,
    /// It could be filled, and nobody did.
    NotChosen,
}

impl Why {
    /// A stable name for scripts.
    pub(super) fn code(self) -> &'static str {
        match self {
            Why::Filled => "FILLED",
            Why::FilledToAccount => "FILLED_TO_ACCOUNT",
            Why::FilledToLimit => "FILLED_TO_LIMIT",
            Why::FilledInPart => "FILLED_IN_PART",
            Why::AccountShort => "ACCOUNT_SHORT",
            Why::AccountTaken => "ACCOUNT_TAKEN",
            Why::NoPath => "NO_PATH",
            Why::NoPartner => "NO_PARTNER",
            Why::NotWhole => "NOT_WHOLE",
            Why::LimitOutOfReach => "LIMIT_OUT_OF_REACH",
            Why::NoSize => "NO_SIZE",
            Why::VenueTaken => "VENUE_TAKEN",
            Why::FloorNotKept => "FLOOR_NOT_KEPT",
            Why::NotChosen => "NOT_CHOSEN",
        }
    }
}

/// The reason of an intent of which all else is known.
pub(super) fn why(of: &Explained<'_>) -> Why {
    if of.fills.is_empty() { unfilled(of) } else { filled(of) }
}

fn filled(of: &Explained<'_>) -> Why {
    let filled = of.filled();
    let is_left_better = of.options.iter().any(|option| option.left.is_some_and(|left| left > option.limit));
    if filled >= of.size() {
        Why::Filled
    } else if filled >= reach(of.intent) || of.accounts.iter().all(|account| account.left == 0) {
        Why::FilledToAccount
    } else if is_left_better {
        Why::FilledInPart
    } else {
        Why::FilledToLimit
    }
}

fn unfilled(of: &Explained<'_>) -> Why {
    let is_short = reach(of.intent) == 0 || (of.intent.is_all_or_nothing && !reaches_whole(of.intent));
    if is_short {
        return Why::AccountShort;
    }
    if is_account_taken(of) {
        return Why::AccountTaken;
    }
    match (&of.open, &of.now) {
        (Some(_), None) if !of.takers.is_empty() => Why::VenueTaken,
        (Some(_), Some(_)) if of.auction.input.rules == RuleSet::Floor && of.floor.is_some() => Why::FloorNotKept,
        (Some(_), _) => Why::NotChosen,
        (None, _) => unserved(of),
    }
}

/// Venues alone don't serve it.
fn unserved(of: &Explained<'_>) -> Why {
    let is_whole = of.intent.is_all_or_nothing;
    if is_whole && of.part.is_some() {
        return Why::NotWhole;
    }
    if of.options.iter().all(|option| option.paths == 0) {
        let offered = of.opposing.iter().fold(0, |sum: Atoms, other| sum.saturating_add(other.gives));
        let wanted = of.intent.options.iter().map(|option| option.get_amount).min().unwrap_or(0);
        return match (of.opposing.is_empty(), is_whole && offered < wanted) {
            (true, _) => Why::NoPath,
            (false, true) => Why::NotWhole,
            (false, false) => Why::NoPartner,
        };
    }
    if of.options.iter().any(super::OptionRates::is_reached_by_venues) { Why::NoSize } else { Why::LimitOutOfReach }
}

/// Whether other fills left less in every account than the least that may be filled.
fn is_account_taken(of: &Explained<'_>) -> bool {
    let needed = |option: usize| {
        let minimum = of.intent.options.get(option).map_or(1, |option| option.minimum.max(1));
        let whole = of.open.as_ref().and_then(|open| open.bundle.fills.first()).map_or(minimum, |fill| fill.sold);
        if of.intent.is_all_or_nothing { whole } else { minimum.min(whole) }
    };
    let is_taken = |(at, account): (usize, &super::Account)| !account.others.is_empty() && account.left < needed(at);
    !of.accounts.is_empty() && of.accounts.iter().enumerate().all(is_taken)
}
