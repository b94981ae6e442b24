//! Intents: decoded with every amount in atoms, and written back in atoms.

use clearlane_core::condition::Condition;
use clearlane_core::intent::{Choose, FillRule, Intent, IntentOption, Kind, Limits};
use clearlane_core::names::CommandId;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::Timestamp;

use crate::field::{each, name, optional_name, price, refuse, required, unknown_value};
use crate::{Scales, amount, wire};

/// Reads an intent under its command's id.
///
/// # Errors
///
/// Names the first field that is missing, malformed, out of range or not supported yet; unsupported fields come
/// first, then the order of the schema.
pub fn to_core(intent: &wire::Intent, id: CommandId, scales: &impl Scales) -> Result<Intent, Refusal> {
    refuse_unsupported(intent)?;
    let kind = kind_to_core(intent.kind, "kind")?;
    let options = each(&intent.options, "options", |option, field| option_to_core(option, kind, field, scales))?;
    let assets = Assets::of(kind, options.first());
    let fill = fill_to_core(intent.fill.as_ref(), &assets, scales)?;
    let choose = choose_to_core(intent.choose, "choose")?;
    let payee = optional_name(&intent.payee, "payee")?;
    let limits = limits_to_core(intent.limits.as_ref(), &assets, scales)?;
    let condition = condition_to_core(intent.condition.as_ref(), "condition.expression")?;
    if intent.deadline_ns == 0 {
        return refuse(Reason::Missing, "deadline_ns", "expected a time after which it is not filled, found none");
    }
    Ok(Intent {
        id,
        kind,
        fill,
        choose,
        payee,
        limits,
        condition,
        valid_from: Timestamp(intent.valid_from_ns),
        deadline: Timestamp(intent.deadline_ns),
        reference: intent.reference.clone(),
        memo: intent.memo.clone(),
        options,
    })
}

/// Writes an intent with amounts in atoms; its id is its command's.
#[must_use]
pub fn to_wire(intent: &Intent) -> wire::Intent {
    let assets = Assets::of(intent.kind, intent.options.first());
    wire::Intent {
        kind: kind_to_wire(intent.kind),
        options: intent.options.iter().map(|option| option_to_wire(option, intent.kind)).collect(),
        fill: fill_to_wire(intent.fill, assets.fixed),
        choose: choose_to_wire(intent.choose),
        payee: intent.payee.as_ref().map(ToString::to_string).unwrap_or_default(),
        limits: limits_to_wire(&intent.limits, &assets),
        valid_from_ns: intent.valid_from.0,
        deadline_ns: intent.deadline.0,
        condition: intent.condition.as_ref().map(condition_to_wire),
        group: None,
        schedule: None,
        mandate: None,
        priority: 0,
        reference: intent.reference.clone(),
        memo: intent.memo.clone(),
    }
}

/// The assets of which the amounts outside the options are.
#[derive(Default)]
struct Assets<'a> {
    fixed: &'a str,
    give: &'a str,
}

impl Assets<'_> {
    fn of(kind: Kind, option: Option<&IntentOption>) -> Assets<'_> {
        option.map_or_else(Assets::default, |option| Assets {
            fixed: fixed_asset(option, kind),
            give: option.give_asset.as_str(),
        })
    }
}

fn fixed_asset(option: &IntentOption, kind: Kind) -> &str {
    match kind {
        Kind::ExactIn => option.give_asset.as_str(),
        Kind::ExactOut => option.get_asset.as_str(),
    }
}

fn refuse_unsupported(intent: &wire::Intent) -> Result<(), Refusal> {
    let present = [
        ("group", intent.group.is_some()),
        ("schedule", intent.schedule.is_some()),
        ("mandate", intent.mandate.is_some()),
        ("priority", intent.priority != 0),
    ];
    match present.iter().find(|(_, is_present)| *is_present) {
        Some((field, _)) => {
            refuse(Reason::NotSupported, field, "expected none since it is not supported yet, found one")
        }
        None => Ok(()),
    }
}

/// Reads the fixed side.
///
/// # Errors
///
/// `MISSING` if it is not said, `OUT_OF_RANGE` if it is unknown.
pub(crate) fn kind_to_core(kind: i32, field: &str) -> Result<Kind, Refusal> {
    match wire::Kind::try_from(kind) {
        Ok(wire::Kind::Unspecified) => refuse(Reason::Missing, field, "expected the fixed side, found none"),
        Ok(wire::Kind::ExactIn) => Ok(Kind::ExactIn),
        Ok(wire::Kind::ExactOut) => Ok(Kind::ExactOut),
        Err(_) => unknown_value(kind, field),
    }
}

pub(crate) fn kind_to_wire(kind: Kind) -> i32 {
    let kind = match kind {
        Kind::ExactIn => wire::Kind::ExactIn,
        Kind::ExactOut => wire::Kind::ExactOut,
    };
    kind.into()
}

pub(crate) fn choose_to_core(choose: i32, field: &str) -> Result<Choose, Refusal> {
    match wire::Choose::try_from(choose) {
        Ok(wire::Choose::Split) => Ok(Choose::Split),
        Ok(wire::Choose::One) => Ok(Choose::One),
        Err(_) => unknown_value(choose, field),
    }
}

pub(crate) fn choose_to_wire(choose: Choose) -> i32 {
    let choose = match choose {
        Choose::Split => wire::Choose::Split,
        Choose::One => wire::Choose::One,
    };
    choose.into()
}

