//! Pools of more than two coins and weights without small terms: tables computed apart, and long random walks.

use super::dice::{Dice, sequences};
use super::*;

fn weighted(fee_ppm: u32, weights: &[u64]) -> Terms {
    Terms::Weighted(Weighted { fee_ppm, weights: PerCoin::from_slice(weights).unwrap() })
}

fn stable(fee_ppm: u32, ann: u64, scale: &[Atoms], reserves: &[Atoms]) -> Terms {
    let scaled: Vec<Atoms> = reserves.iter().zip(scale).map(|(reserve, scale)| reserve * scale).collect();
    let d = Stable::invariant(ann, &scaled).expect("in range");
    Terms::Stable(Stable { fee_ppm, ann, d, scale: PerCoin::from_slice(scale).unwrap() })
}

/// Terms, what they hold, the coins that go in and come out, what goes in, the most that comes out.
type Case<'a> = (Terms, &'a [Atoms], (u8, u8), Atoms, Atoms);

/// Computed with 150 digits, and the stable ones by search on the rule.
#[test]
fn amounts_computed_apart() {
    let balancer = [10_009_918_364_232_853, 990_005_340_657_663_844];
    let (e20, e24) = (10_u128.pow(20), 10_u128.pow(24));
    let real = [4_100_258_404_606_696_872_176, 4_752_067_192_158_548_363_731, 4_653_290_803];
    let real_stable = stable(100, 600, &[1, 1, 10_u128.pow(12)], &real);
    let Terms::Stable(Stable { d, .. }) = real_stable else { panic!("stable") };
    assert_eq!(d, 13_505_475_405_999_365_442_619);
    let cases: &[Case<'_>] = &[
        (weighted(0, &[1, 1, 2]), &[1000; 3], (0, 2), 210, 90),
        (weighted(0, &[1, 1, 2]), &[1000; 3], (2, 1), 100, 173),
        (weighted(3_000, &[3333, 3334, 3333]), &[e24, 2 * 10_u128.pow(12), 5 * e20], (0, 1), 10 * e20, 1_991_416_774),
        (weighted(25_000, &balancer), &[e20, e24], (0, 1), 3 * e20 / 10, 2_590_894_648_359_618_461_763),
        (weighted(25_000, &balancer), &[e20, e24], (1, 0), 3 * e24 / 100, 94_223_631_944_785_882_929),
        (weighted(10_000, &[12, 88]), &[1_000_000; 2], (0, 1), 500_000, 53_359),
        (weighted(10_000, &[12, 88]), &[1_000_000; 2], (1, 0), 500_000, 947_604),
        (real_stable.clone(), &real, (0, 2), 10 * e20, 999_360_267),
        (real_stable, &real, (2, 1), 1_000_000_000, 998_943_881_185_892_316_476),
        (stable(0, 90, &[1; 3], &[1000; 3]), &[1000; 3], (0, 1), 100, 99),
        (stable(400, 80, &[1; 8], &[1_000_000; 8]), &[1_000_000; 8], (7, 3), 100_000, 99_052),
    ];
    for (terms, inventory, (from, into), amount_in, most) in cases {
        let state = terms.opening(&PerCoin::from_slice(inventory).unwrap());
        let direction = Direction { from: *from, into: *into };
        assert_eq!(terms.out_for(&state, direction, *amount_in), Some(*most), "{terms:?} for {amount_in}");
        assert_exact(terms, &state, direction, *amount_in);
        for (from, into) in [(*from, *from), (0, 8), (9, 1)] {
            assert_eq!(terms.out_for(&state, Direction { from, into }, *amount_in), None, "{from} {into}");
        }
    }
}

/// What a walk is over: terms, what they hold, and whether the widths are large.
fn pool(dice: &mut Dice, is_stable: bool) -> (Terms, PerCoin<Atoms>) {
    // Wide integers are slow without optimisation: most walks take few coins.
    let coins = if dice.below(16) == 0 { 2 + dice.below(7) } else { 2 + dice.below(2) };
    let fee_ppm = if dice.below(3) == 0 { 0 } else { u32::try_from(dice.below(50_000)).unwrap() };
    let size = dice.below(3);
    let reserve = |dice: &mut Dice| match size {
        0 => dice.sized(3, 12),
        1 => dice.sized(30, 70),
        _ => dice.sized(60, 90),
    };
    let inventory: Vec<Atoms> = (0..coins).map(|_| reserve(dice)).collect();
    let terms = if is_stable {
        let scale: Vec<Atoms> = inventory.iter().map(|_| 10_u128.pow(u32::try_from(dice.below(4)).unwrap())).collect();
        stable(fee_ppm, 1 + dice.below(2_000), &scale, &inventory)
    } else {
        let most = if dice.below(2) == 0 { 12 } else { 1_000_000 };
        let weights: Vec<u64> = (0..coins).map(|_| most / 10 + 1 + dice.below(most)).collect();
        weighted(fee_ppm, &weights)
    };
    (terms, PerCoin::from_slice(&inventory).unwrap())
}

