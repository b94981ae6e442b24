//! Parts of the certificate that can be checked by hand.

use super::evaluate::certify;
use super::prices::{DUAL_PRICES_MAX, DualPrices};
use crate::auction::{AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, Reserve, RuleSet};
use crate::hash::Hash;
use crate::intent::{Choose, Kind};
use crate::money::Score;
use crate::names::{AuctionId, CommandId, DenominationIndex, Name, ReserveIndex};
use crate::price::Price;
use crate::time::Timestamp;
use crate::venue::{ConstantProduct, Ladder, Level, PerCoin, Rail, Stable, Terms, Weighted};

/// A thousandth of a reference unit.
const MILLI: Score = 1_000_000_000_000_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Two assets without decimals worth one reference unit each; surplus counts up to 1 % beyond.
fn input(intents: Vec<AuctionIntent>, venues: Vec<AuctionVenue>) -> AuctionInput {
    let row = |asset| Denomination { asset: name(asset), module: name("m"), scale: 0, price: Price::new(1, 0) };
    AuctionInput {
        auction: AuctionId(1),
        rules: RuleSet::Plain,
        opened_at: Timestamp(1),
        close_at: Timestamp(2),
        settle_by: Timestamp(3),
        seed: Hash([0; 32]),
        surplus_cap_ppm: 10_000,
        denominations: vec![row("A"), row("B")],
        reserves: vec![Reserve { denomination: DenominationIndex(0), amount: 1_000, is_scarce: false }],
        intents,
        venues,
        facts: vec![],
    }
}

/// Gives 100 A for at least 90 B, up to `maximum` of it.
fn option(maximum: u128) -> AuctionOption {
    AuctionOption {
        give: DenominationIndex(0),
        get: DenominationIndex(1),
        give_amount: 100,
        get_amount: 90,
        maximum,
        minimum: 1,
        number: 0,
        left: maximum,
        reserve: ReserveIndex(0),
    }
}

fn intent(choose: Choose, is_all_or_nothing: bool, options: Vec<AuctionOption>) -> AuctionIntent {
    let (party, id) = (name("p"), CommandId([1; 16]));
    AuctionIntent {
        party,
        id,
        kind: Kind::ExactIn,
        choose,
        is_all_or_nothing,
        remaining: 100,
        options,
        condition: vec![],
        floor: None,
    }
}

fn prices(texts: [&str; 2]) -> DualPrices {
    DualPrices::new(texts.map(Price::parse).to_vec()).unwrap()
}

#[test]
fn intents_gain_what_their_options_leave() {
    let worse = AuctionOption { get_amount: 105, number: 1, ..option(50) };
    let cases: Vec<(AuctionIntent, [&str; 2], Score)> = vec![
        // 100 - 90 of room at the prices; nothing counts beyond what it costs.
        (intent(Choose::Split, false, vec![option(100)]), ["1", "1"], 10_000),
        (intent(Choose::Split, false, vec![option(40)]), ["1", "1"], 4_000),
        (intent(Choose::Split, true, vec![option(40)]), ["1", "1"], 0),
        // 80 - 90, and of K = 11 at a cost of 1 nothing is left.
        (intent(Choose::Split, false, vec![option(100)]), ["0.8", "1"], 0),
        // 80 - 81 + 11 (1 - 0.9)
        (intent(Choose::Split, false, vec![option(100)]), ["0.8", "0.9"], 100),
        // Everything for nothing: 100 + 11.
        (intent(Choose::Split, false, vec![option(100)]), ["1", "0"], 111_000),
        (intent(Choose::Split, false, vec![option(100)]), ["0", "0"], 11_000),
        // Half at 10 in 100, and for an intent in whole the other half at -5 in 100.
        (intent(Choose::Split, false, vec![option(50), worse]), ["1", "1"], 5_000),
        (intent(Choose::Split, true, vec![option(50), worse]), ["1", "1"], 2_500),
        (intent(Choose::One, true, vec![option(50), worse]), ["1", "1"], 0),
        (intent(Choose::One, false, vec![option(50), worse]), ["1", "1"], 5_000),
        // Two accounts of one option fill together what is left of it.
        (intent(Choose::Split, false, vec![option(50), AuctionOption { left: 60, ..option(60) }]), ["1", "1"], 6_000),
    ];
    for (intent, texts, expected) in cases {
        let auction = input(vec![intent.clone()], vec![]);
        let found = certify(&auction, &prices(texts));
        let expected = expected * MILLI;
        assert!((expected..=expected + 1).contains(&found.bound), "{texts:?} {}: {intent:?}", found.bound);
    }
}

