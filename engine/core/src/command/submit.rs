//! Submits an intent: resolves its names, folds its limits into its options, and books or settles it.
//!
//! Checks in order: sizes, times, payee, condition, then each option's names, amounts and limits, then what the
//! options share, the minimum fill, what their maxima reach, amounts for auctions, and room in the book.

use super::{Desk, Stop, refuse, transfer};
use crate::book::{BookIntent, BookOption, IntentKey, WaitsFor};
use crate::event::{Accepted, Event, IntentChange, IntentEvent};
use crate::fact;
use crate::intent::{Choose, FillRule, Intent, IntentOption, Kind, Limits};
use crate::intent::{MEMO_BYTES_MAX, OPTIONS_MAX, REFERENCE_BYTES_MAX};
use crate::ledger::Owner;
use crate::money::{AUCTION_ATOMS_MAX, Atoms, Rounding, SUPPLY_MAX};
use crate::names::{AssetIndex, ModuleIndex, Name};
use crate::refusal::{Reason, Refusal};
use crate::state::State;

pub(super) fn apply(desk: &mut Desk<'_>, intent: &Intent) -> Result<Accepted, Stop> {
    let mut booked = resolve(desk, intent)?;
    if let Some(plain) = transfer::as_plain(desk, &booked) {
        return transfer::apply(desk, intent, &booked, plain);
    }
    check_auction_range(&booked)?;
    if u32::try_from(desk.state.book.len()).is_ok_and(|open| open >= desk.state.config.intents_max) {
        let message = format!("expected at most {} open intents", desk.state.config.intents_max);
        refuse(Reason::Exhausted, "options", message)?;
    }
    let lack = fact::lack(desk.state, &booked.condition).filter(|_| booked.valid_from <= desk.state.clock);
    booked.waits_for = lack.is_some().then_some(WaitsFor::Condition);
    let key = IntentKey { party: desk.party, id: desk.id };
    desk.state.book.insert(key, booked);
    let accepted = IntentChange::Accepted(Box::new(intent.clone()));
    for change in std::iter::once(accepted).chain(lack.map(IntentChange::Waiting)) {
        desk.events.push(Event::Intent(IntentEvent { party: key.party, id: key.id, time: desk.state.clock, change }));
    }
    Ok(Accepted::Booked)
}

fn resolve(desk: &Desk<'_>, intent: &Intent) -> Result<BookIntent, Refusal> {
    check_sizes(intent)?;
    check_times(desk.state, intent)?;
    let payee = match &intent.payee {
        Some(name) => {
            let unknown = || Refusal::new(Reason::UnknownParty, "payee", format!("no party is named {name}"));
            desk.state.party(name).ok_or_else(unknown)?
        }
        None => desk.party,
    };
    let condition = match &intent.condition {
        Some(condition) => fact::resolve(desk.state, desk.party, condition)?,
        None => Vec::new(),
    };
    let mut options = Vec::with_capacity(intent.options.len());
    for (at, option) in intent.options.iter().enumerate() {
        options.push(resolve_option(desk, intent, at, option)?);
    }
    check_shared(intent, &options)?;
    check_units(intent, &options)?;
    for option in &mut options {
        option.minimum = minimum(desk.state, intent, option)?;
    }
    check_reach(intent, &options)?;
    Ok(BookIntent {
        kind: intent.kind,
        choose: intent.choose,
        is_all_or_nothing: intent.fill == FillRule::AllOrNothing,
        payee,
        options,
        chosen: None,
        condition,
        valid_from: intent.valid_from,
        deadline: intent.deadline,
        last_offered: 0,
        last_considered: 0,
        waits_for: None,
        is_cancelling: false,
    })
}

fn check_sizes(intent: &Intent) -> Result<(), Refusal> {
    let count = intent.options.len();
    if count == 0 {
        return refuse(Reason::Missing, "options", "expected at least one option, found none");
    }
    let within = |length: usize, most: usize, field: &str, unit: &str| {
        if length > most {
            return refuse(Reason::TooLarge, field, format!("expected at most {most} {unit}, found {length}"));
        }
        Ok(())
    };
    within(count, OPTIONS_MAX, "options", "options")?;
    within(intent.reference.len(), REFERENCE_BYTES_MAX, "reference", "bytes")?;
    within(intent.memo.len(), MEMO_BYTES_MAX, "memo", "bytes")
}

