//! One auction for each reason, and hand cases whose answers are known.

use clearlane_core::auction::Opened;
use serde_json::Value;

use super::*;
use crate::cli::competition::{chosen, compete, read_auction};

/// An auction of these intents and venues over three assets of no decimals, each worth one.
fn file(intents: &[String], liquidity: &str, balances: &str) -> String {
    let intents = intents.join(",");
    format!(
        r#"{{"schema":"auction-instance/2","id":"t","surplus_cap_ppm":500000,
        "assets":[{{"id":"X","decimals":0,"ref_price":"1"}},{{"id":"Y","decimals":0,"ref_price":"1"}},
            {{"id":"Z","decimals":0,"ref_price":"1"}}],
        "intents":[{intents}],"liquidity":[{liquidity}],"balances":[{balances}]}}"#
    )
}

/// An exact-in intent of `owner` that gives `sold` X for at least `bought` Y.
fn gives_x(name: &str, fill: &str, sold: u32, bought: u32) -> String {
    swap(name, fill, ("X", sold), ("Y", bought), "ann")
}

fn swap(name: &str, fill: &str, (give, sold): (&str, u32), (get, bought): (&str, u32), owner: &str) -> String {
    format!(
        r#"{{"id":"{name}","owner":"{owner}","kind":"exact_in","fill":"{fill}","choose":"split",
        "options":[{{"sell_asset":"{give}","sell_amount":"{sold}","buy_asset":"{get}","buy_amount":"{bought}"}}]}}"#
    )
}

const POOL: &str =
    r#"{"id":"pool","type":"constant_product","assets":["X","Y"],"reserves":["100000","100000"],"fee_ppm":0}"#;
const RAIL: &str = r#"{"id":"rail","type":"rail","asset_in":"X","asset_out":"Y","fixed_fee":"10","fee_ppm":0,"rate_num":"1",
    "rate_den":"1","min_in":"5000","max_in":"9000"}"#;

/// The explanation of an intent in a file answered by one strategy, and its text.
fn explained(text: &str, strategy: &str, name: &str) -> (String, Value) {
    let auction = read_auction(text.as_bytes()).expect("an auction");
    let subject = find(&auction, name).expect("a known intent");
    let strategies = chosen(&[strategy.to_owned()]).expect("a strategy");
    let competition = compete(&Opened::new(&auction.input), &strategies, None).expect("answers");
    explain(&auction, &competition, &subject)
}

#[test]
fn each_reason_is_told_by_its_name() {
    let part = |name: &str, sold: u32, bought: u32| gives_x(name, "partial", sold, bought);
    let whole = |name: &str, sold: u32, bought: u32| gives_x(name, "fill_or_kill", sold, bought);
    let back = |name: &str, fill: &str, sold: u32, bought: u32| swap(name, fill, ("Y", sold), ("X", bought), "ben");
    let balance = |amount: u32| format!(r#"{{"owner":"ann","asset":"X","amount":"{amount}"}}"#);
    let none = String::new;
    let cases = [
        ("FILLED", vec![part("i", 1_000, 900)], POOL, none()),
        ("FILLED_TO_LIMIT", vec![part("i", 90_000, 72_000)], POOL, none()),
        ("FILLED_TO_ACCOUNT", vec![part("i", 1_000, 900)], POOL, balance(400)),
        ("ACCOUNT_SHORT", vec![whole("i", 1_000, 900)], POOL, balance(400)),
        ("ACCOUNT_TAKEN", vec![whole("other", 1_000, 500), whole("i", 1_000, 900)], POOL, balance(1_000)),
        ("NO_PATH", vec![swap("i", "partial", ("X", 1_000), ("Z", 900), "ann")], POOL, none()),
        ("NO_PARTNER", vec![whole("i", 600, 600), back("other", "fill_or_kill", 1_000, 990)], "", none()),
        ("NOT_WHOLE", vec![whole("i", 1_000, 990), back("other", "partial", 600, 600)], "", none()),
        ("NOT_WHOLE", vec![whole("i", 90_000, 72_000)], POOL, none()),
        ("LIMIT_OUT_OF_REACH", vec![part("i", 1_000, 1_001)], POOL, none()),
        ("NO_SIZE", vec![part("i", 1_000, 900)], RAIL, none()),
        ("VENUE_TAKEN", vec![whole("other", 50_000, 20_000), whole("i", 1_000, 960)], POOL, none()),
    ];
    for (verdict, intents, liquidity, balances) in cases {
        let (text, json) = explained(&file(&intents, liquidity, &balances), "netting", "i");
        assert_eq!(json["verdict"], verdict, "{text}");
        assert!(text.starts_with(&format!("i: {}\n", json["why"].as_str().expect("a sentence"))), "{text}");
    }
}

#[test]
fn what_is_told_is_what_the_pool_gives() {
    let intents = [gives_x("other", "fill_or_kill", 50_000, 20_000), gives_x("i", "fill_or_kill", 1_000, 960)];
    let (text, json) = explained(&file(&intents, POOL, ""), "netting", "i");
    // 100,000^2 / 101,000 leaves 99,009.9: 990 come out; after 50,000 went in, one X gives 0.44 Y.
    assert_eq!((&json["alone"]["bought"], &json["alone"]["venues"][0]), (&"990".into(), &"pool".into()));
    let left: f64 = json["options"][0]["rate_left"].as_str().and_then(|rate| rate.parse().ok()).expect("a rate");
    assert!((0.44..0.45).contains(&left), "{left}");
    assert_eq!(json["options"][0]["limit_price"], "0.96");
    assert_eq!((&json["takers"][0]["venue"], &json["takers"][0]["intents"][0]), (&"pool".into(), &"other".into()));
    assert!(text.contains("pool was taken by"), "{text}");
}

#[test]
fn an_order_refused_at_reading_says_why_and_an_unknown_name_what_is_near() {
    let intents = [gives_x("i00001", "partial", 10, 1), swap("i00002", "partial", ("W", 10), ("Y", 1), "ann")];
    let text = file(&intents, POOL, "");
    let (words, json) = explained(&text, "direct", "i00002");
    assert_eq!((&json["verdict"], &json["code"]), (&"REFUSED_AT_READING".into(), &"UNKNOWN_ASSET".into()));
    assert!(words.contains("UNKNOWN_ASSET"), "{words}");
    let auction = read_auction(text.as_bytes()).expect("an auction");
    let failure = find(&auction, "i0003").err().expect("no such intent").to_string();
    assert!(failure.contains("i00001") && failure.contains("i00002"), "{failure}");
}

#[test]
fn hand_cases_are_explained_by_what_is_known_of_them() {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/hand");
        return;
    };
    let cases = [
        ("h1_two_party_cow", "netting", "i00000", "FILLED", "100.000000"),
        ("h3_one_pool", "direct", "i00000", "FILLED", "90.909090"),
        ("h5_exact_out_fee", "direct", "i00000", "FILLED", "50.000000"),
        ("h7_fok_gap", "netting", "i00000", "NOT_WHOLE", ""),
        ("h7_fok_gap", "netting", "i00001", "NO_PARTNER", ""),
    ];
    for (file, strategy, name, verdict, bought) in cases {
        let text = std::fs::read_to_string(format!("{folder}/auctions/hand/{file}.json")).expect("the case is there");
        let (text, json) = explained(&text, strategy, name);
        assert_eq!(json["verdict"], verdict, "{file}: {text}");
        assert_eq!(json["fills"][0]["bought"].as_str().unwrap_or_default(), bought, "{file}: {text}");
    }
}