#[test]
fn venues_lose_what_the_best_use_takes() {
    let product = Terms::ConstantProduct(ConstantProduct { fee_ppm: 0 });
    let weighted = Terms::Weighted(Weighted { fee_ppm: 0, weights: [2, 1].into() });
    let stable = Terms::Stable(Stable { fee_ppm: 0, ann: 200, d: 2_000_000, scale: [1, 1].into() });
    let level = |amount_in, amount_out| Level { amount_in, amount_out };
    let ladder = Terms::Ladder(Ladder { levels: vec![level(100, 130), level(100, 90)] });
    let rail = Rail { fixed_fee: 10, fee_ppm: 0, rate_num: 2, rate_den: 1, min_in: 20, max_in: 110, uses_max: 2 };
    let cases = [
        // (sqrt(1210) - sqrt(1000))^2 = 10
        (product.clone(), [1_000, 1_000], ["1", "1.21"], 10_000),
        (product.clone(), [1_000, 1_000], ["1.21", "1"], 10_000),
        (product.clone(), [1_000, 1_000], ["1", "1"], 0),
        (product, [1_000, 1_000], ["0", "1"], 1_000_000),
        // p X + q Y - 3 ((p X / 2)^2 q Y)^(1/3) = 2000 + 1728 - 3 * 1200 = 128
        (weighted, [2_000, 1_000], ["1", "1.728"], 128_000),
        (stable.clone(), [1_000_000, 1_000_000], ["1", "1"], 0),
        (stable, [1_000_000, 1_000_000], ["0", "1"], 1_000_000_000),
        (ladder.clone(), [0, 220], ["1", "1"], 30_000),
        (ladder.clone(), [0, 220], ["1", "2"], 160_000 + 80_000),
        // 65 of 130 are there: half of the first level.
        (ladder, [0, 65], ["1", "1"], 15_000),
        // 2 (110 - 10) - 110, twice.
        (Terms::Rail(rail), [0, 1_000], ["1", "1"], 180_000),
        // 100 are there: 50 + 10 go in at best.
        (Terms::Rail(rail), [0, 100], ["1", "1"], 50_000),
    ];
    for (terms, inventory, texts, expected) in cases {
        let opening = terms.opening(&inventory.into());
        let coins = [DenominationIndex(0), DenominationIndex(1)].into();
        let auction = input(vec![], vec![AuctionVenue { name: name("v"), coins, terms: terms.clone(), opening }]);
        let found = certify(&auction, &prices(texts)).bound;
        let expected = expected * MILLI;
        assert!((expected..=expected + MILLI / 1_000).contains(&found), "{texts:?} {found}: {terms:?}");
    }
}

/// The fee, ann, D, the reserves, prices, and the bound in units of 10^-12.
type StableCase<'a> = (u32, u64, u128, &'a [u128], &'a [&'a str], Score);

/// The optimum over all reserves that the rule allows, computed in sixty digits by another search.
#[test]
fn stable_pools_of_many_coins_lose_what_the_best_uses_take_together() {
    let cases: [StableCase<'_>; 3] = [
        (0, 600, 3_000_000, &[1_000_000; 3], &["1", "1.01", "0.999"], 4_014_986_316_009_907),
        (
            100,
            1,
            2_203_105,
            &[624_591, 585_554, 481_455, 520_492],
            &["0.95", "1.05", "1.02", "1"],
            7_477_349_922_791_907,
        ),
        (400, 27_000, 3_000_000, &[1_000_000; 3], &["1", "1.0005", "0.999"], 846_719_045_892_045),
    ];
    for (fee_ppm, ann, d, inventory, texts, expected) in cases {
        let inventory = PerCoin::from_slice(inventory).unwrap();
        let terms = Terms::Stable(Stable { fee_ppm, ann, d, scale: inventory.map(|_| 1) });
        let opening = terms.opening(&inventory);
        let coins: Vec<DenominationIndex> = (0..).take(texts.len()).map(DenominationIndex).collect();
        let coins = PerCoin::from_slice(&coins).unwrap();
        let mut auction = input(vec![], vec![AuctionVenue { name: name("v"), coins, terms, opening }]);
        auction.denominations = vec![auction.denominations[0].clone(); texts.len()];
        let prices = DualPrices::new(texts.iter().map(|text| Price::parse(text)).collect()).unwrap();
        let found = certify(&auction, &prices).bound;
        let expected = expected * 1_000_000;
        assert!((expected..expected + 2_000_000).contains(&found), "{ann} {texts:?}: {found} {expected}");
    }
}

#[test]
fn prices_are_bounded_in_number_and_zero_beyond_their_end() {
    assert_eq!(DualPrices::new(vec![None; DUAL_PRICES_MAX + 1]), None);
    let one = DualPrices::new(vec![Price::new(1, 0)]).unwrap();
    assert_eq!((one.of(DenominationIndex(0)), one.of(DenominationIndex(1))), (Price::new(1, 0), None));
}