fn check_times(state: &State, intent: &Intent) -> Result<(), Refusal> {
    if intent.deadline <= state.clock {
        let message = format!("expected later than {} ns, found {} ns", state.clock.0, intent.deadline.0);
        return refuse(Reason::DeadlinePassed, "deadline_ns", message);
    }
    if intent.valid_from >= intent.deadline {
        let message =
            format!("expected before the deadline {} ns, found {} ns", intent.deadline.0, intent.valid_from.0);
        return refuse(Reason::DeadlineBeforeStart, "valid_from_ns", message);
    }
    Ok(())
}

fn resolve_option(desk: &Desk<'_>, intent: &Intent, at: usize, option: &IntentOption) -> Result<BookOption, Refusal> {
    let state = &desk.state;
    let path = |rest: &str| format!("options[{at}].{rest}");
    let give_asset = find_asset(state, &option.give_asset, path("give.asset"))?;
    let get_asset = find_asset(state, &option.get_asset, path("get.asset"))?;
    let give_module =
        option.give_module.as_ref().map(|name| find_module(state, name, path("give.module"))).transpose()?;
    let get_module = option.get_module.as_ref().map(|name| find_module(state, name, path("get.module"))).transpose()?;
    let paying = paying_module(desk, give_asset, give_module, option.give_amount.max(option.get_amount));
    if paying.is_none() {
        let place = option.give_module.as_ref().map_or(String::new(), |module| format!(" in {module}"));
        let message = format!("the party has no account of {}{place}", option.give_asset);
        return refuse(Reason::UnknownAccount, path("give"), message);
    }
    let (give_amount, get_amount) = fold_limits(state, intent, at, option, (give_asset, get_asset))?;
    let full = match intent.kind {
        Kind::ExactIn => give_amount,
        Kind::ExactOut => get_amount,
    };
    let maximum = option.maximum.unwrap_or(full).min(full);
    if maximum == 0 {
        return refuse(Reason::AmountZero, path("maximum"), "expected a positive amount, found 0");
    }
    let get_module = get_module.or(paying).unwrap_or(ModuleIndex(0));
    Ok(BookOption {
        give_asset,
        give_module,
        get_asset,
        get_module,
        give_amount,
        get_amount,
        maximum,
        minimum: 1,
        filled: 0,
    })
}

/// The module of the account that pays: the one asked for, else the first whose free balance covers the amount,
/// else the first; `None` if the party has no such account.
fn paying_module(desk: &Desk<'_>, asset: AssetIndex, asked: Option<ModuleIndex>, amount: Atoms) -> Option<ModuleIndex> {
    let accounts = || desk.state.ledger.of_owner_in(Owner::Party(desk.party), asset).map(|(_, account)| account);
    let is_asked = |module: ModuleIndex| asked.is_none_or(|asked| asked == module);
    let covering = accounts().find(|account| is_asked(account.key.module) && account.free() >= amount);
    covering.or_else(|| accounts().find(|account| is_asked(account.key.module))).map(|account| account.key.module)
}

/// The amounts of an option with every limit folded in: the tightest one holds.
fn fold_limits(
    state: &State,
    intent: &Intent,
    at: usize,
    option: &IntentOption,
    (give, get): (AssetIndex, AssetIndex),
) -> Result<(Atoms, Atoms), Refusal> {
    let path = |rest: &str| format!("options[{at}].{rest}");
    check_range(option.give_amount, path("give.amount"))?;
    check_range(option.get_amount, path("get.amount"))?;
    if intent.limits.maximum_fee.is_some() && give != get {
        let message = "expected one asset on both sides; between assets a worst price bounds the cost";
        return refuse(Reason::NotSupported, "limits.maximum_fee", message);
    }
    let scales = (scale_of(state, give), scale_of(state, get));
    match intent.kind {
        Kind::ExactIn => {
            require_positive(option.give_amount, path("give.amount"))?;
            let least = least_to_get(&intent.limits, option, scales)?;
            check_range(least, "limits".to_owned())?;
            Ok((option.give_amount, least))
        }
        Kind::ExactOut => {
            require_positive(option.get_amount, path("get.amount"))?;
            Ok((most_to_give(&intent.limits, option, scales)?, option.get_amount))
        }
    }
}

