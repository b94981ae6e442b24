//! Concentrated pools: amounts that Uniswap's own steps give, a twin that takes those steps, and long random walks.

use super::dice::{Dice, sequences};
use super::*;

/// A captured pool: its price and its ticks.
const CAPTURED_PRICE: u128 = 2_951_129_598_777_661_232_406_054_438_494;
const CAPTURED: &[(i32, i128)] = &[
    (63_000, 2_372_753_732_118_846_341_583),
    (63_200, 1_138_024_622_276_644_454_093),
    (65_600, 2_418_768_456_230_934_126_962),
    (65_800, 11_531_623_597_320_130_670),
    (68_200, 63_658_572_397_826_577_266),
    (68_600, 171_283_309_687_191_447_694),
    (71_400, -11_531_623_597_320_130_670),
    (72_000, -2_372_753_732_118_846_341_583),
    (73_000, -563_207_649_117_673_066_236),
    (74_200, -63_658_572_397_826_577_266),
    (74_800, -171_283_309_687_191_447_694),
    (76_200, -2_993_585_429_389_905_514_819),
];

fn captured() -> Concentrated {
    Concentrated::new(10_000, U256::from(CAPTURED_PRICE), CAPTURED).unwrap()
}

fn opened(pool: &Concentrated) -> (Terms, VenueState, PerCoin<Atoms>) {
    let inventory = pool.backing().unwrap().into();
    let terms = Terms::Concentrated(pool.clone());
    let state = terms.opening(&inventory);
    (terms, state, inventory)
}

/// The way, what goes in, what comes out and the price after it.
type Case = (Direction, Atoms, Option<(Atoms, u128)>);

/// By Uniswap's steps in another language.
#[test]
fn amounts_of_a_captured_pool() {
    let (terms, state, _) = opened(&captured());
    let e18 = 10_u128.pow(18);
    let cases: &[Case] = &[
        (Direction::FORWARD, 1, Some((0, CAPTURED_PRICE))),
        (Direction::FORWARD, e18 / 1_000_000, Some((1_373_575_661_078_532, 2_951_129_570_076_848_324_174_715_667_586))),
        (Direction::FORWARD, e18, Some((1_360_345_814_552_273_177_258, 2_922_705_223_025_907_051_946_032_201_046))),
        (Direction::FORWARD, 5 * e18, Some((6_595_624_254_297_978_637_590, 2_846_329_557_010_590_074_079_241_621_635))),
        (Direction::FORWARD, 100 * e18, None),
        (Direction::BACKWARD, 1, Some((0, CAPTURED_PRICE))),
        (Direction::BACKWARD, e18, Some((713_534_134_488_380, 2_951_150_284_791_241_902_937_092_220_458))),
        (Direction::BACKWARD, 5 * e18, Some((3_567_570_645_255_623, 2_951_233_028_845_564_585_061_243_348_317))),
        (
            Direction::BACKWARD,
            10_000 * e18,
            Some((6_647_158_670_268_215_396, 3_177_225_832_363_302_232_869_719_318_692)),
        ),
        (Direction { from: 0, into: 2 }, 1, None),
        (Direction { from: 1, into: 1 }, 1, None),
    ];
    for (direction, amount_in, expected) in cases {
        let most = terms.out_for(&state, *direction, *amount_in);
        assert_eq!(most, expected.map(|(out, _)| out), "{direction:?} {amount_in}");
        let Some((most, price)) = expected else { continue };
        let Ok(VenueState::Concentrated { sqrt_price, .. }) = terms.take(&state, *direction, *amount_in, *most) else {
            panic!("refused: {direction:?} {amount_in}");
        };
        assert_eq!(sqrt_price, U256::from(*price), "{direction:?} {amount_in}");
        assert_exact(&terms, &state, *direction, *amount_in);
    }
}

#[test]
fn pools_that_can_not_be_are_refused_by_name() {
    let price = U256::from(CAPTURED_PRICE);
    let new = |ticks: &[(i32, i128)]| Concentrated::new(3_000, price, ticks);
    let cases = [
        (Concentrated::new(1_000_000, price, CAPTURED), "fee_ppm"),
        (Concentrated::new(3_000, U256::ZERO, CAPTURED), "sqrt_price"),
        (Concentrated::new(3_000, U256::MAX, CAPTURED), "sqrt_price"),
        (new(&[(0, 0)]), "ticks"),
        (new(&[(0, 0), (1, 0)]), "ticks"),
        (new(&[(0, 5), (1, -4)]), "ticks"),
        (new(&vec![(0, 0); TICKS_MAX + 1]), "ticks"),
        (new(&[(0, 5), (-1, -5)]), "ticks[1].index"),
        (new(&[(0, 5), (0, -5)]), "ticks[1].index"),
        (new(&[(0, 5), (TICK_MAX + 1, -5)]), "ticks[1].index"),
        (new(&[(0, -5), (1, 5)]), "ticks[0].liquidity_net"),
        (new(&[(0, i128::MAX), (1, i128::MAX), (2, i128::MAX)]), "ticks[2].liquidity_net"),
    ];
    for (made, field) in cases {
        let refusal = made.expect_err(field);
        assert_eq!((refusal.reason, refusal.field.as_str()), (Reason::OutOfRange, field), "{refusal}");
    }
}

