//! `solve` and `check` for batches of Gnosis Protocol v1: one price a token, judged by the protocol's own rules.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::{Duration, Instant};

use clearlane_core::auction::RuleSet;
use clearlane_core::auction::gpv1::{BatchVerdict, ORDERS_MAX, judge_batch};
use clearlane_core::refusal::Refusal;
use clearlane_core::wide::U512;
use clearlane_solver::formats::{Auction, Batch};
use clearlane_solver::strategy::{Budget, solve_batch};
use serde_json::{Value, json};

use super::competition::by_code;
use super::failure::Failure;
use super::report;

/// The decimals of an objective in whole fee tokens: 18 of the price and 18 of the amount.
const OBJECTIVE_SCALE: usize = 36;

/// The most orders that a solution may execute, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrdersMax(Option<usize>);

impl Default for OrdersMax {
    fn default() -> OrdersMax {
        OrdersMax(Some(ORDERS_MAX))
    }
}

impl FromStr for OrdersMax {
    type Err = String;

    fn from_str(text: &str) -> Result<OrdersMax, String> {
        if text == "none" {
            return Ok(OrdersMax(None));
        }
        let most = text.parse().map_err(|_| format!("expected a number of orders or none, found {text}"))?;
        Ok(OrdersMax(Some(most)))
    }
}

impl std::fmt::Display for OrdersMax {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(most) => write!(formatter, "{most}"),
            None => formatter.write_str("none"),
        }
    }
}

/// What solving a batch came to, and its solution's file.
pub(crate) struct SolvedBatch {
    /// What is printed for people.
    pub human: String,
    /// What is printed for programs.
    pub json: Value,
    /// The solution in the protocol's own form.
    pub solution: String,
}

/// Solves the batch of a file, until the answer is wanted; a usage failure if it has none.
pub(crate) fn solve(
    auction: &Auction,
    orders_max: OrdersMax,
    budget_ms: Option<u64>,
    is_wanted: &dyn Fn() -> bool,
) -> Result<SolvedBatch, Failure> {
    let Some(batch) = &auction.batch else {
        let message = "--rules gpv1: expected a batch with tokens, orders, accounts and fee, found another format";
        return Err(Failure::Usage(message.to_owned()));
    };
    let started = Instant::now();
    let ends_at = budget_ms.and_then(|millis| started.checked_add(Duration::from_millis(millis)));
    let is_spent = || is_wanted() || ends_at.is_some_and(|ends_at| Instant::now() >= ends_at);
    let budget = match ends_at {
        Some(ends_at) => Budget::new(&is_spent).ending_at(ends_at),
        None => Budget::until_interrupted(&is_spent),
    };
    let solution = solve_batch(&batch.input, orders_max.0, &budget);
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let verdict = judge_batch(&batch.input, &solution, orders_max.0);
    let verdict = verdict.map_err(|refusal| Failure::Failed(format!("expected a valid solution: {refusal}")))?;
    let mut json = verdict_json(&verdict);
    let fields = json!({
        "name": auction.market.name,
        "rules": RuleSet::Gpv1.name(),
        "orders_max": orders_max.0,
        "intents": batch.input.orders.len(),
        "bundles": usize::from(verdict.orders > 0),
        "filled": verdict.orders,
        "prices": batch.prices_json(&solution),
        "bound": null,
        "ratio": null,
        "elapsed_ms": elapsed_ms,
        "refused": { "orders": refused(auction, batch) },
    });
    if let (Value::Object(all), Value::Object(fields)) = (&mut json, fields) {
        all.extend(fields);
    }
    let human = human(batch, &verdict, &json, orders_max);
    Ok(SolvedBatch { human, json, solution: batch.write(&solution) })
}

/// The orders that are no part of the batch, by code; those that lack funds are, and are never executed.
fn refused(auction: &Auction, batch: &Batch) -> BTreeMap<&'static str, usize> {
    let names: BTreeSet<String> = batch.names.iter().map(ToString::to_string).collect();
    let orders = auction.market.refused_orders.iter().filter(|(name, _)| !names.contains(name));
    by_code(orders.map(|(_, refusal)| refusal))
}

/// The exact verdict on a solution in the protocol's own form.
pub(crate) fn check(batch: &Batch, solution: &[u8], orders_max: OrdersMax) -> Result<(String, Value), Refusal> {
    let solution = batch.read_solution(solution).map_err(|error| error.refusal())?;
    let verdict = judge_batch(&batch.input, &solution, orders_max.0)?;
    let mut json = verdict_json(&verdict);
    if let Value::Object(fields) = &mut json {
        fields.insert("valid".to_owned(), json!(true));
        fields.insert("rules".to_owned(), json!(RuleSet::Gpv1.name()));
    }
    Ok((format!("valid, {} orders, value {}", verdict.orders, verdict.objective), json))
}

