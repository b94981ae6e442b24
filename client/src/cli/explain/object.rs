//! An explanation as one JSON object, by the names of the file.

use clearlane_core::auction::{Bundle, Fill, Routed, score_fill, surplus_of};
use clearlane_core::refusal::Refusal;
use serde_json::{Value, json};

use super::Explained;
use super::alone::Taker;
use super::rates::{OptionRates, amount, asset, rate, rate_text};
use super::text;
use crate::cli::report::score_text;

/// An order that was refused when the file was read.
pub(super) fn refused(name: &str, refusal: &Refusal) -> Value {
    json!({
        "intent": name,
        "verdict": "REFUSED_AT_READING",
        "why": text::refused(name, refusal).trim_end(),
        "code": refusal.reason.code(),
        "field": refusal.field,
        "message": refusal.message,
    })
}

/// The whole object.
pub(super) fn of(of: &Explained<'_>) -> Value {
    let input = &of.auction.input;
    let fills = of.fills.iter().map(|(executed, fill)| {
        let mut json = fill_json(of, fill);
        if let Some(fields) = json.as_object_mut() {
            fields.insert("by".to_owned(), json!(of.bidder(executed.solver)));
            fields.insert("bundle".to_owned(), json!(executed.number));
            fields.insert("with".to_owned(), json!(text::others(of, executed)));
        }
        json
    });
    let floor = of.floor.map(|floor| {
        fill_json(of, &Fill { intent: of.index, option: floor.option, sold: floor.sold, bought: floor.bought })
    });
    let accounts = of.accounts.iter().zip(&of.intent.options).map(|(account, option)| {
        json!({
            "holds": amount(input, option.give, account.holds),
            "left": amount(input, option.give, account.left),
            "short": account.covers.is_some(),
            "drawn_on_by": account.others,
        })
    });
    let opposing =
        of.opposing.iter().map(|other| json!({ "intent": other.name, "fill_or_kill": other.is_all_or_nothing }));
    json!({
        "intent": of.name,
        "verdict": of.why.code(),
        "why": text::sentence(of),
        "fill_or_kill": of.intent.is_all_or_nothing,
        "filled": of.filled().to_string(),
        "size": of.size().to_string(),
        "options": of.options.iter().map(option_json).collect::<Vec<_>>(),
        "fills": fills.collect::<Vec<_>>(),
        "floor": floor,
        "alone": of.open.as_ref().map(|routed| routed_json(of, routed)),
        "in_part": of.part.as_ref().map(|routed| routed_json(of, routed)),
        "now": of.now.as_ref().map(|routed| routed_json(of, routed)),
        "accounts": accounts.collect::<Vec<_>>(),
        "takers": of.takers.iter().map(|taker| taker_json(of, taker)).collect::<Vec<_>>(),
        "opposing": opposing.collect::<Vec<_>>(),
    })
}

fn option_json(option: &OptionRates) -> Value {
    json!({
        "give": option.give,
        "get": option.get,
        "give_amount": option.give_amount,
        "get_amount": option.get_amount,
        "limit_price": rate_text(option.limit),
        "marginal_price": option.marginal.map(rate_text),
        "inside_bps": option.inside_bps().map(|points| format!("{points:.2}")),
        "paths": option.paths,
        "best_rate": option.best.map(rate_text),
        "rate_left": option.left.map(rate_text),
    })
}

fn fill_json(of: &Explained<'_>, fill: &Fill) -> Value {
    let input = &of.auction.input;
    let Some(option) = of.intent.options.get(usize::from(fill.option)) else { return Value::Null };
    let surplus = surplus_of(of.intent, option, fill.sold, fill.bought).unwrap_or(0);
    let denomination = of.intent.surplus_denomination(option);
    json!({
        "option": fill.option,
        "sold": amount(input, option.give, fill.sold),
        "bought": amount(input, option.get, fill.bought),
        "price": rate_text(rate(input, (option.give, fill.sold), (option.get, fill.bought))),
        "surplus": amount(input, denomination, surplus),
        "surplus_asset": asset(input, denomination),
        "score": score_text(score_fill(input, fill)),
    })
}

fn routed_json(of: &Explained<'_>, routed: &Routed) -> Value {
    let fill = routed.bundle.fills.first().map(|fill| Fill { intent: of.index, ..*fill });
    let mut json = fill.map_or(Value::Null, |fill| fill_json(of, &fill));
    if let Some(fields) = json.as_object_mut() {
        fields.insert("venues".to_owned(), json!(venues(of, &routed.bundle)));
    }
    json
}

/// The names of the venues that a bundle uses, in order.
fn venues<'a>(of: &Explained<'a>, bundle: &Bundle) -> Vec<&'a str> {
    bundle.uses.iter().filter_map(|used| of.auction.venue_name(used.venue)).collect()
}

fn taker_json(of: &Explained<'_>, taker: &Taker<'_>) -> Value {
    json!({
        "venue": of.auction.venue_name(taker.venue),
        "by": of.bidder(taker.executed.solver),
        "bundle": taker.executed.number,
        "score": score_text(taker.executed.score),
        "intents": of.served(taker.executed),
    })
}
