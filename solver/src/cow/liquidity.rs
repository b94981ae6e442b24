//! Venues as CoW's liquidity: pools and ladders of one level, as they stand at the open.

use clearlane_core::auction::{AuctionInput, AuctionVenue};
use clearlane_core::money::{Atoms, MILLION, Rounding, SCALE_MAX, mul_div};
use clearlane_core::names::DenominationIndex;
use clearlane_core::venue::{
    Concentrated, Ladder, PerCoin, Stable, TICK_MAX, Terms, VenueState, Weighted, sqrt_price_at,
};
use clearlane_core::wide::U256;
use serde_json::{Map, Value, json};

use super::question::hashed;

/// One in the unit of weights and scaling factors.
const WHOLE: u128 = 1_000_000_000_000_000_000;
/// Decimals of [`WHOLE`].
const WHOLE_PLACES: usize = 18;

/// A venue of an auction as liquidity, called by its place; none for what the format can't carry.
pub(super) fn liquidity_json(input: &AuctionInput, at: usize, addresses: &[String]) -> Option<Value> {
    let venue = input.venues.get(at)?;
    let tokens = venue.coins.try_map(|coin| addresses.get(coin.at()).map(|_| coin))?;
    let tokens: Vec<&String> = tokens.iter().filter_map(|coin| addresses.get(coin.at())).collect();
    let mut json = match &venue.terms {
        Terms::ConstantProduct(pool) => {
            let entry = |_, balance: Atoms| Some(json!({ "balance": balance.to_string() }));
            json!({ "kind": "constantProduct", "fee": parts(pool.fee_ppm), "tokens": entries(venue, &tokens, entry)?,
                "router": zero(20) })
        }
        Terms::Weighted(pool) => weighted_json(input, venue, &tokens, pool)?,
        Terms::Stable(pool) => stable_json(input, venue, &tokens, pool)?,
        Terms::Concentrated(pool) => concentrated_json(venue, &tokens, pool)?,
        Terms::Ladder(ladder) => ladder_json(venue, &tokens, ladder)?,
        Terms::Rail(_) => return None,
    };
    json["id"] = at.to_string().into();
    json["address"] = hashed("clearlane.solver.cow-liquidity", [venue.name.as_str()]).into();
    json["gasEstimate"] = "0".into();
    Some(json)
}

fn zero(bytes: usize) -> String {
    format!("0x{}", "00".repeat(bytes))
}

/// Parts per million as a decimal.
fn parts(ppm: u32) -> String {
    format!("0.{ppm:06}")
}

/// Parts of [`WHOLE`] as a decimal.
fn decimal(parts: u128) -> String {
    format!("{}.{:0WHOLE_PLACES$}", parts / WHOLE, parts % WHOLE)
}

/// What a pool holds of each coin, in whole atoms.
fn balances(venue: &AuctionVenue) -> Option<PerCoin<Atoms>> {
    let VenueState::Pool { reserves_micro } = &venue.opening else { return None };
    let whole = |micro: U256| Atoms::try_from(micro.checked_div(U256::from(MILLION))?).ok().filter(|whole| *whole > 0);
    reserves_micro.try_map(whole)
}

fn entries(
    venue: &AuctionVenue,
    tokens: &[&String],
    entry: impl Fn(usize, Atoms) -> Option<Value>,
) -> Option<Map<String, Value>> {
    let balances = balances(venue)?;
    let entries = tokens.iter().zip(balances.as_slice()).enumerate();
    entries.map(|(at, (token, balance))| Some(((*token).clone(), entry(at, *balance)?))).collect()
}

