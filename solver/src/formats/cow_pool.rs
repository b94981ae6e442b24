//! Pools of the older CoW format: constant-product, weighted, stable and concentrated ones.
//!
//! Pools of other kinds, or with parameters that the core cannot hold exactly, are refused by name.

use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{
    COINS_MAX, Concentrated, ConstantProduct, PerCoin, Stable, Terms, Weighted, sqrt_price_at,
};
use clearlane_core::wide::U256;

use super::node::{Fields, Node};
use super::table::{self, Assets, greatest_common_divisor};
use super::{FormatError, Read, admit};
use crate::market::MarketVenue;

/// Weights are decimals of at most this many places.
const WEIGHT_PLACES: u8 = 18;
/// The amplification parameter is a decimal of at most this many places.
const AMPLIFICATION_PLACES: u8 = 6;
/// Fees are exact in parts per million or refused.
const FEE_PLACES: u8 = 6;

/// A coin of a pool, as the file states it.
struct Coin {
    token: String,
    reserve: Atoms,
    /// A decimal; empty unless the pool is weighted.
    weight: String,
    /// How many of its atoms make one unit of the invariant; 1 unless the pool is stable.
    atoms_a_unit: Atoms,
}

pub(super) fn read(name: &str, node: &Node<'_>, assets: &Assets) -> Read<MarketVenue> {
    let fields = node.object()?;
    let kind = fields.need("kind")?.text()?;
    if !matches!(kind.as_str(), "ConstantProduct" | "WeightedProduct" | "Stable" | "Concentrated") {
        let message = format!("expected ConstantProduct, WeightedProduct, Stable or Concentrated, found {kind}");
        return Ok(Err(Refusal::new(Reason::NotSupported, "kind", message)));
    }
    let fee_ppm = admit!(read_fee(&fields.need("fee")?)?);
    let (terms, coins) = if kind == "Concentrated" {
        admit!(read_concentrated(fee_ppm, &fields.need("pool")?)?)
    } else {
        admit!(read_curve(&kind, fee_ppm, &fields)?)
    };
    let mut places = Vec::with_capacity(coins.len());
    for (token, _) in &coins {
        places.push(admit!(assets.place("reserves", token)));
    }
    let reserves: Vec<Atoms> = coins.iter().map(|(_, reserve)| *reserve).collect();
    Ok(venue_of(("address", name), terms, &places, ("reserves", &reserves)))
}

/// A pool whose coins stand at `places`; the fields are where its name and its reserves stand in the file.
pub(super) fn venue_of(
    (name_field, name): (&str, &str),
    terms: Terms,
    places: &[DenominationIndex],
    (field, reserves): (&str, &[Atoms]),
) -> Result<MarketVenue, Refusal> {
    for reserve in reserves {
        match terms {
            Terms::Concentrated(_) => table::bounded("pool", *reserve)?,
            Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) | Terms::Ladder(_) | Terms::Rail(_) => {
                table::tradable(field, *reserve)?
            }
        };
    }
    if terms.coins() != places.len() {
        let message = format!("expected {} coins, found {}", terms.coins(), places.len());
        return Err(Refusal::new(Reason::NotSupported, field, message));
    }
    let name = table::name(name_field, name)?;
    terms.validate()?;
    Ok(MarketVenue { name, coins: per_coin(places), terms, inventory: per_coin(reserves) })
}

/// The same in a list of at most eight, which is checked before.
pub(super) fn per_coin<T: Copy + Default>(values: &[T]) -> PerCoin<T> {
    PerCoin::from_slice(values).unwrap_or_default()
}

/// A fee below 1, exact in parts per million.
pub(super) fn read_fee(node: &Node<'_>) -> Read<u32> {
    let text = node.text()?;
    let ppm = table::decimal(&text, FEE_PLACES).and_then(|ppm| u32::try_from(ppm).ok()).filter(|ppm| *ppm < 1_000_000);
    let message = || format!("expected a fee below 1 of at most 6 decimals, found {text}");
    Ok(ppm.ok_or_else(|| Refusal::new(Reason::NotSupported, "fee", message())))
}

/// Tokens with what a pool holds of each.
pub(super) type Holdings = Vec<(String, Atoms)>;

