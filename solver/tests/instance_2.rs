//! `auction-instance/2`: what it has beyond the first schema, read, refused by name, solved and judged.

use std::collections::BTreeMap;

use clearlane_core::auction::{VenueUse, judge};
use clearlane_core::lanes::Sequential;
use clearlane_core::refusal::Reason;
use clearlane_core::venue::{Direction, Terms};
use clearlane_solver::formats::solution::FileSolution;
use clearlane_solver::formats::{self, Auction};
use clearlane_solver::offline::solve;
use clearlane_solver::strategy::{Strategy, strategies};

const INSTANCE: &str = r#"{"schema":"auction-instance/2","id":"kinds","surplus_cap_ppm":100000,
"assets":[{"id":"A","decimals":0,"ref_price":"1"},{"id":"B","decimals":0,"ref_price":"1"},
{"id":"C","decimals":0,"ref_price":"1"},{"id":"D","decimals":0,"ref_price":"1"}],
"balances":[{"owner":"ann","asset":"A","amount":"150000"}],
"intents":[
{"id":"i0","owner":"ann","kind":"exact_in","fill":"partial","choose":"split","options":[
 {"sell_asset":"A","sell_amount":"100000","buy_asset":"B","buy_amount":"90000"}]},
{"id":"i1","owner":"ann","kind":"exact_out","fill":"partial","choose":"split","options":[
 {"sell_asset":"A","sell_amount":"110000","buy_asset":"C","buy_amount":"95000"}]},
{"id":"i2","kind":"exact_in","fill":"partial","choose":"split","options":[
 {"sell_asset":"C","sell_amount":"50000","buy_asset":"B","buy_amount":"45000"}]},
{"id":"i3","kind":"exact_in","fill":"partial","choose":"split","options":[
 {"sell_asset":"B","sell_amount":"40000","buy_asset":"A","buy_amount":"36000"}]},
{"id":"i4","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[
 {"sell_asset":"A","sell_amount":"900","buy_asset":"D","buy_amount":"880"}]},
{"id":"i5","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[
 {"sell_asset":"A","sell_amount":"800","buy_asset":"D","buy_amount":"780"}]},
{"id":"i6","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[
 {"sell_asset":"A","sell_amount":"700","buy_asset":"D","buy_amount":"680"}]}],
"liquidity":[
{"id":"w","type":"weighted","assets":["A","B","C"],"reserves":["3333000","3334000","3333000"],"fee_ppm":500,
 "weights":[3333,3334,3333]},
{"id":"s","type":"stable","assets":["A","B","C"],"reserves":["400000","400000","400000"],"fee_ppm":100,
 "ann":600,"d":"1200000","scale":["1","1","1"]},
{"id":"c","type":"concentrated","assets":["A","B"],"fee_ppm":500,"sqrt_price":"79228162514264337593543950336",
 "ticks":[{"index":-100,"liquidity_net":"20000000"},{"index":100,"liquidity_net":"-20000000"}]},
{"id":"r","type":"rail","asset_in":"A","asset_out":"D","fixed_fee":"1","fee_ppm":0,"rate_num":"1","rate_den":"1",
 "min_in":"1","max_in":"1000","max_uses":2}]}"#;

fn read(text: &str) -> Auction {
    formats::read(text.as_bytes()).expect("a valid instance")
}

#[test]
fn an_instance_is_read() {
    let auction = read(INSTANCE);
    let market = &auction.market;
    assert_eq!((market.orders.len(), market.venues.len(), market.refused_venues.len()), (7, 4, 0));
    assert_eq!(market.venues[2].inventory.as_slice(), [99_745, 99_745]);
    let Terms::Rail(rail) = &market.venues[3].terms else { panic!("a rail") };
    assert_eq!((rail.uses_max, market.venues[3].inventory.get(1)), (2, Some(2_000)));
    let reserves: Vec<_> = auction.input.reserves.iter().map(|reserve| (reserve.amount, reserve.is_scarce)).collect();
    assert_eq!(reserves[..2], [(150_000, true), (50_000, false)]);
    let ann: Vec<_> = auction.input.intents[..2].iter().map(|intent| intent.options[0].reserve.0).collect();
    assert_eq!(ann, [0, 0], "both draw on one balance");
}

