//! Random venues and small auctions: every kind, every size, edges included; a function of the seed alone.

use clearlane_core::auction::certificate::DualPrices;
use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, Reserve, RuleSet,
};
use clearlane_core::hash::Hash;
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::names::{AuctionId, CommandId, DenominationIndex, ReserveIndex};
use clearlane_core::price::Price;
use clearlane_core::time::Timestamp;
use clearlane_core::venue::{
    Concentrated, ConstantProduct, Ladder, Level, PerCoin, Rail, Stable, Terms, Weighted, sqrt_price_at,
};
use clearlane_core::wide::U256;

use crate::desk::name;
use crate::random::Random;

/// The kinds of venues, by the names that failures print.
pub const KINDS: [&str; 9] = [
    "constant_product",
    "weighted",
    "weighted_wide",
    "stable",
    "concentrated",
    "ladder",
    "rail",
    "weighted_many",
    "stable_many",
];

/// Reduced weights that are verified as exact integers.
const WEIGHTS: [[u64; 2]; 10] = [[1, 1], [1, 2], [2, 1], [1, 4], [4, 1], [3, 2], [3, 5], [1, 7], [7, 1], [5, 3]];

/// An amount with `bits` bits at most and one at least.
pub fn atoms(random: &mut Random, bits: u32) -> u128 {
    let noise = u128::from(random.bits()) << 64 | u128::from(random.bits());
    let bits = 1 + random.below(bits);
    (noise | 1 << 127) >> (128 - bits)
}

/// About as much.
#[expect(clippy::cast_precision_loss, reason = "only chooses what is tried")]
#[must_use]
pub fn float(amount: u128) -> f64 {
    amount as f64
}

/// The whole part of a number that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only chooses what is tried")]
#[must_use]
pub fn whole(number: f64) -> u128 {
    number as u128
}

/// The terms of a venue of this kind that hold what they are checked for, and its inventory.
pub fn venue(random: &mut Random, kind: &str) -> (Terms, PerCoin<u128>) {
    let bits = random.pick(&[8, 20, 40, 70, 108]);
    let inventory = [atoms(random, bits), atoms(random, bits)];
    let fee_ppm = random.pick(&[0, 1, 100, 3_000, 30_000, 200_000]);
    let two = |(terms, inventory): (Terms, [u128; 2])| (terms, inventory.into());
    match kind {
        "constant_product" => (Terms::ConstantProduct(ConstantProduct { fee_ppm }), inventory.into()),
        "weighted" => (Terms::Weighted(Weighted { fee_ppm, weights: random.pick(&WEIGHTS).into() }), inventory.into()),
        "weighted_wide" => (Terms::Weighted(Weighted { fee_ppm, weights: weights(random, 2) }), inventory.into()),
        "stable" => two(stable(random, inventory, fee_ppm)),
        "concentrated" => concentrated(random, fee_ppm),
        "ladder" => two(ladder(random)),
        "rail" => two(rail(random)),
        "weighted_many" => {
            let coins = many(random);
            let inventory: Vec<u128> = (0..coins).map(|_| atoms(random, bits)).collect();
            (Terms::Weighted(Weighted { fee_ppm, weights: weights(random, coins) }), per_coin(&inventory))
        }
        _ => stable_many(random, fee_ppm),
    }
}

/// How many coins a pool of more than two has: few mostly, since wide integers are slow without optimisation.
fn many(random: &mut Random) -> usize {
    random.pick(&[3, 3, 3, 4, 4, 8])
}

fn per_coin(values: &[u128]) -> PerCoin<u128> {
    PerCoin::from_slice(values).expect("few coins")
}

/// Small weights and shares of one with many decimals.
fn weights(random: &mut Random, coins: usize) -> PerCoin<u64> {
    let most = random.pick(&[3, 100, 1_000_000_007]);
    let weights: Vec<u64> = (0..coins).map(|_| u64::from(most / 50 + 1 + random.below(most))).collect();
    PerCoin::from_slice(&weights).expect("few coins")
}

