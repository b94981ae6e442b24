//! Random auctions of a few assets with every kind of intent and venue, by seed.

use clearlane_core::auction::AuctionInput;
use serde_json::{Value, json};

use super::super::random::Random;
use super::super::rounding::places;
use crate::formats;
use crate::strategy::value::atoms;

/// How many of each there are, and how likely an intent wants the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) assets: usize,
    pub(super) intents: usize,
    pub(super) venues: usize,
    pub(super) whole: f64,
}

struct Builder {
    random: Random,
    /// Price and decimals.
    assets: Vec<(f64, i32)>,
}

/// A random auction.
pub(super) fn auction(seed: u64, scale: Scale) -> AuctionInput {
    made(seed, scale, Builder::venue)
}

/// A random auction in which half of the venues are pools of three coins or concentrated ones.
pub(super) fn auction_with_large_pools(seed: u64, scale: Scale) -> AuctionInput {
    made(seed, scale, |builder, at| if at % 2 == 0 { builder.large_pool(at) } else { builder.venue(at) })
}

fn made(seed: u64, scale: Scale, venue: impl Fn(&mut Builder, usize) -> Value) -> AuctionInput {
    let mut random = Random::new(seed);
    // The first two are worth the same, as stable pools want it.
    let price = |random: &mut Random, at| if at < 2 { 1.0 } else { random.between(0.2, 50.0) };
    let assets = (0..scale.assets).map(|at| (price(&mut random, at), 2 * random.whole(2, 5)));
    let mut builder = Builder { assets: assets.collect(), random };
    let assets: Vec<Value> = builder.assets.iter().enumerate().map(|(at, (price, decimals))| {
        json!({ "id": format!("A{at}"), "decimals": decimals, "ref_price": format!("{price:.6}") })
    }).collect();
    let intents: Vec<Value> = (0..scale.intents).map(|at| builder.intent(at, scale.whole)).collect();
    let liquidity: Vec<Value> = (0..scale.venues).map(|at| venue(&mut builder, at)).collect();
    let text = json!({
        "schema": "auction-instance/2", "id": format!("seed-{seed}"), "surplus_cap_ppm": 10_000,
        "assets": assets, "intents": intents, "liquidity": liquidity,
    });
    formats::read(text.to_string().as_bytes()).expect("a valid instance").input
}

impl Random {
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.share())
    }

    fn whole(&mut self, low: i32, high: i32) -> i32 {
        let span = usize::try_from(high - low + 1).expect("a range");
        low + i32::try_from(self.place(span)).expect("small")
    }
}

impl Builder {
    fn amount(&self, asset: usize, value: f64) -> u128 {
        let (price, decimals) = self.assets[asset];
        atoms(value / price * 10_f64.powi(decimals)).max(1)
    }

    fn pair(&mut self) -> [usize; 2] {
        let first = self.random.place(self.assets.len());
        let step = 1 + self.random.place(self.assets.len() - 1);
        [first, (first + step) % self.assets.len()]
    }

    fn intent(&mut self, at: usize, whole: f64) -> Value {
        let is_exact_in = self.random.share() < 0.6;
        let is_one = self.random.share() < 0.2;
        let count = if self.random.share() < 0.6 { 1 } else { 2 };
        let value = self.random.between(20.0, 20_000.0);
        let [first, second] = self.pair();
        let mut options = Vec::new();
        for number in 0..count {
            let other = if number == 0 {
                second
            } else {
                (0..self.assets.len()).find(|at| *at != first && *at != second).unwrap_or(second)
            };
            let limit = 1.0 - self.random.between(0.002, 0.1) + 0.01 * self.random.share();
            let (give, get) = if is_exact_in { (first, other) } else { (other, first) };
            let (sold, bought) = if is_exact_in { (value, value * limit) } else { (value / limit, value) };
            let mut option = json!({
                "sell_asset": format!("A{give}"), "sell_amount": self.amount(give, sold).to_string(),
                "buy_asset": format!("A{get}"), "buy_amount": self.amount(get, bought).to_string(),
            });
            if self.random.share() < 0.3 {
                let share = self.random.between(0.3, 1.0);
                option["max_fixed"] = json!(self.amount(first, value * share).to_string());
            }
            options.push(option);
        }
        json!({
            "id": format!("i{at}"), "kind": if is_exact_in { "exact_in" } else { "exact_out" },
            "fill": if self.random.share() < whole { "fill_or_kill" } else { "partial" },
            "choose": if is_one { "one" } else { "split" }, "options": options,
        })
    }

