//! Exactness of every kind of venue: tables by hand, properties over the whole range, and a twin of the
//! auction rules on summed amounts.

mod concentrated;
mod dice;
mod many_coins;

use proptest::prelude::*;

use super::*;
use crate::money::MILLION;
use crate::wide::{U1088, power, wide};

const BOTH: [Direction; 2] = [Direction::FORWARD, Direction::BACKWARD];

fn big(value: u128) -> U1088 {
    wide(value)
}

fn level(amount_in: Atoms, amount_out: Atoms) -> Level {
    Level { amount_in, amount_out }
}

fn rail() -> Rail {
    Rail { fixed_fee: 10, fee_ppm: 500, rate_num: 3, rate_den: 2, min_in: 5, max_in: 1_000_000, uses_max: 2 }
}

fn stable(ann: u64, scale: [Atoms; 2], reserves: [Atoms; 2], fee_ppm: u32) -> Terms {
    let d = Stable::invariant(ann, &[reserves[0] * scale[0], reserves[1] * scale[1]]).unwrap();
    Terms::Stable(Stable { fee_ppm, ann, d, scale: scale.into() })
}

/// Terms, inventory, direction, what goes in, the most that comes out, the least in for that.
type AmountCase = (Terms, [Atoms; 2], Direction, Atoms, Option<Atoms>, Option<Atoms>);

#[test]
fn hand_computed_amounts() {
    let product = |fee_ppm| Terms::ConstantProduct(ConstantProduct { fee_ppm });
    let weighted = |weights: [u64; 2]| Terms::Weighted(Weighted { fee_ppm: 0, weights: weights.into() });
    let ladder = Terms::Ladder(Ladder { levels: vec![level(10, 21), level(4, 6)] });
    let cases: &[AmountCase] = &[
        (product(0), [1000, 1000], Direction::FORWARD, 12, Some(11), Some(12)),
        (product(0), [1000, 1000], Direction::FORWARD, 1, Some(0), Some(1)),
        // 1000 * 50 / 950 / 0.997 = 52.79
        (product(3000), [1000, 1000], Direction::BACKWARD, 53, Some(50), Some(53)),
        (product(3000), [1000, 1000], Direction::BACKWARD, 52, Some(49), Some(52)),
        (product(0), [0, 1000], Direction::FORWARD, 12, None, None),
        (product(0), [1000, 1000], Direction::FORWARD, 0, None, None),
        (product(0), [1000, 1000], Direction::FORWARD, AUCTION_ATOMS_MAX, None, None),
        // 1000 (1 - (1000/1100)^2) = 173.55, and 1000 (1 - sqrt(1000/1210)) = 90.9
        (weighted([2, 1]), [1000, 1000], Direction::FORWARD, 100, Some(173), Some(100)),
        (weighted([2, 1]), [1000, 1000], Direction::BACKWARD, 210, Some(90), Some(208)),
        (
            stable(200, [1, 1], [1_000_000, 1_000_000], 0),
            [1_000_000; 2],
            Direction::FORWARD,
            1000,
            Some(999),
            Some(1000),
        ),
        (ladder.clone(), [0, 100], Direction::FORWARD, 5, Some(10), Some(5)),
        (ladder.clone(), [0, 100], Direction::FORWARD, 13, Some(25), Some(13)),
        (ladder.clone(), [0, 100], Direction::FORWARD, 15, None, None),
        (ladder.clone(), [0, 9], Direction::FORWARD, 13, Some(9), Some(5)),
        (ladder, [100, 100], Direction::BACKWARD, 5, None, None),
        // (110 - 10) * 0.9995 * 1.5 = 149.925
        (Terms::Rail(rail()), [0, 200], Direction::FORWARD, 110, Some(149), Some(110)),
        (Terms::Rail(rail()), [0, 200], Direction::FORWARD, 7, Some(0), Some(5)),
        (Terms::Rail(rail()), [0, 200], Direction::FORWARD, 4, None, None),
        (Terms::Rail(rail()), [0, 200], Direction::FORWARD, 1_000_001, None, None),
        (Terms::Rail(rail()), [0, 140], Direction::FORWARD, 110, Some(140), Some(104)),
        (Terms::Rail(rail()), [9, 140], Direction::BACKWARD, 110, None, None),
    ];
    for (terms, inventory, direction, amount_in, most, least) in cases {
        let state = terms.opening(&(*inventory).into());
        let found = terms.out_for(&state, *direction, *amount_in);
        assert_eq!(found, *most, "{terms:?} for {amount_in}");
        if let Some(out) = found {
            assert_eq!(terms.in_for(&state, *direction, out), *least, "{terms:?} in for {out}");
        }
    }
}