/// Reserves of alike size mostly.
fn stable_many(random: &mut Random, fee_ppm: u32) -> (Terms, PerCoin<u128>) {
    let coins = many(random);
    let ann = random.pick(&[1, 20, 600, 200_000]);
    let scale: Vec<u128> = (0..coins).map(|_| random.pick(&[1, 1, 1_000])).collect();
    let bits = random.pick(&[20, 60, 100]);
    let whole = 1_000 + atoms(random, bits);
    let is_skewed = random.below(4) == 0;
    let reserve = |scale: &u128| {
        let part =
            if is_skewed { whole >> random.below(8) } else { whole - whole / 100 * u128::from(random.below(40)) };
        part / scale + 1
    };
    let inventory: Vec<u128> = scale.iter().map(reserve).collect();
    let balances: Vec<u128> = inventory.iter().zip(&scale).map(|(reserve, scale)| reserve * scale).collect();
    let d = Stable::invariant(ann, &balances).expect("in range");
    (Terms::Stable(Stable { fee_ppm, ann, d, scale: per_coin(&scale) }), per_coin(&inventory))
}

/// Liquidity in a few ranges around the price, with gaps now and then, and all that the ranges may give, mostly.
fn concentrated(random: &mut Random, fee_ppm: u32) -> (Terms, PerCoin<u128>) {
    let width = random.pick(&[1_u32, 60, 2_000]);
    let mut ticks: Vec<(i32, i128)> = Vec::new();
    let (mut index, mut liquidity) = (i32::try_from(random.below(40_000)).expect("small") - 20_000, 0_i128);
    for _ in 0..1 + random.below(5) {
        let next = if random.below(5) == 0 { 0 } else { i128::try_from(atoms(random, 80)).expect("small") };
        ticks.push((index, next - liquidity));
        liquidity = next;
        index += i32::try_from(1 + random.below(width)).expect("small");
    }
    ticks.push((index, -liquidity));
    let (first, last) = (ticks[0].0 - 2, index + 3);
    let at = first + i32::try_from(random.below(u32::try_from(last - first).expect("positive"))).expect("small");
    let noise = U256::from(random.below(1_000));
    let price = sqrt_price_at(at).expect("within bounds") + noise;
    let Ok(pool) = Concentrated::new(fee_ppm, price, &ticks) else { return concentrated(random, fee_ppm) };
    let backing = pool.backing().expect("small");
    let held = if random.below(5) == 0 { backing.map(|held| held / 3) } else { backing };
    (Terms::Concentrated(pool), held.into())
}

/// Reserves of alike size now and then, and now and then a D that leaves something free, or less than nothing.
fn stable(random: &mut Random, inventory: [u128; 2], fee_ppm: u32) -> (Terms, [u128; 2]) {
    let ann = random.pick(&[1, 2, 200, 5_000, 1_000_000]);
    let scale = random.pick(&[[1, 1], [1, 1_000], [1_000_000, 1]]);
    let [first, second] = inventory;
    let alike = first / scale[1] * scale[0] + 1 + first / 7;
    let reserves = if random.below(3) == 0 { inventory } else { [first, alike.min(1 << 108)] };
    let balances = [reserves[0].saturating_mul(scale[0]), reserves[1].saturating_mul(scale[1])];
    let fitting = balances.iter().all(|balance| *balance < 1 << 125);
    let Some(d) = Stable::invariant(ann, &balances).filter(|_| fitting) else {
        return (Terms::Stable(Stable { fee_ppm, ann, d: first.max(1), scale: [1, 1].into() }), [first, second]);
    };
    let d = match random.below(8) {
        0 => d - d / 1_000,
        1 => d + d / 1_000,
        _ => d,
    };
    (Terms::Stable(Stable { fee_ppm, ann, d: d.max(1), scale: scale.into() }), reserves)
}