fn least_to_get(limits: &Limits, option: &IntentOption, (give, get): (u8, u8)) -> Result<Atoms, Refusal> {
    let given = option.give_amount;
    if limits.maximum_total.is_some_and(|total| total < given) {
        let message = format!("expected at least the {given} atoms to give");
        return refuse(Reason::LimitImpossible, "limits.maximum_total", message);
    }
    let stated = Some(option.get_amount).filter(|amount| *amount > 0);
    let by_price = match limits.worst_price {
        Some(price) => Some(price.convert(given, give, get, Rounding::Up).ok_or_else(price_too_large)?),
        None => None,
    };
    let by_fee = limits.maximum_fee.map(|fee| given.saturating_sub(fee));
    [stated, by_price, by_fee].into_iter().flatten().max().ok_or_else(limit_required)
}

fn most_to_give(limits: &Limits, option: &IntentOption, (give, get): (u8, u8)) -> Result<Atoms, Refusal> {
    let got = option.get_amount;
    let stated = Some(option.give_amount).filter(|amount| *amount > 0);
    let by_price = match limits.worst_price {
        Some(price) => Some(price.convert(got, get, give, Rounding::Down).ok_or_else(price_too_large)?),
        None => None,
    };
    let by_fee = limits.maximum_fee.map(|fee| got.saturating_add(fee));
    let limits = [stated, by_price, by_fee, limits.maximum_total];
    let most = limits.into_iter().flatten().min().ok_or_else(limit_required)?;
    if most == 0 {
        return refuse(Reason::LimitImpossible, "limits", "expected to give something, found a limit of 0 atoms");
    }
    Ok(most)
}

/// Options that may be combined share the fixed asset and amount.
fn check_shared(intent: &Intent, options: &[BookOption]) -> Result<(), Refusal> {
    let Some(first) = options.first() else { return Ok(()) };
    if intent.choose == Choose::One {
        return Ok(());
    }
    let fixed = |option: &BookOption| match intent.kind {
        Kind::ExactIn => (option.give_asset, option.give_amount),
        Kind::ExactOut => (option.get_asset, option.get_amount),
    };
    let differs = options.iter().position(|option| fixed(option) != fixed(first));
    if let Some(at) = differs {
        let message = "expected the fixed asset and amount of the first option, as options of a split share them";
        return refuse(Reason::LimitImpossible, format!("options[{at}]"), message);
    }
    Ok(())
}

/// Amounts and prices stated once for all options are of the first one's assets: the others must share them.
fn check_units(intent: &Intent, options: &[BookOption]) -> Result<(), Refusal> {
    let Some(first) = options.first() else { return Ok(()) };
    let fixed = |option: &BookOption| match intent.kind {
        Kind::ExactIn => option.give_asset,
        Kind::ExactOut => option.get_asset,
    };
    let has_minimum = matches!(intent.fill, FillRule::Partial { minimum: Some(_) });
    let shares_fixed = options.iter().all(|option| fixed(option) == fixed(first));
    let shares_give = options.iter().all(|option| option.give_asset == first.give_asset);
    let shares_get = options.iter().all(|option| option.get_asset == first.get_asset);
    let rules = [
        (has_minimum && !shares_fixed, "fill.minimum", "the same fixed asset"),
        (
            intent.limits.worst_price.is_some() && !(shares_give && shares_get),
            "limits.worst_price",
            "the same two assets",
        ),
        (intent.limits.maximum_fee.is_some() && !shares_give, "limits.maximum_fee", "the same asset to give"),
        (intent.limits.maximum_total.is_some() && !shares_give, "limits.maximum_total", "the same asset to give"),
    ];
    match rules.iter().find(|(is_broken, ..)| *is_broken) {
        Some((_, field, shared)) => {
            refuse(Reason::LimitImpossible, *field, format!("expected {shared} in every option, as it is stated once"))
        }
        None => Ok(()),
    }
}