#[test]
fn refusals_name_the_numbers() {
    let pool = Terms::ConstantProduct(ConstantProduct { fee_ppm: 0 });
    let state = pool.opening(&[1000, 1000].into());
    let refused = |terms: &Terms, state: &VenueState, amount_in, amount_out| {
        let refusal = terms.take(state, Direction::FORWARD, amount_in, amount_out).unwrap_err();
        assert_eq!((refusal.reason, refusal.field.as_str()), (Reason::VenueRule, "uses"));
        refusal.message
    };
    assert_eq!(refused(&pool, &state, 10, 11), "expected at most 9 out for 10 in, found 11");
    let rail = Terms::Rail(rail());
    let state = rail.opening(&[0, 200].into());
    assert_eq!(refused(&rail, &state, 110, 150), "expected at most 149 out for 110 in, found 150");
    assert_eq!(refused(&rail, &state, 4, 0), "expected from 5 to 1000000 in, found 4");
    let once = rail.take(&state, Direction::FORWARD, 60, 70).unwrap();
    let twice = rail.take(&once, Direction::FORWARD, 60, 70).unwrap();
    assert_eq!(twice, VenueState::Counter { taken: 120, given: 140, uses: 2, available: 60 });
    assert_eq!(refused(&rail, &twice, 60, 1), "expected at most 2 uses in one auction, found another");
    assert_eq!(rail.out_for(&twice, Direction::FORWARD, 60), None);
    assert_eq!(rail.best_rate(&twice, Direction::FORWARD), None);
}

#[test]
fn terms_are_validated() {
    let weighted = |weights: [u64; 2]| Terms::Weighted(Weighted { fee_ppm: 0, weights: weights.into() });
    let stable = Stable { fee_ppm: 1, ann: 200, d: 9, scale: [1, 1].into() };
    let ladder = |levels: &[Level]| Terms::Ladder(Ladder { levels: levels.to_vec() });
    let cases: &[(Terms, Option<(Reason, &str)>)] = &[
        (Terms::ConstantProduct(ConstantProduct { fee_ppm: 999_999 }), None),
        (Terms::ConstantProduct(ConstantProduct { fee_ppm: 1_000_000 }), Some((Reason::OutOfRange, "fee_ppm"))),
        (weighted([1, WEIGHT_RATIO_MAX]), None),
        (weighted([0, 1]), Some((Reason::OutOfRange, "weights[0]"))),
        (weighted([1, WEIGHT_RATIO_MAX + 1]), Some((Reason::OutOfRange, "weights"))),
        (weighted([WEIGHT_MAX, WEIGHT_MAX + 1]), Some((Reason::OutOfRange, "weights[1]"))),
        (Terms::Weighted(Weighted { fee_ppm: 0, weights: [1].into() }), Some((Reason::OutOfRange, "weights"))),
        (Terms::Stable(stable), None),
        (Terms::Stable(Stable { ann: 0, ..stable }), Some((Reason::OutOfRange, "ann"))),
        (Terms::Stable(Stable { ann: ANN_MAX + 1, ..stable }), Some((Reason::OutOfRange, "ann"))),
        (Terms::Stable(Stable { d: 0, ..stable }), Some((Reason::OutOfRange, "d"))),
        (Terms::Stable(Stable { scale: [1, 0].into(), ..stable }), Some((Reason::OutOfRange, "scale[1]"))),
        (Terms::Stable(Stable { scale: [1].into(), ..stable }), Some((Reason::OutOfRange, "scale"))),
        (ladder(&[level(10, 20), level(5, 10), level(7, 13)]), None),
        (ladder(&[]), Some((Reason::OutOfRange, "levels"))),
        (ladder(&[level(1, 1); LEVELS_MAX + 1]), Some((Reason::OutOfRange, "levels"))),
        (ladder(&[level(10, 20), level(5, 11)]), Some((Reason::OutOfRange, "levels"))),
        (ladder(&[level(1, 1), level(0, 1)]), Some((Reason::AmountZero, "levels[1].in"))),
        (ladder(&[level(1, AUCTION_ATOMS_MAX)]), Some((Reason::AmountTooLarge, "levels[0].out"))),
        (Terms::Rail(rail()), None),
        (Terms::Rail(Rail { fee_ppm: 1_000_001, ..rail() }), Some((Reason::OutOfRange, "fee_ppm"))),
        (Terms::Rail(Rail { rate_den: 0, ..rail() }), Some((Reason::OutOfRange, "rate_den"))),
        (Terms::Rail(Rail { min_in: 2_000_000, ..rail() }), Some((Reason::OutOfRange, "min_in"))),
        (Terms::Rail(Rail { max_in: 0, ..rail() }), Some((Reason::AmountZero, "max_in"))),
        (Terms::Rail(Rail { uses_max: 0, ..rail() }), Some((Reason::OutOfRange, "uses_max"))),
        (Terms::Rail(Rail { fixed_fee: u128::MAX, ..rail() }), Some((Reason::AmountTooLarge, "fixed_fee"))),
    ];
    for (terms, expected) in cases {
        let found = terms.validate().err();
        let found = found.as_ref().map(|refusal| (refusal.reason, refusal.field.as_str()));
        assert_eq!(found, *expected, "{terms:?}");
    }
}

