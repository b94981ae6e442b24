//! An explanation as people read it: what became of the intent, the one reason, and the figures behind it.

use clearlane_core::auction::{Executed, Fill, Routed, surplus_of};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::refusal::Refusal;

use super::Explained;
use super::rates::{OptionRates, amount, asset, fixed_denomination, rate, rate_text};
use super::why::Why;
use crate::cli::report::{counted, short_score};

/// The names shown in one line at most; all are in the JSON.
const NAMES_MAX: usize = 5;

/// An order that was refused when the file was read.
pub(super) fn refused(name: &str, refusal: &Refusal) -> String {
    format!("{name} was refused when the file was read: {refusal}\n")
}

/// The whole text.
pub(super) fn of(of: &Explained<'_>) -> String {
    let mut text = format!("{}: {}\n", of.name, sentence(of));
    for option in &of.options {
        text.push_str(&option_text(option));
    }
    for (executed, fill) in &of.fills {
        let with = listed(&others(of, executed));
        let with = if with.is_empty() { String::new() } else { format!(" with {with}") };
        let by = format!("{} bundle {}{with}", of.bidder(executed.solver), executed.number);
        text.push_str(&format!("  filled     {}, by {by}\n", fill_text(of, fill)));
    }
    match of.floor {
        Some(floor) => {
            let fill = Fill { intent: of.index, option: floor.option, sold: floor.sold, bought: floor.bought };
            text.push_str(&format!("  floor      {}, from the built-in bidder alone\n", fill_text(of, &fill)));
        }
        None => text.push_str("  floor      nothing: the built-in bidder alone would not fill it\n"),
    }
    for (what, routed) in [("alone", &of.open), ("in part", &of.part), ("now", &of.now)] {
        if let Some(routed) = routed.as_ref().filter(|_| of.fills.is_empty() || what != "now") {
            text.push_str(&format!("  {what:<9}  {}\n", routed_text(of, routed)));
        }
    }
    for (account, option) in of.accounts.iter().zip(&of.intent.options) {
        if account.covers.is_some() || !account.others.is_empty() {
            let input = &of.auction.input;
            let (holds, left) = (amount(input, option.give, account.holds), amount(input, option.give, account.left));
            let others: Vec<&str> = account.others.iter().map(String::as_str).collect();
            let drawn = if others.is_empty() { String::new() } else { format!(", drawn on by {}", listed(&others)) };
            text.push_str(&format!("  account    holds {holds} {}, {left} left{drawn}\n", asset(input, option.give)));
        }
    }
    for taker in of.takers.iter().take(NAMES_MAX) {
        let (by, number) = (of.bidder(taker.executed.solver), taker.executed.number);
        let (intents, score) = (listed(&of.served(taker.executed)), short_score(taker.executed.score));
        let venue = of.auction.venue_name(taker.venue).unwrap_or_default();
        text.push_str(&format!("  {venue:<9}  used by {by} bundle {number} for {intents}, score {score}\n"));
    }
    text
}

/// The one reason as a sentence.
pub(super) fn sentence(of: &Explained<'_>) -> String {
    let input = &of.auction.input;
    let fixed = |atoms: Atoms| {
        let denomination = of.intent.options.first().map(|option| fixed_denomination(of.intent.kind, option));
        denomination.map_or_else(String::new, |at| format!("{} {}", amount(input, at, atoms), asset(input, at)))
    };
    let part = format!("filled {} of {}", fixed(of.filled()), fixed(of.size()));
    match of.why {
        Why::Filled => format!("filled in full, {}", fixed(of.filled())),
        Why::FilledToAccount => format!("{part}: its account covers no more"),
        Why::FilledToLimit => format!("{part}: beyond that the market gives no better than its limit"),
        Why::FilledInPart => {
            format!("{part}: the venues' best rate is still within its limit, but no answer took more")
        }
        Why::AccountShort => {
            "not filled: what its account and options cover is less than the least that may be filled".to_owned()
        }
        Why::AccountTaken => {
            let others = of.accounts.iter().flat_map(|account| account.others.iter().map(String::as_str));
            format!("not filled: {} drew on its account first", listed(&others.collect::<Vec<_>>()))
        }
        Why::NoPath => "not filled: no path of venues leads to what it wants, and nobody gives it for this".to_owned(),
        Why::NoPartner => {
            let names: Vec<&str> = of.opposing.iter().map(|other| other.name).collect();
            format!("not filled: no path of venues, and {} did not execute with it", listed(&names))
        }
        Why::NotWhole => not_whole(of),
        Why::LimitOutOfReach => limit_out_of_reach(of),
        Why::NoSize => "not filled: the best rate keeps its limit, but at no size after fees and minimums".to_owned(),
        Why::VenueTaken => {
            let taker = of.takers.first();
            let venue = taker.and_then(|taker| of.auction.venue_name(taker.venue)).unwrap_or_default();
            let by = taker.map_or_else(String::new, |taker| {
                let (by, number) = (of.bidder(taker.executed.solver), taker.executed.number);
                format!("{by} bundle {number} for {}", listed(&of.served(taker.executed)))
            });
            format!("not filled: {venue} was taken by {by}, and what is left does not keep its limit")
        }
        Why::FloorNotKept => {
            "not filled: what is left would serve it worse than its floor, so it waits for a later auction".to_owned()
        }
        Why::NotChosen => "not filled, although it could be: no answer that executes fills it".to_owned(),
    }
}

