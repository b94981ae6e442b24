//! Batches of Gnosis Protocol v1: what is read and refused, and the judge against the protocol's own figures.

use clearlane_core::auction::RuleSet;
use clearlane_core::auction::gpv1::{ORDERS_MAX, judge_batch};
use clearlane_core::money::AUCTION_ATOMS_MAX;
use clearlane_core::refusal::Reason;
use clearlane_core::wide::{U256, U512};
use clearlane_solver::formats::{self, Auction, Batch};
use serde_json::Value;

/// The files and how many orders each has: all, and those that an engine can hold.
const FILES: [(&str, usize); 5] = [
    ("instance_1", 813),
    ("instance_nontrivial", 803),
    ("validation-bug", 763),
    ("instance_5292563_2020-04-24", 712),
    ("instance_2_slow", 11_476),
];

const SMALL: &str = include_str!("../../docs/examples/batch.json");

fn read(text: &str) -> (Auction, Batch) {
    let auction = formats::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let batch = auction.batch.clone().expect("a batch");
    (auction, batch)
}

/// The text of each file and of its solution by the protocol's own solver.
fn data() -> Vec<(&'static str, usize, String, String)> {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds gpv1");
        return Vec::new();
    };
    let text = |path: String| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let one = |(name, orders): (&'static str, usize)| {
        let solution = text(format!("{folder}/gpv1/reference/{name}.json"));
        (name, orders, text(format!("{folder}/gpv1/{name}.json")), solution)
    };
    FILES.into_iter().map(one).collect()
}