fn read_curve(kind: &str, fee_ppm: u32, fields: &Fields<'_>) -> Read<(Terms, Holdings)> {
    let coins = admit!(read_coins(fields)?);
    let terms = match kind {
        "WeightedProduct" => Terms::Weighted(Weighted { fee_ppm, weights: admit!(weights_of(&coins)) }),
        "Stable" => {
            let ann = admit!(read_ann(&fields.need("amplification_parameter")?, coins.len())?);
            let reserves: Vec<Atoms> = coins.iter().map(|coin| coin.reserve).collect();
            Terms::Stable(admit!(stable_of((fee_ppm, ann), &reserves, &scales_of(&coins), "scaling_rates")))
        }
        _ => Terms::ConstantProduct(ConstantProduct { fee_ppm }),
    };
    Ok(Ok((terms, coins.into_iter().map(|coin| (coin.token, coin.reserve)).collect())))
}

/// The coins of a pool, in order of address.
fn read_coins(fields: &Fields<'_>) -> Read<Vec<Coin>> {
    let entries = fields.need("reserves")?.object()?.entries();
    let rates = fields.find("scaling_rates").map(|rates| rates.object()).transpose()?;
    let mut coins = Vec::with_capacity(entries.len());
    for (token, node) in entries {
        let weighted = node.object().ok();
        let (balance, weight) = match &weighted {
            Some(parts) => (parts.need("balance")?, parts.need("weight")?.text()?),
            None => (node, String::new()),
        };
        let reserve = Atoms::try_from(balance.wide_atoms()?).unwrap_or(Atoms::MAX);
        let rate = rates.as_ref().map(|rates| rates.need(&token)).transpose()?;
        let atoms_a_unit = rate.map_or(Ok(1), |rate| rate.atoms())?;
        coins.push(Coin { token, reserve, weight, atoms_a_unit });
    }
    if !(2..=COINS_MAX).contains(&coins.len()) {
        let message = format!("expected a pool of 2 to {COINS_MAX} coins, found {}", coins.len());
        return Ok(Err(Refusal::new(Reason::NotSupported, "reserves", message)));
    }
    Ok(Ok(coins))
}

fn weights_of(coins: &[Coin]) -> Result<PerCoin<u64>, Refusal> {
    read_weights(coins.iter().map(|coin| coin.weight.as_str()))
}

/// Weights from decimals.
pub(super) fn read_weights<'a>(weights: impl Iterator<Item = &'a str>) -> Result<PerCoin<u64>, Refusal> {
    let weights = weights.map(|weight| table::decimal(weight, WEIGHT_PLACES).unwrap_or(0));
    table::weights("weight", &weights.collect::<Vec<u128>>())
}

/// The amplification parameter of the file is Balancer's `A n^(n-1)` without its precision
/// (`getAmplificationParameter` divided by 1,000; `StableMath.sol` multiplies it by n once
/// more, n being the number of coins).
pub(super) fn read_ann(node: &Node<'_>, coins: usize) -> Read<u64> {
    let text = node.text()?;
    let unit = 10_u128.pow(u32::from(AMPLIFICATION_PLACES));
    let product = table::decimal(&text, AMPLIFICATION_PLACES)
        .zip(u128::try_from(coins).ok())
        .and_then(|(parameter, coins)| parameter.checked_mul(coins));
    let ann = product.filter(|product| product.is_multiple_of(unit)).and_then(|product| product.checked_div(unit));
    let message = || format!("expected an amplification parameter that is whole times {coins}, found {text}");
    let refused = || Refusal::new(Reason::NotSupported, node.name(), message());
    Ok(ann.and_then(|ann| u64::try_from(ann).ok()).ok_or_else(refused))
}

/// What one atom of each coin counts: an amount counts `atoms / scaling_rate` in the invariant, which is
/// homogeneous, so that any common multiple serves.
fn scales_of(coins: &[Coin]) -> Vec<Atoms> {
    let multiple = coins.iter().try_fold(1_u128, |multiple, coin| {
        let divisor = greatest_common_divisor(multiple, coin.atoms_a_unit);
        multiple.checked_mul(coin.atoms_a_unit.checked_div(divisor)?)
    });
    let scale_of = |coin: &Coin| multiple.and_then(|multiple| multiple.checked_div(coin.atoms_a_unit)).unwrap_or(0);
    coins.iter().map(scale_of).collect()
}