fn not_whole(of: &Explained<'_>) -> String {
    let input = &of.auction.input;
    let Some(option) = of.intent.options.first() else { return "not filled".to_owned() };
    let at = fixed_denomination(of.intent.kind, option);
    let whole = format!("{} {}", amount(input, at, of.size()), asset(input, at));
    if let Some(fill) = of.part.as_ref().and_then(|part| part.bundle.fills.first()) {
        let most = amount(input, at, of.intent.fixed_of(fill.sold, fill.bought));
        return format!("not filled: it is all or nothing, and of {whole} its best path takes {most} within its limit");
    }
    let offered = of.opposing.iter().fold(0, |sum: Atoms, other| sum.saturating_add(other.gives));
    let (offered, wanted) = (amount(input, option.get, offered), amount(input, option.get, option.get_amount));
    let get = asset(input, option.get);
    format!("not filled: it is all or nothing and wants {wanted} {get}, of which others give {offered} and no path any")
}

fn limit_out_of_reach(of: &Explained<'_>) -> String {
    let nearest = of.options.iter().max_by(|one, other| {
        let reached = |option: &OptionRates| option.best.unwrap_or(0.0) / option.limit;
        reached(one).total_cmp(&reached(other))
    });
    let Some(option) = nearest else { return "not filled".to_owned() };
    let (limit, best) = (rate_text(option.limit), option.best.map_or_else(|| "0".to_owned(), rate_text));
    let pair = format!("{} for one {}", option.get, option.give);
    format!("not filled: its limit is {limit} {pair}, and venues give {best} at best")
}

fn option_text(option: &OptionRates) -> String {
    let marginal = match (option.marginal, option.inside_bps()) {
        (Some(marginal), Some(points)) if points >= 0.0 => {
            format!("{}, {points:.2} bp better than its limit", rate_text(marginal))
        }
        (Some(marginal), Some(points)) => format!("{}, its limit asks {:.2} bp more", rate_text(marginal), -points),
        (_, _) => "none: one of the assets is worth nothing at the certificate's prices".to_owned(),
    };
    let best = option.best.map_or_else(|| "none".to_owned(), rate_text);
    let left = option.left.map_or_else(|| "none".to_owned(), rate_text);
    let [least, most] = match option.kind {
        Kind::ExactIn => ["at least ", ""],
        Kind::ExactOut => ["exactly ", "at most "],
    };
    format!(
        "  wants      {least}{} {} for {most}{} {}: limit {}\n  marginal   {marginal}\n  venues     {}, best rate {best} at the open, {left} after\n",
        option.get_amount,
        option.get,
        option.give_amount,
        option.give,
        rate_text(option.limit),
        counted(u64::try_from(option.paths).unwrap_or(u64::MAX), "path"),
    )
}

fn fill_text(of: &Explained<'_>, fill: &Fill) -> String {
    let input = &of.auction.input;
    let Some(option) = of.intent.options.get(usize::from(fill.option)) else { return String::new() };
    let surplus = surplus_of(of.intent, option, fill.sold, fill.bought).unwrap_or(0);
    let beyond = of.intent.surplus_denomination(option);
    format!(
        "{} {} for {} {} at {}, {} {} better than its limit",
        amount(input, option.get, fill.bought),
        asset(input, option.get),
        amount(input, option.give, fill.sold),
        asset(input, option.give),
        rate_text(rate(input, (option.give, fill.sold), (option.get, fill.bought))),
        amount(input, beyond, surplus),
        asset(input, beyond),
    )
}

fn routed_text(of: &Explained<'_>, routed: &Routed) -> String {
    let fill = routed.bundle.fills.first().map_or_else(String::new, |fill| fill_text(of, fill));
    let venues: Vec<&str> = routed.bundle.uses.iter().filter_map(|used| of.auction.venue_name(used.venue)).collect();
    format!("{fill}, through {}", venues.join(" and "))
}

/// The other intents that a bundle fills.
pub(super) fn others<'a>(of: &Explained<'a>, executed: &'a Executed) -> Vec<&'a str> {
    of.served(executed).into_iter().filter(|name| *name != of.name).collect()
}

/// Some names, of which the first few are said.
fn listed(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.dedup();
    let more = names.len().saturating_sub(NAMES_MAX);
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