#[test]
fn the_judge_finds_the_protocols_own_figures() {
    for (name, orders, file, solution) in data() {
        let (_, batch) = read(&file);
        assert_eq!(batch.input.orders.len(), orders, "{name}");
        let figures: Value = serde_json::from_str(&solution).expect("JSON");
        let figure = |field: &str| figures["objVals"][field].as_str().expect("a figure").to_owned();
        let solution = batch.read_solution(solution.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let verdict = judge_batch(&batch.input, &solution, Some(ORDERS_MAX));
        let verdict = verdict.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(verdict.objective.utility.to_string(), figure("utility"), "{name}");
        assert_eq!(verdict.objective.disregarded.to_string(), figure("utility_disreg_touched"), "{name}");
        assert_eq!(verdict.volume.to_string(), figure("volume"), "{name}");
        assert_eq!(verdict.fees.to_string(), figure("fees"), "{name}");
        assert_eq!(verdict.orders.to_string(), figure("orders_touched"), "{name}");
        let written = batch.read_solution(batch.write(&solution).as_bytes());
        assert_eq!(written.as_ref(), Ok(&solution), "{name}: written and read again");
        let fewer = judge_batch(&batch.input, &solution, Some(verdict.orders - 1)).map_err(|refusal| refusal.reason);
        assert_eq!(fewer, Err(Reason::TooLarge), "{name}");
    }
}

#[test]
fn every_order_is_held_by_an_engine_or_refused_by_name() {
    for (name, orders, file, _) in data() {
        let (auction, batch) = read(&file);
        let market = &auction.market;
        assert_eq!(market.orders.len() + market.refused_orders.len(), orders, "{name}");
        let reasons = market.refused_orders.iter().all(|(_, refusal)| refusal.reason == Reason::InsufficientFunds);
        assert!(reasons, "{name}: {:?}", market.refused_orders.first());
        assert!(auction.input.rules == RuleSet::Floor && market.rules == RuleSet::Gpv1, "{name}");
        let places: std::collections::BTreeMap<String, usize> =
            batch.names.iter().enumerate().map(|(at, name)| (name.to_string(), at)).collect();
        for held in &market.orders {
            let (order, option) = (&batch.input.orders[places[&held.name]], &held.options[0]);
            assert!(option.give_amount < AUCTION_ATOMS_MAX && option.get_amount < AUCTION_ATOMS_MAX);
            let asked = U256::from(option.get_amount) * U256::from(order.give_amount);
            assert!(asked >= U256::from(order.get_amount) * U256::from(option.give_amount), "{}", held.name);
            let least = (option.get_amount - 1) * u128::from(order.give_amount > 1);
            let below = U512::from(least) * U512::from(order.give_amount);
            let limit = U512::from(order.get_amount) * U512::from(option.give_amount);
            assert!(below < limit, "{}: not an atom more than that", held.name);
        }
    }
}

#[test]
fn a_small_batch_is_read_whole() {
    let (auction, batch) = read(SMALL);
    assert_eq!((batch.input.orders.len(), batch.input.tokens.len()), (5, 3));
    assert_eq!(batch.input.orders[3].give_amount, u128::MAX, "amounts are kept");
    let prices: Vec<_> = auction.market.assets.iter().map(|asset| asset.price.map(|price| price.to_string())).collect();
    assert_eq!(prices, [None, Some("1".to_owned()), Some("2.5".to_owned())]);
    let unlimited = &auction.market.orders[3];
    assert_eq!((unlimited.name.as_str(), unlimited.options[0].give_amount), ("carol/1", AUCTION_ATOMS_MAX - 1));
    assert_eq!(auction.market.refused_orders.len(), 1);
    assert_eq!(auction.market.refused_orders[0].1.reason, Reason::InsufficientFunds);
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let order = |change: (&str, &str)| SMALL.replacen(change.0, change.1, 1);
    let of_order = [
        (("\"sellAmount\": \"4000000000\"", "\"sellAmount\": \"0\""), Reason::AmountZero),
        (("\"buyAmount\": \"1000000000\"", "\"buyAmount\": \"0\""), Reason::AmountZero),
        (("\"sellAmount\": \"4000000000\"", "\"sellAmount\": \"-4\""), Reason::AmountNegative),
        (("\"4000000000\"", "\"340282366920938463463374607431768211456\""), Reason::AmountTooLarge),
        (("\"accountID\": \"alice\"", "\"accountID\": \"nobody\""), Reason::UnknownAccount),
        (("\"sellToken\": \"FEE\"", "\"sellToken\": \"GOLD\""), Reason::UnknownAsset),
        (("\"buyToken\": \"USD\"", "\"buyToken\": \"FEE\""), Reason::NotSupported),
    ];
    for (change, reason) in of_order {
        let (auction, batch) = read(&order(change));
        let (name, refusal) = &auction.market.refused_orders[0];
        assert!(name.ends_with("/0") && refusal.reason == reason, "{change:?}: {name}, {refusal}");
        assert_eq!((batch.input.orders.len(), batch.names.len()), (4, 4), "{change:?}");
    }
    let of_file = [
        (("\"ratio\": 0.001", "\"ratio\": 0.002"), Reason::NotSupported, "fee.ratio"),
        (("\"token\": \"FEE\"", "\"token\": \"GOLD\""), Reason::UnknownAsset, "fee.token"),
        (("\"orderID\": 1", "\"orderID\": 0"), Reason::AlreadyExists, "orders[3].orderID"),
        (("\"orderID\": 0", "\"orderID\": -1"), Reason::Malformed, "orders[0].orderID"),
        (("\"4000000000\"", "4000000"), Reason::AmountMalformed, "orders[0].sellAmount"),
        (
            ("\"accounts\": {", "\"accounts\": {\"dave\": {\"GOLD\": \"1\"},"),
            Reason::UnknownAsset,
            "accounts.dave.GOLD",
        ),
        (("\"decimals\": 6", "\"decimals\": 19"), Reason::OutOfRange, "tokens.USD.decimals"),
        (("\"externalPrice\": 2500", "\"externalPrice\": -2500"), Reason::Malformed, "tokens.USD.externalPrice"),
    ];
    for (change, reason, field) in of_file {
        let refusal = formats::read(order(change).as_bytes()).expect_err("a bad file").refusal();
        assert_eq!((refusal.reason, refusal.field.as_str()), (reason, field), "{change:?}: {refusal}");
    }
}

#[test]
fn more_than_a_search_can_hold_is_refused_by_name() {
    for (field, value, most) in [("tokens", "null", 1_000), ("accounts", "{}", 20_000)] {
        let entries = |count: usize| (0..count).map(|at| format!("\"N{at}\": {value},")).collect::<String>();
        let start = format!("\"{field}\": {{");
        let with = |count: usize| SMALL.replacen(&start, &format!("{start}{}", entries(count)), 1);
        let own: Value = serde_json::from_str(SMALL).expect("JSON");
        let room = most - own[field].as_object().expect("an object").len();
        assert!(formats::read(with(room).as_bytes()).is_ok(), "{field}");
        let refusal = formats::read(with(room + 1).as_bytes()).expect_err("one too many").refusal();
        assert_eq!((refusal.reason, refusal.field.as_str()), (Reason::TooLarge, field), "{refusal}");
    }
}

#[test]
fn a_solution_of_other_orders_or_tokens_is_refused() {
    let (_, batch) = read(SMALL);
    let trade = r#"{"accountID":"alice","orderID":0,"execSellAmount":"20000","execBuyAmount":"10000"}"#;
    let cases = [
        (r#"{"prices":{"GOLD":"1"},"orders":[]}"#.to_owned(), Reason::UnknownAsset, "prices.GOLD"),
        (r#"{"prices":{"USD":"x"},"orders":[]}"#.to_owned(), Reason::AmountMalformed, "prices.USD"),
        (format!(r#"{{"prices":{{}},"orders":[{}]}}"#, trade.replace('0', "7")), Reason::UnknownIntent, "orders[0]"),
        (r#"{"prices":{}}"#.to_owned(), Reason::Missing, "orders"),
    ];
    for (text, reason, field) in cases {
        let refusal = batch.read_solution(text.as_bytes()).expect_err("a bad solution").refusal();
        assert_eq!((refusal.reason, refusal.field.as_str()), (reason, field), "{text}");
    }
}