#[test]
fn invariant_is_the_least_d_that_leaves_nothing() {
    assert_eq!(Stable::invariant(200, &[1_000_000, 1_000_000]), Some(2_000_000));
    assert_eq!(Stable::invariant(200, &[0, 1]), None);
    // D^3 = 8 for ann = 1, x = y = 1
    assert_eq!(Stable::invariant(1, &[1, 1]), Some(2));
    for (ann, x, y) in [(1, 1, 1 << 110), (10_000_000, 3, 7), (200, 1 << 120, 1 << 100), (800, 426_654, 418_229)] {
        let d = Stable::invariant(ann, &[x, y]).unwrap();
        let value = |d: u128| {
            let linear = big(4) * big(x) * big(y) * big(u128::from(ann) - 1) * big(d);
            power(big(d), 3).unwrap() + linear
        };
        let target = big(4) * big(x) * big(y) * big(u128::from(ann)) * (big(x) + big(y));
        assert!(value(d) >= target && value(d - 1) < target, "{ann} {x} {y}");
    }
}

/// An amount of any size: as many leading bits as `bits` says.
fn atoms(bits: std::ops::Range<u32>) -> impl Strategy<Value = Atoms> {
    (bits, any::<u128>()).prop_map(|(bits, noise)| (noise & ((1 << bits) - 1)) | 1 << bits)
}

fn weights() -> impl Strategy<Value = [u64; 2]> {
    let allowed = [[1, 1], [1, 2], [2, 1], [1, 4], [4, 1], [3, 2], [3, 5], [1, 7], [7, 1], [5, 3]];
    prop::sample::select(allowed.to_vec())
}

fn pools(bits: std::ops::Range<u32>) -> impl Strategy<Value = (Terms, [Atoms; 2])> {
    let parts = (atoms(bits.clone()), atoms(bits), 0u32..200_000, weights(), 1u64..1000, 0usize..3, 0u32..3);
    parts.prop_map(|(first, second, fee_ppm, weights, ann, kind, decimals)| match kind {
        0 => (Terms::ConstantProduct(ConstantProduct { fee_ppm }), [first, second]),
        1 => (Terms::Weighted(Weighted { fee_ppm, weights: weights.into() }), [first, second]),
        _ => {
            let scale = [1, 10u128.pow(decimals)];
            (stable(ann, scale, [first, second], fee_ppm), [first, second])
        }
    })
}

