//! Cases that can be checked by hand, each with the surplus that the best answer leaves its owners.

use clearlane_core::auction::{Bundle, SCORE_UNIT, score_bundle};
use clearlane_core::money::Score;
use clearlane_solver::formats;
use clearlane_solver::offline::answer;
use clearlane_solver::strategy::{Direct, Joint, Netting, Optimal, Strategy};

fn hand_case(name: &str) -> Option<formats::Auction> {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/hand");
        return None;
    };
    let bytes = std::fs::read(format!("{folder}/auctions/hand/{name}.json")).expect("the case is there");
    Some(formats::read(&bytes).expect("the case is valid"))
}

fn bundles(auction: &formats::Auction, strategy: &dyn Strategy) -> Vec<Bundle> {
    answer(&auction.input, &[strategy], None).remove(0).solution.bundles
}

#[test]
fn opposing_intents_share_all_there_is() {
    let Some(auction) = hand_case("h1_two_party_cow") else { return };
    let bundles = bundles(&auction, &Netting);
    let bought: u128 = bundles[0].fills.iter().map(|fill| fill.bought).sum();
    assert_eq!(bought - 90_000_000 - 95_000_000, 15_000_000);
}

#[test]
fn one_order_takes_what_its_pool_gives() {
    let Some(auction) = hand_case("h3_one_pool") else { return };
    for strategy in [&Direct as &dyn Strategy, &Netting] {
        let bundles = bundles(&auction, strategy);
        assert_eq!(bundles[0].fills[0].bought - 80_000_000, 10_909_090);
    }
}

#[test]
fn an_exact_amount_costs_the_least_its_pool_takes() {
    let Some(auction) = hand_case("h5_exact_out_fee") else { return };
    let bundles = bundles(&auction, &Direct);
    assert_eq!(60_000_000 - bundles[0].fills[0].sold, 7_210_051);
}

#[test]
fn opposing_flows_meet_in_one_use_of_a_pool() {
    let text = r#"{"schema":"auction-instance/1","id":"opposing","surplus_cap_ppm":500000,
        "assets":[{"id":"X","decimals":0,"ref_price":"1"},{"id":"Y","decimals":0,"ref_price":"1"},
            {"id":"Z","decimals":0,"ref_price":"1"}],
        "intents":[
            {"id":"i0","kind":"exact_in","fill":"partial","choose":"split",
                "options":[{"sell_asset":"X","sell_amount":"100000","buy_asset":"Y","buy_amount":"80000"}]},
            {"id":"i1","kind":"exact_in","fill":"partial","choose":"split",
                "options":[{"sell_asset":"Y","sell_amount":"90000","buy_asset":"Z","buy_amount":"60000"}]}],
        "liquidity":[
            {"id":"l0","type":"constant_product","assets":["X","Y"],"reserves":["1000000","1000000"],"fee_ppm":3000},
            {"id":"l1","type":"constant_product","assets":["X","Z"],"reserves":["1000000","1000000"],"fee_ppm":3000}]}"#;
    let auction = formats::read(text.as_bytes()).expect("a valid instance");
    let [bundle] = &bundles(&auction, &Joint)[..] else { panic!("one bundle") };
    assert_eq!((bundle.fills.len(), bundle.uses.len()), (2, 2));
    for used in &bundle.uses {
        let venue = &auction.input.venues[used.venue.at()];
        let after = venue.terms.take(&venue.opening, used.direction, used.amount_in, used.amount_out);
        assert!(after.is_ok(), "{after:?}");
    }
    let alone: u128 = bundles(&auction, &Direct).iter().flat_map(|bundle| &bundle.fills).map(|fill| fill.bought).sum();
    let together: u128 = bundle.fills.iter().map(|fill| fill.bought).sum();
    assert!(together > alone, "{together} {alone}");
}

/// The closed forms of the hand cases; integer atoms may keep an answer a few millionths below.
#[test]
fn the_reference_strategy_reaches_the_closed_forms() {
    let cases = [
        ("h1_two_party_cow", 15_000_000),
        ("h2_three_ring", 3_000_000),
        ("h3_one_pool", 10_909_090),
        ("h4_two_pools", 17_560_975),
        ("h5_exact_out_fee", 7_210_051),
        ("h6_payment_funding", 1_411_765),
        ("h7_fok_gap", 0),
    ];
    for (name, millionths) in cases {
        let Some(auction) = hand_case(name) else { return };
        let bundles = bundles(&auction, &Optimal { threads: 1 });
        let score: Score = bundles.iter().map(|bundle| score_bundle(&auction.input, bundle)).sum();
        let found = score / Score::try_from(SCORE_UNIT / 1_000_000).expect("small");
        assert!((millionths - 1..=millionths).contains(&found), "{name}: {found} {millionths}");
    }
}