    fn venue(&mut self, at: usize) -> Value {
        let [first, second] = self.pair();
        let (id, depth) = (format!("l{at}"), self.random.between(3_000.0, 300_000.0));
        let [one, other] = [first, second].map(|asset| self.amount(asset, depth).to_string());
        let assets = [format!("A{first}"), format!("A{second}")];
        let (asset_in, asset_out) = (&assets[0], &assets[1]);
        match places(5.0 * self.random.share()) {
            0 => json!({ "id": id, "type": "weighted", "assets": assets, "reserves": [one, other], "fee_ppm": 1_000,
                "weights": [1, 1] }),
            1 => {
                // Balanced in scaled units, where D is the sum of both.
                let scales = [0, 1].map(|asset| 10_u128.pow(u32::try_from(10 - self.assets[asset].1).expect("small")));
                let reserves = scales.map(|scale| 1_000_000_000_000_000 / scale);
                json!({ "id": id, "type": "stable", "assets": ["A0", "A1"], "fee_ppm": 100, "ann": 400,
                    "d": "2000000000000000", "scale": scales.map(|scale| scale.to_string()),
                    "reserves": reserves.map(|reserve| reserve.to_string()) })
            }
            2 => json!({ "id": id, "type": "ladder", "asset_in": asset_in, "asset_out": asset_out, "levels": [
                { "in": one, "out": self.amount(second, depth * 0.998).to_string() },
                { "in": one, "out": self.amount(second, depth * 0.99).to_string() } ] }),
            3 => json!({ "id": id, "type": "rail", "asset_in": asset_in, "asset_out": asset_out,
                "fixed_fee": self.amount(first, 1.5).to_string(), "fee_ppm": 500,
                "rate_num": other, "rate_den": one, "min_in": self.amount(first, 10.0).to_string(), "max_in": one }),
            _ => {
                json!({ "id": id, "type": "constant_product", "assets": assets, "reserves": [one, other], "fee_ppm": 3_000 })
            }
        }
    }

    fn large_pool(&mut self, at: usize) -> Value {
        let [first, second] = self.pair();
        let (id, depth) = (format!("l{at}"), self.random.between(3_000.0, 300_000.0));
        let coins = [0, 1, 2].map(|step| (first + step) % self.assets.len());
        let assets = coins.map(|coin| format!("A{coin}"));
        match places(3.0 * self.random.share()) {
            0 => {
                let reserves: Vec<String> = (1_u32..)
                    .zip(coins)
                    .map(|(part, coin)| self.amount(coin, depth * f64::from(part)).to_string())
                    .collect();
                json!({ "id": id, "type": "weighted", "assets": assets, "fee_ppm": 1_000, "weights": [1, 2, 3],
                    "reserves": reserves })
            }
            1 => {
                let prices = [first, second].map(|asset| self.assets[asset].0 * 10_f64.powi(-self.assets[asset].1));
                let root = (prices[0] / prices[1]).sqrt();
                let tick = places((2.0 * root.ln() / 1.0001_f64.ln()).abs());
                let tick = i32::try_from(tick).expect("small") * if root < 1.0 { -1 } else { 1 };
                let liquidity = i128::try_from(atoms(depth / prices[1] / root)).expect("small");
                let ticks =
                    [(-4_000, 3 * liquidity), (-300, 5 * liquidity), (200, -6 * liquidity), (5_000, -2 * liquidity)];
                let ticks = ticks.map(|(step, net)| json!({ "index": tick + step, "liquidity_net": net.to_string() }));
                json!({ "id": id, "type": "concentrated", "fee_ppm": 500, "ticks": ticks,
                    "assets": [format!("A{first}"), format!("A{second}")],
                    "sqrt_price": atoms(root * 79_228_162_514_264_337_593_543_950_336.0).to_string() })
            }
            _ => self.venue(at),
        }
    }
}