/// Uniswap's loop as its contracts have it: `computeSwapStep` on what remains, the next tick by search.
fn stepwise(pool: &Concentrated, from: U256, is_falling: bool, amount_in: Atoms) -> Option<(U1088, U256)> {
    let wide = |value: U256| crate::wide::resize::<256, 4, 1088, 17>(value).unwrap();
    let (fee, unit) = (big(u128::from(pool.fee_ppm())), big(1 << 96));
    let (mut remaining, mut out, mut price) = (big(amount_in), big(0), wide(from));
    let mut at_or_below: Vec<_> = pool.ticks().iter().filter(|tick| wide(tick.sqrt_price) <= price).collect();
    let mut above: Vec<_> = pool.ticks().iter().rev().filter(|tick| wide(tick.sqrt_price) > price).collect();
    while !remaining.is_zero() {
        let next = *if is_falling { at_or_below.last()? } else { above.last()? };
        let liquidity = big(at_or_below.iter().map(|tick| tick.liquidity_net).sum::<i128>().unsigned_abs());
        let target = wide(next.sqrt_price);
        let (low, high) = if is_falling { (target, price) } else { (price, target) };
        let first = |low: U1088, high: U1088| (liquidity * unit * (high - low), high * low);
        let second = |low: U1088, high: U1088| (liquidity * (high - low), unit);
        let up = |(above, below): (U1088, U1088)| (above + below - big(1)) / below;
        let down = |(above, below): (U1088, U1088)| above / below;
        let less = remaining * (big(MILLION) - fee) / big(MILLION);
        let whole = if is_falling { up(first(low, high)) } else { up(second(low, high)) };
        let reached = less >= whole;
        let end = match (reached, is_falling) {
            (true, _) => target,
            (false, true) => up((liquidity * unit * price, liquidity * unit + less * price)),
            (false, false) => price + less * unit / liquidity,
        };
        let (low, high) = if is_falling { (end, price) } else { (price, end) };
        out += if is_falling { down(second(low, high)) } else { down(first(low, high)) };
        remaining -= if reached { whole + up((whole * fee, big(MILLION) - fee)) } else { remaining };
        price = end;
        if reached && is_falling {
            above.extend(at_or_below.pop());
        } else if reached {
            at_or_below.extend(above.pop());
        }
    }
    Some((out, crate::wide::resize(price).unwrap()))
}

fn pool(dice: &mut Dice) -> Concentrated {
    let spacing = [1, 10, 60, 200][usize::try_from(dice.below(4)).unwrap()];
    let centre = i32::try_from(dice.below(120_000)).unwrap() - 60_000;
    let mut nets = std::collections::BTreeMap::new();
    let bits = 10 + dice.below(80);
    for _ in 0..1 + dice.below(5) {
        let low = centre - spacing * i32::try_from(dice.below(12)).unwrap();
        let high = low + spacing * (1 + i32::try_from(dice.below(16)).unwrap());
        let liquidity = i128::try_from(dice.sized(bits / 2, bits)).unwrap();
        *nets.entry(low).or_insert(0) += liquidity;
        *nets.entry(high).or_insert(0) -= liquidity;
    }
    let ticks: Vec<(i32, i128)> = nets.into_iter().collect();
    let away = i32::try_from(dice.below(30)).unwrap() - 12;
    let low = sqrt_price_at(centre + spacing * away).unwrap();
    // A third of the prices stand right at a tick.
    let price = low + U256::from(dice.below(3).min(1) * dice.below(1 << 40)) * (low >> 48);
    let fee_ppm = [0, 100, 500, 3_000, 10_000, 999_999][usize::try_from(dice.below(6)).unwrap()];
    Concentrated::new(fee_ppm, price, &ticks).unwrap()
}

