//! The strategy under the floor rules: no fill is worse than the built-in bidder's, and a pair has one price.

use clearlane_core::auction::{AuctionInput, RuleSet, with_floors};

use super::*;

/// The same auction under the floor rules, with its floors.
fn floored(input: AuctionInput) -> AuctionInput {
    with_floors(&AuctionInput { rules: RuleSet::Floor, ..input })
}

/// The sum of the scores of the bundles, each of which the core accepts alone.
fn accepted(input: &AuctionInput, bundles: &[Bundle]) -> Score {
    bundles.iter().map(|bundle| verify(input, bundle).unwrap_or_else(|refusal| panic!("{refusal}")).score).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_keep_floors_and_prices(seed in any::<u64>(), most in 0_u32..600, account in 0.0_f64..1.0) {
        let input = floored(crowded(seed, account));
        accepted(&input, &solved_within(&input, most).bundles);
        let large = floored(auction_with_large_pools(seed, SMALL));
        accepted(&large, &solved_within(&large, most).bundles);
    }
}

#[test]
fn guarantees_cost_little_where_venues_trade() {
    let (mut plain, mut fair) = (0, 0);
    for seed in 0..24 {
        let input = auction(seed, Scale { assets: 4, intents: 24, venues: 12, whole: 0.0 });
        plain += judged(&input, &Optimal { threads: 1 }.solve(&input, &Budget::unlimited()).bundles);
        let input = floored(input);
        fair += accepted(&input, &Optimal { threads: 1 }.solve(&input, &Budget::unlimited()).bundles);
    }
    assert!(fair > plain - plain / 20, "{fair} of {plain}");
}

#[test]
fn intents_alone_trade_at_one_price_too() {
    let (mut plain, mut fair) = (0, 0);
    for seed in 0..24 {
        let input = auction(seed, Scale { assets: 3, intents: 40, venues: 0, whole: 0.0 });
        plain += judged(&input, &Optimal { threads: 1 }.solve(&input, &Budget::unlimited()).bundles);
        let input = floored(input);
        fair += accepted(&input, &Optimal { threads: 1 }.solve(&input, &Budget::unlimited()).bundles);
    }
    assert!(fair > plain / 2, "{fair} of {plain}");
}