fn ladder(random: &mut Random) -> (Terms, [u128; 2]) {
    let bits = random.pick(&[4, 12, 40, 90]);
    let mut levels: Vec<Level> = (0..=random.below(6))
        .map(|_| Level { amount_in: atoms(random, bits), amount_out: atoms(random, bits.min(36)) })
        .collect();
    let rate = |level: &Level| float(level.amount_out) / float(level.amount_in);
    levels.sort_by(|one, other| rate(other).total_cmp(&rate(one)));
    let all: u128 = levels.iter().map(|level| level.amount_out).sum();
    let available = if random.below(3) == 0 { all / u128::from(1 + random.below(5)) } else { all };
    let terms = Terms::Ladder(Ladder { levels });
    // Equal rates may have been sorted the wrong way round by a hair.
    if terms.validate().is_ok() { (terms, [0, available]) } else { ladder(random) }
}

fn rail(random: &mut Random) -> (Terms, [u128; 2]) {
    let max_in = atoms(random, 60);
    let rail = Rail {
        fixed_fee: u128::from(random.below(1_000)),
        fee_ppm: random.pick(&[0, 500, 20_000, 1_000_000]),
        rate_num: atoms(random, 20),
        rate_den: atoms(random, 20),
        min_in: max_in.min(u128::from(random.below(2_000))),
        max_in,
        uses_max: 1 + random.below(3),
    };
    (Terms::Rail(rail), [0, atoms(random, 70)])
}

/// A price near `value`, exactly as its text says; one if that is out of bounds.
pub fn price_near(value: f64) -> Price {
    let text = format!("{value:.17e}");
    Price::parse(&text).unwrap_or_else(|| Price::new(1, 0).expect("one is a price"))
}

/// A factor between 1/2 and 2, mostly close to 1.
pub fn factor(random: &mut Random) -> f64 {
    let width = random.pick(&[1e-6, 1e-3, 0.02, 0.5]);
    let noise = f64::from(random.below(1 << 31)) / f64::from(1_u32 << 31);
    1.0 + width * (2.0 * noise - 1.0)
}

/// A small auction: a few assets, with and without prices, intents of every form, venues of every kind.
pub fn auction(random: &mut Random) -> AuctionInput {
    let count = 2 + random.below(3);
    let denominations: Vec<Denomination> = (0..count)
        .map(|at| Denomination {
            asset: name(&format!("A{at}")),
            module: name("m"),
            scale: u8::try_from(random.below(3)).expect("small"),
            price: (random.below(8) > 0).then(|| price_near(random.pick(&[0.5, 1.0, 3.0]) * factor(random))),
        })
        .collect();
    let (mut reserves, mut intents) = (Vec::new(), Vec::new());
    for _ in 0..1 + random.below(7) {
        intents.push(intent(random, &denominations, &mut reserves));
    }
    let venues = (0..random.below(5)).map(|at| {
        let first = random.below(count);
        let step = 1 + random.below(count - 1);
        auction_venue(random, &denominations, at, [first, (first + step) % count])
    });
    let venues = venues.collect();
    AuctionInput {
        auction: AuctionId(1),
        rules: RuleSet::Plain,
        opened_at: Timestamp(1),
        close_at: Timestamp(2),
        settle_by: Timestamp(3),
        seed: Hash([7; 32]),
        surplus_cap_ppm: random.pick(&[0, 10_000, 10_000, 500_000, 2_000_000]),
        denominations,
        reserves,
        intents,
        venues,
        facts: vec![],
    }
}

fn worth(denomination: &Denomination) -> f64 {
    let price = denomination.price.map_or(1.0, |price| price.to_string().parse().expect("a number"));
    price / 10_f64.powi(i32::from(denomination.scale))
}