/// See [`super::many_coins`]: parts never give more than all at once, and the way back never more than went in.
fn walk(seed: u64) {
    let dice = &mut Dice::new(seed);
    let pool = pool(dice);
    let what = format!("seed {seed}: {pool:?}");
    let (terms, opening, inventory) = opened(&pool);
    let way = if dice.below(2) == 0 { Direction::FORWARD } else { Direction::BACKWARD };
    let given = inventory.get(way.into).unwrap();
    let whole = terms.in_for(&opening, way, given - given / 8).unwrap_or(1);
    let (mut state, mut put, mut drawn) = (opening, 0, 0);
    for _ in 0..2 + dice.below(3) {
        let amount_in = (whole >> dice.below(12)) / 2 + u128::from(dice.below(3)) + 1;
        let (Some(most), VenueState::Concentrated { sqrt_price, .. }) = (terms.out_for(&state, way, amount_in), state)
        else {
            break;
        };
        let twin = stepwise(&pool, sqrt_price, way == Direction::FORWARD, amount_in).expect("as far");
        let amount_out = most.saturating_sub(u128::from(dice.below(8) / 7));
        state = terms.take(&state, way, amount_in, amount_out).unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
        let VenueState::Concentrated { sqrt_price, .. } = state else { panic!("{what}") };
        assert_eq!((big(most), sqrt_price), twin, "{what}: {amount_in} {way:?}");
        (put, drawn) = (put + amount_in, drawn + amount_out);
    }
    if put == 0 {
        return;
    }
    // All at once may be more than the ranges take; then less does as much.
    let least = terms.in_for(&opening, way, drawn).unwrap_or_else(|| panic!("{what}: not at once"));
    assert!(least <= put, "{what}: {drawn} for {put} in parts, for {least} at once");
    if let Some(one) = terms.out_for(&opening, way, put) {
        assert!(drawn <= one, "{what}: {drawn} in parts, {one} at once for {put}");
        assert!(terms.take(&opening, way, put, one + 1).is_err(), "{what}");
    }
    let back = terms.out_for(&state, way.reversed(), drawn).unwrap_or(0);
    assert!(back <= put, "{what}: {back} back of {put}");
    let (settled, reserves) = terms.settle(&state);
    let reserves = reserves.expect("a pool");
    let after = settled.opening(&reserves);
    assert_eq!(after, state, "{what}: nothing is lost at a settlement");
    let held = inventory.get(way.from).unwrap() + put;
    assert!(reserves.get(way.from).unwrap() <= held, "{what}: more than it holds");
    let backing = settled_backing(&settled);
    let is_backed = backing.iter().zip(&reserves).all(|(least, held)| *least <= *held + CROSSED_MAX as u128);
    assert!(is_backed, "{what}: {backing:?} {reserves:?}");
}

fn settled_backing(terms: &Terms) -> [Atoms; 2] {
    let Terms::Concentrated(pool) = terms else { panic!("concentrated") };
    pool.backing().unwrap()
}

#[test]
fn parts_of_a_use_of_a_concentrated_pool_never_give_more() {
    (0..sequences()).for_each(walk);
}

#[test]
fn amounts_are_exact_both_ways_and_bounded_between_ticks() {
    for seed in 0..sequences() / 10 {
        let dice = &mut Dice::new(seed ^ 0xabcd);
        let (terms, mut state, inventory) = opened(&pool(dice));
        for _ in 0..3 {
            let way = if dice.below(2) == 0 { Direction::FORWARD } else { Direction::BACKWARD };
            let near = inventory.get(way.into).unwrap() >> dice.below(20);
            for amount in [dice.sized(1, 100), near + 1] {
                assert_exact(&terms, &state, way, amount);
                assert_bounded(&terms, &state, way, amount);
            }
            let Some(most) = terms.out_for(&state, way, near + 1) else { continue };
            assert!(terms.out_for(&state, way, near + near / 9 + 2).is_none_or(|more| more >= most), "seed {seed}");
            state = terms.take(&state, way, near + 1, most).expect("the most there is");
        }
    }
}

#[test]
fn a_use_passes_so_many_ticks_and_no_more() {
    let count = i32::try_from(TICKS_MAX / 2).unwrap();
    let mut ticks: Vec<(i32, i128)> =
        (-count..count).map(|at| (at * 10, if at % 2 == 0 { 1 << 40 } else { 0 })).collect();
    let sum: i128 = ticks.iter().map(|(_, net)| net).sum();
    ticks.last_mut().expect("a tick").1 = -sum;
    let price = sqrt_price_at(5).unwrap();
    let (terms, state, inventory) = opened(&Concentrated::new(0, price, &ticks).unwrap());
    for way in [Direction::FORWARD, Direction::BACKWARD] {
        let (mut low, mut high) = (1, inventory.get(way.into).unwrap());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if terms.in_for(&state, way, middle).is_some() { low = middle } else { high = middle }
        }
        let most_in = terms.in_for(&state, way, low).unwrap();
        assert_exact(&terms, &state, way, most_in);
        assert_exact(&terms, &state, way, most_in * 2);
        assert_eq!(terms.out_for(&state, way, most_in * 2), None);
        let after = terms.take(&state, way, most_in, low).expect("in reach");
        assert!(terms.out_for(&after, way, most_in / 2).is_some(), "the next use goes on from there");
    }
}