fn counters() -> impl Strategy<Value = (Terms, [Atoms; 2])> {
    let levels = prop::collection::vec((atoms(0..40), atoms(0..40)), 1..6);
    let numbers = (0u128..1000, 0u32..1_000_001, atoms(0..30), atoms(0..30), 0u128..1000);
    (levels, numbers, any::<bool>(), atoms(0..50)).prop_map(|(levels, numbers, is_ladder, available)| {
        if is_ladder {
            let mut levels: Vec<Level> = levels.into_iter().map(|(a, b)| level(a, b)).collect();
            levels.sort_by(|a, b| (b.amount_out * a.amount_in).cmp(&(a.amount_out * b.amount_in)));
            return (Terms::Ladder(Ladder { levels }), [0, available]);
        }
        let (fixed_fee, fee_ppm, rate_num, rate_den, min_in) = numbers;
        let max_in = AUCTION_ATOMS_MAX - 1;
        let rail = Rail { fixed_fee, fee_ppm, rate_num, rate_den, min_in, max_in, uses_max: 4 };
        (Terms::Rail(rail), [0, available])
    })
}

fn venues() -> impl Strategy<Value = (Terms, [Atoms; 2])> {
    prop_oneof![3 => pools(0..111), 3 => pools(0..30), 1 => pools(100..111), 2 => counters()]
}

fn assert_exact(terms: &Terms, state: &VenueState, direction: Direction, amount: Atoms) {
    let allows = |amount_in, amount_out| terms.take(state, direction, amount_in, amount_out).is_ok();
    match terms.out_for(state, direction, amount) {
        Some(most) => {
            assert!(allows(amount, most), "most {most} for {amount}");
            assert!(!allows(amount, most + 1), "more than {most} for {amount}");
        }
        None => assert!(!allows(amount, 0), "none for {amount}"),
    }
    let Some(least) = terms.in_for(state, direction, amount) else {
        let widest = (1..112).map(|bits| (1u128 << bits) - 1);
        assert!(widest.into_iter().all(|amount_in| !allows(amount_in, amount)), "in for {amount}");
        return;
    };
    assert!(allows(least, amount), "least {least} for {amount}");
    assert!(least == 1 || !allows(least - 1, amount), "less than {least} for {amount}");
}

fn assert_bounded(terms: &Terms, state: &VenueState, direction: Direction, amount_in: Atoms) {
    let Some(out) = terms.out_for(state, direction, amount_in).filter(|out| *out > 0) else {
        return;
    };
    let rate = terms.best_rate(state, direction).unwrap();
    let beyond = out.saturating_sub(terms.unclaimed(state, direction).unwrap());
    assert!(rate.denominator.bit_len().max(rate.numerator.bit_len()) <= 384, "{rate:?}");
    let denominator: U1088 = crate::wide::resize(rate.denominator).unwrap();
    let numerator: U1088 = crate::wide::resize(rate.numerator).unwrap();
    assert!(big(beyond) * denominator <= numerator * big(amount_in), "{out} for {amount_in} at {rate:?}");
}