fn auction_venue(random: &mut Random, rows: &[Denomination], at: u32, pair: [u32; 2]) -> AuctionVenue {
    let mut kind = random.pick(&KINDS);
    if kind.ends_with("many") && rows.len() < 3 {
        kind = "weighted";
    }
    let mut coins = pair.to_vec();
    if kind.ends_with("many") {
        coins.extend((0..u32::try_from(rows.len()).expect("few")).find(|coin| !pair.contains(coin)));
    }
    let (terms, inventory) = loop {
        let (terms, inventory) = venue(random, kind);
        // As much of the one as of the other at the reference prices, so that it is worth using.
        let size = 100.0 + f64::from(random.below(1_000_000));
        let balanced = |random: &mut Random| -> Vec<u128> {
            let worths = coins.iter().map(|coin| worth(&rows[usize::try_from(*coin).expect("small")]));
            worths.map(|worth| whole(size * factor(random) / worth) + 1).collect()
        };
        match terms {
            Terms::ConstantProduct(_) => break (terms, per_coin(&balanced(random))),
            Terms::Weighted(pool) if pool.weights.count() == coins.len() => {
                break (Terms::Weighted(pool), per_coin(&balanced(random)));
            }
            Terms::Stable(pool) if pool.scale.count() == coins.len() => {
                let balanced = balanced(random);
                let Some(d) = Stable::invariant(pool.ann, &balanced) else { continue };
                let scale = pool.scale.map(|_| 1);
                break (Terms::Stable(Stable { d, scale, ..pool }), per_coin(&balanced));
            }
            Terms::Weighted(_) | Terms::Stable(_) => {}
            Terms::Ladder(_) | Terms::Rail(_) | Terms::Concentrated(_) => break (terms, inventory),
        }
    };
    let opening = terms.opening(&inventory);
    let coins: Vec<DenominationIndex> = coins.into_iter().map(DenominationIndex).collect();
    let coins = PerCoin::from_slice(&coins).expect("few coins");
    AuctionVenue { name: name(&format!("v{at}")), coins, terms, opening }
}

fn intent(random: &mut Random, rows: &[Denomination], reserves: &mut Vec<Reserve>) -> AuctionIntent {
    let count = u32::try_from(rows.len()).expect("few");
    let kind = random.pick(&[Kind::ExactIn, Kind::ExactOut]);
    let choose = random.pick(&[Choose::Split, Choose::One]);
    let fixed = random.below(count);
    let size = random.pick(&[10, 1_000, 100_000]);
    let full = 1 + u128::from(random.below(size));
    let is_all_or_nothing = random.below(3) == 0;
    let options = (0..=random.below(3)).map(|number| {
        let other = (fixed + 1 + random.below(count - 1)) % count;
        let [fixed_worth, other_worth] = [fixed, other].map(|at| worth(&rows[usize::try_from(at).expect("small")]));
        let limit = whole(float(full) * fixed_worth / other_worth * factor(random)) + 1;
        let maximum = if random.below(3) == 0 { full / 2 + 1 } else { full };
        let left = if random.below(4) == 0 { full / 3 + 1 } else { full };
        let (give, get) = if kind == Kind::ExactIn { (fixed, other) } else { (other, fixed) };
        let (give_amount, get_amount) = if kind == Kind::ExactIn { (full, limit) } else { (limit, full) };
        let reserve = ReserveIndex::from_at(reserves.len());
        reserves.push(Reserve { denomination: DenominationIndex(give), amount: 1 << 100, is_scarce: false });
        let number = u16::try_from(number / (1 + random.below(2))).expect("few");
        AuctionOption {
            give: DenominationIndex(give),
            get: DenominationIndex(get),
            give_amount,
            get_amount,
            maximum: maximum.min(left),
            minimum: 1,
            number,
            left,
            reserve,
        }
    });
    let options = options.collect();
    let (party, id) = (name("p"), CommandId([1; 16]));
    AuctionIntent {
        party,
        id,
        kind,
        choose,
        is_all_or_nothing,
        remaining: full,
        options,
        condition: vec![],
        floor: None,
    }
}

/// Prices for a certificate: near the reference, far off, zero, huge.
pub fn prices(random: &mut Random, input: &AuctionInput) -> DualPrices {
    let style = random.below(4);
    let price = |denomination: &Denomination| {
        let near = denomination.price.map_or(1.0, |price| price.to_string().parse().expect("a number"));
        match (style, random.below(6)) {
            (0, 0) => None,
            (0, 1) => Price::new((1 << 96) - 1, 0),
            (0, 2) => Price::new(1, 40),
            (1, _) => denomination.price,
            (0 | 2.., _) => Some(price_near(near * factor(random))),
        }
    };
    DualPrices::new(input.denominations.iter().map(price).collect()).expect("few prices")
}