/// A stable pool with the invariant of its reserves; `field` is where its scales stand in the file.
pub(super) fn stable_of(
    (fee_ppm, ann): (u32, u64),
    reserves: &[Atoms],
    scale: &[Atoms],
    field: &str,
) -> Result<Stable, Refusal> {
    let scaled = reserves.iter().zip(scale).map(|(reserve, scale)| reserve.checked_mul(*scale));
    let d = scaled.collect::<Option<Vec<Atoms>>>().and_then(|scaled| Stable::invariant(ann, &scaled));
    let message = || "expected scaled reserves whose invariant 128 bits can hold".to_owned();
    let d = d.ok_or_else(|| Refusal::new(Reason::NotSupported, field, message()))?;
    Ok(Stable { fee_ppm, ann, d, scale: per_coin(scale) })
}

fn read_concentrated(fee_ppm: u32, node: &Node<'_>) -> Read<(Terms, Holdings)> {
    let pool = node.object()?;
    let mut tokens = Vec::new();
    for token in pool.need("tokens")?.list()? {
        tokens.push(token.object()?.need("id")?.text()?);
    }
    if tokens.len() != 2 {
        let message = format!("expected 2 tokens, found {}", tokens.len());
        return Ok(Err(Refusal::new(Reason::NotSupported, "tokens", message)));
    }
    let state = pool.need("state")?.object()?;
    let sqrt_price: U256 = state.need("sqrt_price")?.wide_atoms()?;
    let stated: Atoms = state.need("liquidity")?.atoms()?;
    let ticks = read_ticks(&state.need("liquidity_net")?)?;
    let (terms, backing) = admit!(concentrated_of(fee_ppm, sqrt_price, stated, ticks));
    Ok(Ok((terms, tokens.into_iter().zip(backing).collect())))
}

/// What liquidity changes by at each tick.
pub(super) fn read_ticks(node: &Node<'_>) -> Result<Vec<(i32, i128)>, FormatError> {
    let mut ticks: Vec<(i32, i128)> = Vec::new();
    for (index, net) in node.object()?.entries() {
        let (index, value) = (index.parse().ok(), net.text()?.parse().ok());
        ticks.push(index.zip(value).ok_or_else(|| net.expected("a tick's whole number of liquidity"))?);
    }
    ticks.sort_unstable();
    Ok(ticks)
}

/// A Uniswap v3 pool and what it holds: as much as its ticks may have to give, which the file does not say.
pub(super) fn concentrated_of(
    fee_ppm: u32,
    sqrt_price: U256,
    stated: Atoms,
    mut ticks: Vec<(i32, i128)>,
) -> Result<(Terms, [Atoms; 2]), Refusal> {
    anchor(&mut ticks, sqrt_price, stated);
    let not_supported = |refusal: Refusal| Refusal { reason: Reason::NotSupported, ..refusal };
    let made = Concentrated::new(fee_ppm, sqrt_price, &ticks).map_err(not_supported)?;
    let message = || "expected ranges that give less than 2^128 atoms".to_owned();
    let backing = made.backing().ok_or_else(|| Refusal::new(Reason::NotSupported, "liquidity", message()))?;
    Ok((Terms::Concentrated(made), backing))
}

/// Makes the liquidity at the price the stated one, as a pool's contract has it: there it is not the sum of the ticks
/// but a number of its own that each tick passed changes. In a snapshot that was not taken at one moment the two differ
/// a little; the outermost ticks take the difference.
fn anchor(ticks: &mut [(i32, i128)], sqrt_price: U256, stated: Atoms) {
    let sum = |is_counted: &dyn Fn(U256) -> bool| {
        let counted = ticks.iter().filter(|(index, _)| sqrt_price_at(*index).is_some_and(is_counted));
        counted.fold(0_i128, |sum, (_, net)| sum.saturating_add(*net))
    };
    let (above, below) = (sum(&|price| price <= sqrt_price), sum(&|price| price < sqrt_price));
    let stated = i128::try_from(stated).unwrap_or(i128::MAX);
    if let ([first, .., last], true) = (ticks, stated != above && stated != below) {
        let missing = stated.saturating_sub(above);
        first.1 = first.1.saturating_add(missing);
        last.1 = last.1.saturating_sub(missing);
    }
}