fn option_to_core(
    option: &wire::Option,
    kind: Kind,
    field: &str,
    scales: &impl Scales,
) -> Result<IntentOption, Refusal> {
    let give_field = format!("{field}.give");
    let get_field = format!("{field}.get");
    let give = required(option.give.as_ref(), &give_field)?;
    let get = required(option.get.as_ref(), &get_field)?;
    let give_amount = side_amount(give, kind == Kind::ExactIn, &give_field, scales)?;
    let get_amount = side_amount(get, kind == Kind::ExactOut, &get_field, scales)?;
    let mut read = IntentOption {
        give_asset: name(&give.asset, &format!("{give_field}.asset"))?,
        give_module: optional_name(&give.module, &format!("{give_field}.module"))?,
        give_amount,
        get_asset: name(&get.asset, &format!("{get_field}.asset"))?,
        get_module: optional_name(&get.module, &format!("{get_field}.module"))?,
        get_amount,
        maximum: None,
    };
    let fixed = fixed_asset(&read, kind);
    read.maximum = optional_amount(option.maximum.as_ref(), fixed, &format!("{field}.maximum"), scales)?;
    Ok(read)
}

fn side_amount(side: &wire::Side, is_fixed: bool, field: &str, scales: &impl Scales) -> Result<u128, Refusal> {
    name(&side.asset, &format!("{field}.asset"))?;
    let path = format!("{field}.amount");
    match optional_amount(side.amount.as_ref(), &side.asset, &path, scales)? {
        Some(atoms) => Ok(atoms),
        None if is_fixed => refuse(Reason::Missing, &path, "expected the amount of the fixed side, found none"),
        None => Ok(0),
    }
}

fn optional_amount(
    amount: Option<&wire::Amount>,
    asset: &str,
    field: &str,
    scales: &impl Scales,
) -> Result<Option<u128>, Refusal> {
    amount.map(|amount| amount::of_asset(amount, asset, field, scales)).transpose()
}

fn option_to_wire(option: &IntentOption, kind: Kind) -> wire::Option {
    let side = |asset: &str, module: Option<&str>, atoms: u128, is_fixed: bool| wire::Side {
        asset: asset.to_owned(),
        module: module.unwrap_or_default().to_owned(),
        amount: (is_fixed || atoms > 0).then(|| amount::to_wire(atoms, asset)),
    };
    let give_module = option.give_module.as_ref().map(|module| module.as_str());
    let get_module = option.get_module.as_ref().map(|module| module.as_str());
    wire::Option {
        give: Some(side(option.give_asset.as_str(), give_module, option.give_amount, kind == Kind::ExactIn)),
        get: Some(side(option.get_asset.as_str(), get_module, option.get_amount, kind == Kind::ExactOut)),
        maximum: option.maximum.map(|atoms| amount::to_wire(atoms, fixed_asset(option, kind))),
    }
}

fn fill_to_core(fill: Option<&wire::Fill>, assets: &Assets<'_>, scales: &impl Scales) -> Result<FillRule, Refusal> {
    match fill.and_then(|fill| fill.rule.as_ref()) {
        None | Some(wire::fill::Rule::AllOrNothing(false)) => Ok(FillRule::Partial { minimum: None }),
        Some(wire::fill::Rule::AllOrNothing(true)) => Ok(FillRule::AllOrNothing),
        Some(wire::fill::Rule::Minimum(minimum)) => {
            let minimum = amount::of_asset(minimum, assets.fixed, "fill.minimum", scales)?;
            Ok(FillRule::Partial { minimum: Some(minimum) })
        }
    }
}

fn fill_to_wire(fill: FillRule, fixed: &str) -> Option<wire::Fill> {
    let rule = match fill {
        FillRule::Partial { minimum: None } => return None,
        FillRule::Partial { minimum: Some(atoms) } => wire::fill::Rule::Minimum(amount::to_wire(atoms, fixed)),
        FillRule::AllOrNothing => wire::fill::Rule::AllOrNothing(true),
    };
    Some(wire::Fill { rule: Some(rule) })
}

fn limits_to_core(limits: Option<&wire::Limits>, assets: &Assets<'_>, scales: &impl Scales) -> Result<Limits, Refusal> {
    let Some(limits) = limits else {
        return Ok(Limits::default());
    };
    let fee = limits.maximum_fee.as_ref();
    let total = limits.maximum_total.as_ref();
    Ok(Limits {
        worst_price: price(&limits.worst_price, "limits.worst_price")?,
        maximum_fee: optional_amount(fee, assets.give, "limits.maximum_fee", scales)?,
        maximum_total: optional_amount(total, assets.give, "limits.maximum_total", scales)?,
    })
}

fn limits_to_wire(limits: &Limits, assets: &Assets<'_>) -> Option<wire::Limits> {
    let is_given = limits.worst_price.is_some() || limits.maximum_fee.is_some() || limits.maximum_total.is_some();
    is_given.then(|| wire::Limits {
        worst_price: limits.worst_price.map(|price| price.to_string()).unwrap_or_default(),
        maximum_fee: limits.maximum_fee.map(|atoms| amount::to_wire(atoms, assets.give)),
        maximum_total: limits.maximum_total.map(|atoms| amount::to_wire(atoms, assets.give)),
    })
}

fn condition_to_core(condition: Option<&wire::Condition>, field: &str) -> Result<Option<Condition>, Refusal> {
    let Some(condition) = condition else { return Ok(None) };
    let read = Condition::parse(&condition.expression);
    read.map(Some).map_err(|error| Refusal::new(error.reason(), field, error.to_string()))
}

fn condition_to_wire(condition: &Condition) -> wire::Condition {
    wire::Condition { expression: condition.to_string() }
}