#[test]
fn what_can_not_be_is_refused_by_name() {
    let cases = [
        ("[3333,3334,3333]", "[0,3334,3333]", Reason::NotSupported, "weights"),
        ("[3333,3334,3333]", "[1,3334,33330]", Reason::OutOfRange, "weights"),
        ("\"d\":\"1200000\"", "\"d\":\"0\"", Reason::OutOfRange, "d"),
        ("\"index\":100", "\"index\":-101", Reason::OutOfRange, "ticks[1].index"),
        ("\"-20000000\"", "\"-20000001\"", Reason::OutOfRange, "ticks[1].liquidity_net"),
        ("\"79228162514264337593543950336\"", "\"1\"", Reason::OutOfRange, "sqrt_price"),
        ("\"ticks\"", "\"reserves\":[\"9\",\"9\"],\"ticks\"", Reason::OutOfRange, "reserves"),
        ("\"max_uses\":2", "\"max_uses\":0", Reason::OutOfRange, "uses_max"),
        ("\"400000\",\"400000\",\"400000\"", "\"0\",\"1\",\"1\"", Reason::AmountZero, "liquidity[1].reserves[0]"),
    ];
    for (valid, broken, reason, field) in cases {
        assert!(INSTANCE.contains(valid), "{valid}");
        let auction = read(&INSTANCE.replacen(valid, broken, 1));
        let found: Vec<_> = auction.market.refused_venues.iter().map(|(_, refusal)| refusal).collect();
        let found: Vec<_> = found.iter().map(|refusal| (refusal.reason, refusal.field.as_str())).collect();
        assert_eq!(found, [(reason, field)], "{broken}");
    }
    let complaints = [
        ("[\"A\",\"B\",\"C\"]", "[\"A\",\"B\",\"A\"]", "liquidity[0].assets: expected different assets"),
        ("[\"A\",\"B\",\"C\"]", "[\"A\"]", "liquidity[0].assets: expected a list of 2 to 8"),
        ("[3333,3334,3333]", "[1,1]", "liquidity[0]: expected as many assets"),
        ("\"index\":100", "\"index\":1.5", "liquidity[2].ticks[1].index: expected a whole number"),
        ("\"concentrated\"", "\"curve\"", "liquidity[2].type: expected constant_product"),
        (
            "\"balances\":[",
            "\"balances\":[{\"owner\":\"ann\",\"asset\":\"A\",\"amount\":\"1\"},",
            "balances[1]: expected one",
        ),
    ];
    for (valid, broken, expected) in complaints {
        let error = formats::read(INSTANCE.replacen(valid, broken, 1).as_bytes()).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    (0..INSTANCE.len()).for_each(|end| assert!(formats::read(&INSTANCE.as_bytes()[..end]).is_err()));
}

/// What executes, written to a file, read back and judged; per venue, how often it is used.
#[test]
fn every_strategy_uses_every_kind_and_shares_the_balance() {
    let auction = read(INSTANCE);
    let all = strategies();
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let sets = all.iter().map(|one| vec![one.as_ref()]).chain([vec![], all.iter().map(AsRef::as_ref).collect()]);
    for set in sets {
        let set: Vec<&dyn Strategy> = set;
        let names: Vec<&str> = set.iter().map(|strategy| strategy.name()).collect();
        let solved = solve(&auction.input, &set, None, &Sequential);
        assert!(solved.clearing.score > 0, "{names:?}");
        for answer in &solved.answers {
            let verdicts = &solved.clearing.verdicts.iter().find(|of| of.solver == answer.solution.solver);
            let verdicts = verdicts.map_or(&[][..], |of| &of.verdicts);
            let refused = verdicts.iter().find(|one| matches!(one, clearlane_core::auction::Verdict::Refused(_)));
            assert!(refused.is_none(), "{names:?}: {refused:?}");
        }
        let text = FileSolution::of(&auction, solved.clearing.executed.iter().map(|each| &each.bundle)).write(&auction);
        let file = FileSolution::read(&auction, text.as_bytes()).expect("it reads what it writes");
        let mut uses = Vec::new();
        for one in &file.uses {
            let direction = one.direction().unwrap_or(Direction::FORWARD);
            let amount_in = one.amounts_in.get(direction.from).expect("a coin");
            let amount_out = one.amounts_out.get(direction.into).expect("a coin");
            uses.push(VenueUse { venue: one.venue, direction, amount_in, amount_out });
            *used.entry(auction.venue_name(one.venue).expect("a name").to_owned()).or_default() += 1;
        }
        let score = judge(&auction.input, &file.fills, &uses).unwrap_or_else(|refusal| panic!("{names:?}: {refusal}"));
        assert!(score >= solved.clearing.score, "{names:?}");
        let given = |at: u32| file.fills.iter().filter(move |fill| fill.intent.0 == at).map(|fill| fill.sold);
        assert!(given(0).chain(given(1)).sum::<u128>() <= 150_000, "{names:?}");
        let mut more = file.fills.clone();
        more.iter_mut().filter(|fill| fill.intent.0 == 0).for_each(|fill| (fill.sold, fill.bought) = (100_000, 90_001));
        more.iter_mut().filter(|fill| fill.intent.0 == 1).for_each(|fill| (fill.sold, fill.bought) = (60_000, 60_000));
        if given(0).next().is_some() && given(1).next().is_some() {
            let refusal = judge(&auction.input, &more, &uses).expect_err("more than ann has");
            assert_eq!(refusal.reason, Reason::ReserveExceeded, "{refusal}");
        }
    }
    assert_eq!(used.keys().map(String::as_str).collect::<Vec<_>>(), ["c", "r", "s", "w"]);
}