/// Refuses what its options' maxima can never fill.
fn check_reach(intent: &Intent, options: &[BookOption]) -> Result<(), Refusal> {
    let reach = match intent.choose {
        Choose::Split => options.iter().fold(0, |sum: Atoms, option| sum.saturating_add(option.maximum)),
        Choose::One => Atoms::MAX,
    };
    for (at, option) in options.iter().enumerate() {
        let reach = if intent.choose == Choose::One { option.maximum } else { reach };
        if reach < option.minimum {
            let message = format!("expected maxima of at least {} atoms, found {reach}", option.minimum);
            return refuse(Reason::LimitImpossible, format!("options[{at}].maximum"), message);
        }
    }
    Ok(())
}

/// The stated minimum fill, or one reference unit, or one atom where the asset has no price.
fn minimum(state: &State, intent: &Intent, option: &BookOption) -> Result<Atoms, Refusal> {
    let full = option.full(intent.kind);
    let stated = match intent.fill {
        FillRule::Partial { minimum } => minimum,
        FillRule::AllOrNothing => Some(full),
    };
    if let Some(minimum) = stated {
        if minimum == 0 || minimum > full {
            let message = format!("expected 1 to {full} atoms, found {minimum}");
            return refuse(Reason::OutOfRange, "fill.minimum", message);
        }
        return Ok(minimum);
    }
    let asset = match intent.kind {
        Kind::ExactIn => option.give_asset,
        Kind::ExactOut => option.get_asset,
    };
    let priced = state.assets.get(asset.at()).and_then(|asset| Some((asset.scale, asset.price?)));
    // Where one unit is more than may exist, only the whole is worth having.
    let unit = priced.map_or(1, |(scale, price)| price.atoms_worth_one(scale).unwrap_or(full));
    Ok(unit.clamp(1, full))
}

fn find_asset(state: &State, name: &Name, field: String) -> Result<AssetIndex, Refusal> {
    state.asset(name).ok_or_else(|| Refusal::new(Reason::UnknownAsset, field, format!("no asset is named {name}")))
}

fn find_module(state: &State, name: &Name, field: String) -> Result<ModuleIndex, Refusal> {
    state.module(name).ok_or_else(|| Refusal::new(Reason::UnknownModule, field, format!("no module is named {name}")))
}

fn scale_of(state: &State, asset: AssetIndex) -> u8 {
    state.assets.get(asset.at()).map_or(0, |asset| asset.scale)
}

fn check_range(amount: Atoms, field: String) -> Result<(), Refusal> {
    if amount > SUPPLY_MAX {
        return refuse(Reason::AmountTooLarge, field, format!("expected at most 2^127 atoms, found {amount}"));
    }
    Ok(())
}

/// What goes to auctions has smaller amounts, whose products venues can check exactly; plain transfers have not.
fn check_auction_range(intent: &BookIntent) -> Result<(), Refusal> {
    for (at, option) in intent.options.iter().enumerate() {
        for (side, amount) in [("give", option.give_amount), ("get", option.get_amount)] {
            if amount >= AUCTION_ATOMS_MAX {
                let message = format!("expected less than 2^112 atoms, found {amount}");
                return refuse(Reason::AmountTooLarge, format!("options[{at}].{side}.amount"), message);
            }
        }
    }
    Ok(())
}

fn require_positive(amount: Atoms, field: String) -> Result<(), Refusal> {
    if amount == 0 {
        return refuse(Reason::AmountZero, field, "expected a positive amount, found 0");
    }
    Ok(())
}

fn limit_required() -> Refusal {
    let message = "expected an amount on the other side, a worst price, a maximum fee or a maximum total";
    Refusal::new(Reason::LimitRequired, "limits", message)
}

fn price_too_large() -> Refusal {
    Refusal::new(Reason::AmountTooLarge, "limits.worst_price", "the amount at this price exceeds what may exist")
}
