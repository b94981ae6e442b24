//! Cases that can be checked by hand, each with the surplus that the best answer leaves its owners.

use clearlane_core::auction::Bundle;
use clearlane_solver::formats;
use clearlane_solver::offline::answer;
use clearlane_solver::strategy::{Direct, Netting, Strategy};

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