fn direction(dice: &mut Dice, coins: usize) -> Direction {
    let all: Vec<Direction> = Direction::all(coins).collect();
    all[usize::try_from(dice.below(all.len() as u64)).unwrap()]
}

/// Uses one way, as parts of what one use puts in, never give more; nor do they after flow among the other coins, a
/// detour there and back, or a settlement.
fn walk(seed: u64, is_stable: bool) {
    let dice = &mut Dice::new(seed);
    let (terms, inventory) = pool(dice, is_stable);
    let what = format!("seed {seed}: {terms:?} {inventory:?}");
    assert_eq!(terms.validate(), Ok(()), "{what}");
    let opening = terms.opening(&inventory);
    let way = direction(dice, inventory.count());
    let unit = inventory.get(way.into).unwrap().min(inventory.get(way.from).unwrap());
    let (mut state, mut put, mut drawn) = (opening, 0, 0);
    for _ in 0..2 + dice.below(2) {
        let amount_in = (unit >> dice.below(8)) + u128::from(dice.below(3)) + 1;
        let Some(most) = terms.out_for(&state, way, amount_in) else { return };
        let amount_out = most.saturating_sub(u128::from(dice.below(8) / 7));
        state = terms.take(&state, way, amount_in, amount_out).unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
        (put, drawn) = (put + amount_in, drawn + amount_out);
    }
    let one = terms.out_for(&opening, way, put).unwrap_or_else(|| panic!("{what}: not at once"));
    assert!(drawn <= one, "{what}: {drawn} in parts, {one} at once for {put}");
    assert!(terms.take(&opening, way, put, one + 1).is_err(), "{what}");
    // Whatever goes back buys at most what came.
    let back = terms.out_for(&state, way.reversed(), drawn).unwrap_or(0);
    assert!(back <= put, "{what}: {back} back of {put}");
    let Some((settled, reserves)) = terms.settle_pool(&state) else { panic!("{what}: not settled") };
    let after = settled.opening(&reserves);
    let back = settled.out_for(&after, way.reversed(), drawn).unwrap_or(0);
    assert!(back <= put, "{what}: {back} back of {put} after settlement");
}

#[test]
fn parts_of_a_use_of_a_weighted_pool_never_give_more() {
    (0..sequences()).for_each(|seed| walk(seed, false));
}

#[test]
fn parts_of_a_use_of_a_stable_pool_never_give_more() {
    (0..sequences()).for_each(|seed| walk(seed, true));
}

#[test]
fn every_pair_is_exact_both_ways_and_bounded() {
    for seed in 0..sequences() / 50 {
        let dice = &mut Dice::new(seed ^ 0xffff);
        let (terms, inventory) = pool(dice, seed % 2 == 0);
        let mut state = terms.opening(&inventory);
        for _ in 0..3 {
            let way = direction(dice, inventory.count());
            let amount = dice.sized(1, 80);
            assert_exact(&terms, &state, way, amount);
            assert_bounded(&terms, &state, way, amount);
            let Some(most) = terms.out_for(&state, way, amount) else { continue };
            assert!(terms.out_for(&state, way, amount + amount / 7 + 1).is_none_or(|more| more >= most), "seed {seed}");
            state = terms.take(&state, way, amount, most).expect("the most there is");
        }
    }
}

/// The exact product of powers, which no walk among any of the coins may lower.
#[test]
fn rounded_logarithms_never_lower_the_true_product() {
    type Wide = ruint::Uint<4096, 64>;
    for seed in 0..sequences() / 50 {
        let dice = &mut Dice::new(seed);
        let weights: Vec<u64> = (0..2 + dice.below(3)).map(|_| 1 + dice.below(13)).collect();
        let inventory: Vec<Atoms> = weights.iter().map(|_| dice.sized(2, 50)).collect();
        let terms = weighted(u32::try_from(dice.below(2)).unwrap() * 3_000, &weights);
        let product = |state: &VenueState| {
            let VenueState::Pool { reserves_micro } = state else { panic!("a pool") };
            let powers = reserves_micro.iter().zip(&weights);
            powers.fold(Wide::ONE, |product, (reserve, weight)| {
                let reserve = crate::wide::resize::<256, 4, 4096, 64>(*reserve).unwrap();
                product * power(reserve, u32::try_from(*weight).unwrap()).unwrap()
            })
        };
        let mut state = terms.opening(&PerCoin::from_slice(&inventory).unwrap());
        for _ in 0..4 {
            let way = direction(dice, weights.len());
            let amount_in = dice.sized(1, 50);
            let Some(most) = terms.out_for(&state, way, amount_in) else { continue };
            let next = terms.take(&state, way, amount_in, most).expect("the most there is");
            assert!(product(&next) >= product(&state), "seed {seed}: {terms:?} {state:?} {way:?} {amount_in}");
            state = next;
        }
    }
}