/// The rules on amounts summed per coin, as an auction's checker has them.
fn aggregate_allows(terms: &Terms, opening: [Atoms; 2], ins: [Atoms; 2], outs: [Atoms; 2]) -> bool {
    let reserve = |coin: usize, fee_ppm: u32| {
        let kept = MILLION - u128::from(fee_ppm);
        (big(opening[coin]) * big(MILLION) + big(kept) * big(ins[coin])).checked_sub(big(MILLION) * big(outs[coin]))
    };
    let powers = |fee_ppm, weights: PerCoin<u64>| {
        let Some((first, second)) = reserve(0, fee_ppm).zip(reserve(1, fee_ppm)) else { return false };
        let weight = |coin| u32::try_from(weights.get(coin).unwrap()).unwrap();
        let product = |a, b| power(a, weight(0)).unwrap() * power(b, weight(1)).unwrap();
        let before = product(big(opening[0]) * big(MILLION), big(opening[1]) * big(MILLION));
        !first.is_zero() && !second.is_zero() && product(first, second) >= before
    };
    match terms {
        Terms::ConstantProduct(pool) => powers(pool.fee_ppm, [1, 1].into()),
        Terms::Weighted(pool) => powers(pool.fee_ppm, pool.weights),
        Terms::Stable(pool) => {
            let Some((first, second)) = reserve(0, pool.fee_ppm).zip(reserve(1, pool.fee_ppm)) else { return false };
            let scale = |coin| big(pool.scale.get(coin).unwrap());
            let (x, y) = (first * scale(0), second * scale(1));
            let (d, ann) = (big(pool.d) * big(MILLION), big(u128::from(pool.ann)));
            let four_xy = big(4) * x * y;
            (ann * (x + y) + d) * four_xy >= power(d, 3).unwrap() + ann * d * four_xy
        }
        Terms::Ladder(ladder) => {
            // a common denominator of all levels, so that the sum of fractions is one fraction
            let common = ladder.levels.iter().fold(big(1), |common, level| common * big(level.amount_in));
            let (mut left, mut sum) = (ins[0], big(0));
            for level in &ladder.levels {
                let part = left.min(level.amount_in);
                sum += big(part) * big(level.amount_out) * (common / big(level.amount_in));
                left -= part;
            }
            left == 0 && big(outs[1]) <= sum / common && outs[1] <= opening[1]
        }
        Terms::Rail(_) | Terms::Concentrated(_) => outs[1] <= opening[1],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn amounts_are_exact_both_ways((terms, inventory) in venues(), amount in atoms(0..111), near in 0u32..112) {
        prop_assert_eq!(terms.validate(), Ok(()));
        let state = terms.opening(&inventory.into());
        for direction in BOTH {
            let near = inventory[0].checked_shr(near).unwrap_or(1).max(1);
            for amount in [amount, near, 1, AUCTION_ATOMS_MAX - 1] {
                assert_exact(&terms, &state, direction, amount);
                assert_bounded(&terms, &state, direction, amount);
            }
        }
    }

    #[test]
    fn chains_of_uses_keep_the_rule_on_sums(
        (terms, inventory) in venues(),
        uses in prop::collection::vec((any::<bool>(), 0u32..10, 0u128..4), 1..8),
    ) {
        let mut state = terms.opening(&inventory.into());
        let (mut ins, mut outs) = ([0; 2], [0; 2]);
        for (is_forward, part, left) in uses {
            let direction = if is_forward { Direction::FORWARD } else { Direction::BACKWARD };
            let (put, drawn) = if is_forward { (0, 1) } else { (1, 0) };
            let amount_in = (inventory[drawn] >> part).max(1);
            let Some(most) = terms.out_for(&state, direction, amount_in) else { continue };
            let amount_out = most.saturating_sub(left);
            let Ok(next) = terms.take(&state, direction, amount_in, amount_out) else { continue };
            assert_exact(&terms, &next, direction, amount_in);
            assert_bounded(&terms, &next, direction, amount_in);
            state = next;
            ins[put] += amount_in;
            outs[drawn] += amount_out;
            prop_assert!(aggregate_allows(&terms, inventory, ins, outs));
        }
        let Some((settled, reserves)) = terms.settle_pool(&state) else { return Ok(()) };
        for coin in [0, 1] {
            prop_assert!(reserves.as_slice()[coin] <= inventory[coin] + ins[coin] - outs[coin], "more than the pool holds");
        }
        if reserves.iter().all(|reserve| *reserve > 0) {
            for direction in BOTH {
                prop_assert_eq!(settled.unclaimed(&settled.opening(&reserves), direction), Some(0));
            }
        }
    }

    #[test]
    fn small_numbers_agree_with_search(
        (terms, inventory) in prop_oneof![pools(0..8), counters()], amount_in in 1u128..300,
    ) {
        let state = terms.opening(&inventory.into());
        for direction in BOTH {
            let (mut ins, mut outs) = ([0; 2], [0; 2]);
            let (put, drawn) = if direction == Direction::FORWARD { (0, 1) } else { (1, 0) };
            ins[put] = amount_in;
            let is_rule = |out: Atoms, outs: &mut [Atoms; 2]| {
                outs[drawn] = out;
                aggregate_allows(&terms, inventory, ins, *outs)
            };
            let is_offered = !matches!((&terms, direction), (Terms::Ladder(_), Direction::BACKWARD));
            if matches!(terms, Terms::Rail(_)) || !is_offered || !is_rule(0, &mut outs) {
                continue;
            }
            let mut most = 0;
            while most < 2000 && is_rule(most + 1, &mut outs) {
                most += 1;
            }
            let found = terms.out_for(&state, direction, amount_in).map(|out| out.min(2000));
            prop_assert_eq!(found, Some(most));
        }
    }
}