/// Whether a solution's file is in the protocol's own form; the other names fills.
pub(crate) fn is_solution(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|file| file.get("fills").is_none())
}

fn verdict_json(verdict: &BatchVerdict) -> Value {
    let objective = verdict.objective;
    let (is_negative, difference) = objective.difference();
    json!({
        "score": objective_text(is_negative, difference),
        "value": objective.to_string(),
        "utility": objective.utility.to_string(),
        "disregarded": objective.disregarded.to_string(),
        "volume": verdict.volume.to_string(),
        "fees": verdict.fees.to_string(),
        "orders": verdict.orders,
    })
}

/// An objective in whole fee tokens, with all its digits.
fn objective_text(is_negative: bool, difference: U512) -> String {
    let digits = format!("{:0>width$}", difference.to_string(), width = OBJECTIVE_SCALE + 1);
    let (whole, part) = digits.split_at(digits.len() - OBJECTIVE_SCALE);
    let sign = if is_negative { "-" } else { "" };
    let number = format!("{sign}{whole}.{part}");
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn human(batch: &Batch, verdict: &BatchVerdict, json: &Value, orders_max: OrdersMax) -> String {
    let text =
        |field: &str| json.get(field).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let of = |field: &str| text(field).unwrap_or_default();
    let fee_token = batch.input.tokens.get(batch.input.fee_token.at()).map_or_else(String::new, ToString::to_string);
    let mut out = format!(
        "{}, rules gpv1, orders at most {orders_max}\n{} of {} orders executed in {} ms\nscore    {} {fee_token}\nvalue    {}\nfees     {} atoms of {fee_token}\n\n",
        of("name"),
        verdict.orders,
        of("intents"),
        of("elapsed_ms"),
        of("score"),
        of("value"),
        of("fees"),
    );
    let prices = json.get("prices").and_then(Value::as_object).into_iter().flatten();
    let rows = prices.map(|(token, price)| vec![token.clone(), price.as_str().unwrap_or_default().to_owned()]);
    out.push_str(&report::table(&["token", "price"], &rows.collect::<Vec<_>>()));
    let refused = json.pointer("/refused/orders").and_then(Value::as_object).into_iter().flatten();
    refused.for_each(|(code, count)| out.push_str(&format!("refused  {count} orders: {code}\n")));
    out
}

#[cfg(test)]
mod tests {
    use super::super::competition::read_auction;
    use super::*;

    const BATCH: &str = include_str!("../../../docs/examples/batch.json");
    const AUCTION: &str = include_str!("../../../docs/examples/auction.json");

    #[test]
    fn what_solve_writes_is_what_check_finds() {
        let auction = read_auction(BATCH.as_bytes()).expect("a batch");
        let solved = solve(&auction, OrdersMax::default(), None, &|| false).expect("solved");
        let batch = auction.batch.as_ref().expect("a batch");
        assert!(is_solution(solved.solution.as_bytes()));
        let (_, checked) = check(batch, solved.solution.as_bytes(), OrdersMax::default()).expect("valid");
        for field in ["score", "value", "utility", "disregarded", "volume", "fees", "orders", "rules"] {
            assert_eq!(checked.get(field), solved.json.get(field), "{field}");
        }
        assert_eq!(solved.json.get("orders"), Some(&json!(3)), "{}", solved.human);
        let refusal = check(batch, solved.solution.as_bytes(), OrdersMax(Some(2))).expect_err("too many");
        assert_eq!(refusal.reason.code(), "TOO_LARGE");
    }

    #[test]
    fn only_a_batch_has_the_protocols_rules() {
        let auction = read_auction(AUCTION.as_bytes()).expect("an auction");
        let failure = solve(&auction, OrdersMax::default(), None, &|| false).err().expect("no batch");
        assert_eq!(failure.status(), 2);
    }

    #[test]
    fn objectives_are_written_in_whole_fee_tokens() {
        let text = |is_negative, digits: &str| objective_text(is_negative, digits.parse().expect("a number"));
        assert_eq!(text(false, "1500000000000000000000000000000000000"), "1.5");
        assert_eq!(text(true, "1"), "-0.000000000000000000000000000000000001");
        assert_eq!(text(false, "0"), "0");
    }

    #[test]
    fn a_bound_on_orders_is_a_number_or_none() {
        assert_eq!("30".parse(), Ok(OrdersMax::default()));
        assert_eq!("none".parse(), Ok(OrdersMax(None)));
        assert!("-1".parse::<OrdersMax>().is_err());
    }
}
