//! Answers to CoW's requests, judged by CoW's rules from the texts alone: the request's and the answer's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clearlane_core::wide::{U256, U512};
use clearlane_solver::cow::answer;
use clearlane_solver::formats;
use clearlane_solver::strategy::{Budget, Joint, Strategy, strategy};
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var("CLEARLANE_DATA").ok().map(|folder| Path::new(&folder).join("cow"));
    if folder.is_none() {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds cow/solve-fixtures");
    }
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("JSON")
}

fn fixtures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_string_lossy().ends_with("_expected.json") && !path.ends_with("index.json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn answered(request: &Value, strategy: &dyn Strategy) -> Value {
    let (auction, terms) = formats::read_cow_request(request.to_string().as_bytes()).expect("a request");
    answer(&auction, &terms, strategy, &Budget::unlimited()).json
}

fn amount(value: &Value) -> U256 {
    value.as_str().unwrap_or_else(|| panic!("expected an amount, found {value}")).parse().expect("an amount")
}

fn token(value: &Value) -> String {
    value.as_str().expect("a token").to_ascii_lowercase()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("expected a list, found {value}"))
}

/// What a trade moves by the rule of CoW's settlement contract: sold with its fee, and bought.
fn moved(order: &Value, trade: &Value, prices: &BTreeMap<String, U256>) -> (U256, U256) {
    let (give, get) = (prices[&token(&order["sellToken"])], prices[&token(&order["buyToken"])]);
    let (executed, fee) = (amount(&trade["executedAmount"]), trade.get("fee").map_or(U256::ZERO, amount));
    assert_eq!(trade.get("fee").is_some(), order["class"] == "limit", "the solver charges limit orders, and no others");
    match order["kind"].as_str() {
        Some("sell") => (executed + fee, (executed * give).div_ceil(get)),
        _ => (executed * get / give + fee, executed),
    }
}

/// Judges a solution; answers with what each order sells and buys.
fn judge(request: &Value, solution: &Value, context: &str) -> BTreeMap<String, (U256, U256)> {
    let prices: BTreeMap<String, U256> = solution["prices"]
        .as_object()
        .expect("prices")
        .iter()
        .map(|(name, price)| (name.to_ascii_lowercase(), amount(price)))
        .collect();
    assert!(prices.values().all(|price| !price.is_zero()), "{context}: {prices:?}");
    let mut held: BTreeMap<String, U256> = BTreeMap::new();
    let mut owed: BTreeMap<String, U256> = BTreeMap::new();
    let mut trades = BTreeMap::new();
    for trade in list(&solution["trades"]) {
        assert_eq!(trade["kind"], "fulfillment", "{context}");
        let order = list(&request["orders"]).iter().find(|order| order["uid"] == trade["order"]).expect("an order");
        let (sold, bought) = moved(order, trade, &prices);
        let (sell, buy) = (amount(&order["sellAmount"]), amount(&order["buyAmount"]));
        let wide = |one: U256, other: U256| U512::from(one) * U512::from(other);
        assert!(wide(bought, sell) >= wide(sold, buy), "{context}: {bought} for {sold} breaks {buy} for {sell}");
        let (fixed, full) = if order["kind"] == "sell" { (sold, sell) } else { (bought, buy) };
        let is_partial = order["partiallyFillable"] == true;
        assert!(fixed == full || (is_partial && fixed < full), "{context}: {fixed} of {full}");
        *held.entry(token(&order["sellToken"])).or_default() += sold;
        *owed.entry(token(&order["buyToken"])).or_default() += bought;
        let uid = order["uid"].as_str().expect("a uid").to_owned();
        assert!(trades.insert(uid, (sold, bought)).is_none(), "{context}: an order trades once");
    }
    assert!(!trades.is_empty(), "{context}: expected trades");
    let mut used = BTreeSet::new();
    for interaction in list(&solution["interactions"]) {
        assert_eq!(interaction["kind"], "liquidity", "{context}");
        let is_known = list(&request["liquidity"]).iter().any(|liquidity| liquidity["id"] == interaction["id"]);
        assert!(is_known && used.insert(interaction["id"].to_string()), "{context}: {interaction}");
        // One after another: each has what it takes by then.
        let put = held.entry(token(&interaction["inputToken"])).or_default();
        let left = put.checked_sub(amount(&interaction["inputAmount"]));
        *put = left.unwrap_or_else(|| panic!("{context}: {interaction} takes more than {put}"));
        *held.entry(token(&interaction["outputToken"])).or_default() += amount(&interaction["outputAmount"]);
    }
    for (token, owed) in owed {
        // What rounding gives to orders, less than an atom each, may come from what the settlement holds.
        let tokens = request["tokens"].as_object().expect("tokens").iter();
        let buffer = tokens.filter(|(name, _)| name.to_ascii_lowercase() == token);
        let buffer = buffer
            .filter_map(|(_, token)| token["availableBalance"].as_str()?.parse::<U256>().ok())
            .max()
            .unwrap_or_default();
        let there = held.get(&token).copied().unwrap_or_default() + buffer.min(U256::from(trades.len()));
        assert!(there >= owed, "{context}: {owed} of {token} are owed, {there} are there");
    }
    trades
}

fn judged(request: &Value, answer: &Value, context: &str) -> Vec<BTreeMap<String, (U256, U256)>> {
    let solutions = list(&answer["solutions"]);
    let ids: BTreeSet<String> = solutions.iter().map(|solution| solution["id"].to_string()).collect();
    assert_eq!(ids.len(), solutions.len(), "{context}: every solution has an id of its own");
    solutions.iter().map(|solution| judge(request, solution, context)).collect()
}

#[test]
fn every_answer_keeps_cows_rules() {
    let Some(folder) = folder() else { return };
    let (mut solutions, mut orders, mut together) = (0, 0, 0);
    for path in fixtures(&folder.join("solve-fixtures/auctions")) {
        let mut request = json(&path);
        for (name, is_gas_free) in
            [("direct", false), ("joint", false), ("joint", true), ("netting", true), ("optimal", true)]
        {
            if is_gas_free {
                request["effectiveGasPrice"] = "0".into();
            }
            let strategy = strategy(name).expect("a strategy");
            let context = format!("{} by {name}", path.display());
            for trades in judged(&request, &answered(&request, strategy.as_ref()), &context) {
                solutions += 1;
                orders += trades.len();
                together += usize::from(trades.len() > 1);
            }
        }
    }
    eprintln!("{solutions} solutions, {orders} orders, {together} of several orders");
    assert!(solutions >= 200 && together >= 25, "{solutions} {orders} {together}");
}

/// The captured auction's first orders, with all its pools.
#[test]
fn a_captured_auction_is_answered_by_cows_rules() {
    let Some(folder) = folder() else { return };
    let mut request = json(&folder.join("7400681.solve.json"));
    request["orders"].as_array_mut().expect("orders").truncate(12);
    request["effectiveGasPrice"] = "0".into();
    let found = judged(&request, &answered(&request, &Joint), "7400681");
    assert!(!found.is_empty(), "some orders can be served");
}