/// CoW's weighted pools count in eighteen decimals, so amounts of fewer are scaled up to that.
fn weighted_json(input: &AuctionInput, venue: &AuctionVenue, tokens: &[&String], pool: &Weighted) -> Option<Value> {
    let sum: u128 = pool.weights.iter().copied().map(u128::from).sum();
    let mut shares = pool
        .weights
        .iter()
        .map(|weight| mul_div(WHOLE, u128::from(*weight), sum, Rounding::Down))
        .collect::<Option<Vec<_>>>()?;
    let rest = WHOLE.checked_sub(shares.iter().sum())?;
    *shares.last_mut()? += rest;
    let entry = |at: usize, balance: Atoms| {
        let scale = scale_of(input, *venue.coins.as_slice().get(at)?)?;
        let factor = 10_u128.checked_pow(u32::from(SCALE_MAX.checked_sub(scale)?))?;
        let weight = decimal(*shares.get(at)?);
        Some(json!({ "balance": balance.to_string(), "scalingFactor": factor.to_string(), "weight": weight }))
    };
    let tokens = entries(venue, tokens, entry)?;
    Some(json!({ "kind": "weightedProduct", "fee": parts(pool.fee_ppm), "tokens": tokens, "version": "v3Plus",
        "balancerPoolId": zero(32) }))
}

fn scale_of(input: &AuctionInput, coin: DenominationIndex) -> Option<u8> {
    input.denominations.get(coin.at()).map(|denomination| denomination.scale)
}

/// The invariant is homogeneous: factors are taken so large that the finest coin counts in eighteen decimals.
fn stable_json(input: &AuctionInput, venue: &AuctionVenue, tokens: &[&String], pool: &Stable) -> Option<Value> {
    let finest = venue.coins.iter().map(|coin| scale_of(input, *coin).unwrap_or(SCALE_MAX)).max()?;
    let common = 10_u128.checked_pow(u32::from(SCALE_MAX.checked_sub(finest)?))?;
    let entry = |at: usize, balance: Atoms| {
        let factor = pool.scale.as_slice().get(at)?.checked_mul(common)?;
        Some(json!({ "balance": balance.to_string(), "scalingFactor": factor.to_string() }))
    };
    // A n^(n-1), as the format has it, in millionths; an amplification that is finer can't be said.
    let coins = u64::try_from(tokens.len()).ok()?;
    let millionths = pool.ann.checked_mul(1_000_000)?;
    let parameter = Some(millionths).filter(|all| all.is_multiple_of(coins))?.checked_div(coins)?;
    let parameter = format!("{}.{:06}", parameter / 1_000_000, parameter % 1_000_000);
    let tokens = entries(venue, tokens, entry)?;
    Some(json!({ "kind": "stable", "fee": parts(pool.fee_ppm), "tokens": tokens, "amplificationParameter": parameter,
        "balancerPoolId": zero(32) }))
}

/// Only with its tokens in order of address, by which such pools tell them apart.
fn concentrated_json(venue: &AuctionVenue, tokens: &[&String], pool: &Concentrated) -> Option<Value> {
    let VenueState::Concentrated { sqrt_price, .. } = venue.opening else { return None };
    if !tokens.is_sorted() {
        return None;
    }
    let (liquidity, _) = pool.liquidity_at(sqrt_price);
    let nets: Map<String, Value> =
        pool.ticks().iter().map(|tick| (tick.index.to_string(), tick.liquidity_net.to_string().into())).collect();
    Some(json!({ "kind": "concentratedLiquidity", "fee": parts(pool.fee_ppm()), "tokens": tokens,
        "sqrtPrice": sqrt_price.to_string(), "liquidity": liquidity.to_string(), "tick": tick_at(sqrt_price),
        "liquidityNet": nets, "router": zero(20) }))
}

/// The last tick at or below a price.
fn tick_at(sqrt_price: U256) -> i32 {
    let (mut low, mut high) = (-TICK_MAX, TICK_MAX + 1);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if sqrt_price_at(middle).is_some_and(|price| price <= sqrt_price) { low = middle } else { high = middle }
    }
    low
}

/// A ladder of one level, as much of it as its account can give.
fn ladder_json(venue: &AuctionVenue, tokens: &[&String], ladder: &Ladder) -> Option<Value> {
    let ([level], [taker, maker]) = (ladder.levels.as_slice(), tokens) else { return None };
    let VenueState::Counter { available, .. } = venue.opening else { return None };
    let sold = available.min(level.amount_out);
    let bought = mul_div(sold, level.amount_in, level.amount_out, Rounding::Up)?;
    (sold > 0).then(|| {
        json!({ "kind": "limitOrder", "hash": zero(32), "makerToken": maker, "takerToken": taker,
            "makerAmount": sold.to_string(), "takerAmount": bought.to_string(), "takerTokenFeeAmount": "0" })
    })
}
