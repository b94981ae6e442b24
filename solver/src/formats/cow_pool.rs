//! Pools of the older CoW format: constant-product, weighted and stable ones with two coins.
//!
//! Pools of other kinds, of more coins, or with parameters that the core cannot hold exactly
//! are refused by name.

use clearlane_core::money::Atoms;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{ConstantProduct, PerCoin, Stable, Terms, Weighted};

use super::node::{Fields, Node};
use super::table::{self, Assets, greatest_common_divisor};
use super::{Read, admit};
use crate::market::MarketVenue;

/// Weights are decimals of at most this many places.
const WEIGHT_PLACES: u8 = 18;
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
    if !matches!(kind.as_str(), "ConstantProduct" | "WeightedProduct" | "Stable") {
        let message = format!("expected ConstantProduct, WeightedProduct or Stable, found {kind}");
        return Ok(Err(Refusal::new(Reason::NotSupported, "kind", message)));
    }
    let fee_ppm = admit!(read_fee(&fields.need("fee")?)?);
    let coins = admit!(read_coins(&fields)?);
    let [first, second] = &coins;
    let inventory =
        [admit!(table::tradable("reserves", first.reserve)), admit!(table::tradable("reserves", second.reserve))]
            .into();
    let terms = match kind.as_str() {
        "WeightedProduct" => Terms::Weighted(Weighted { fee_ppm, weights: admit!(weights_of(&coins)) }),
        "Stable" => Terms::Stable(admit!(stable_of(fee_ppm, &fields.need("amplification_parameter")?, &coins)?)),
        _ => Terms::ConstantProduct(ConstantProduct { fee_ppm }),
    };
    let places =
        [admit!(assets.place("reserves", &first.token)), admit!(assets.place("reserves", &second.token))].into();
    let name = admit!(table::name("address", name));
    admit!(terms.validate());
    Ok(Ok(MarketVenue { name, coins: places, terms, inventory }))
}

fn read_fee(node: &Node<'_>) -> Read<u32> {
    let text = node.text()?;
    let ppm = table::decimal(&text, FEE_PLACES).and_then(|ppm| u32::try_from(ppm).ok()).filter(|ppm| *ppm < 1_000_000);
    let message = || format!("expected a fee below 1 of at most 6 decimals, found {text}");
    Ok(ppm.ok_or_else(|| Refusal::new(Reason::NotSupported, "fee", message())))
}

/// The two coins of a pool, in order of address.
fn read_coins(fields: &Fields<'_>) -> Read<[Coin; 2]> {
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
    let message = format!("expected a pool of 2 coins, found {}", coins.len());
    Ok(<[Coin; 2]>::try_from(coins).map_err(|_| Refusal::new(Reason::NotSupported, "reserves", message)))
}

fn weights_of(coins: &[Coin; 2]) -> Result<PerCoin<u64>, Refusal> {
    let [first, second] = coins.each_ref().map(|coin| table::decimal(&coin.weight, WEIGHT_PLACES).unwrap_or(0));
    table::lowest_terms("weight", [first, second]).map(PerCoin::from)
}

/// The amplification parameter of the file is Balancer's `A n^(n-1)` without its precision
/// (`getAmplificationParameter` divided by 1,000; `StableMath.sol` multiplies it by n once
/// more), so for two coins the invariant's coefficient is twice that. An amount counts
/// `atoms / scaling_rate` in the invariant, which is homogeneous: any common multiple serves.
fn stable_of(fee_ppm: u32, amplification: &Node<'_>, coins: &[Coin; 2]) -> Read<Stable> {
    let text = amplification.text()?;
    let ann = text.parse::<u64>().ok().and_then(|parameter| parameter.checked_mul(2));
    let message = || format!("expected a whole amplification parameter, found {text}");
    let ann = admit!(ann.ok_or_else(|| Refusal::new(Reason::NotSupported, "amplification_parameter", message())));
    let [first, second] = coins;
    let divisor = greatest_common_divisor(first.atoms_a_unit, second.atoms_a_unit);
    let scale = [second, first].map(|other| other.atoms_a_unit.checked_div(divisor).unwrap_or(0));
    let [x, y] = [first, second].map(|coin| coin.reserve);
    let [scale_x, scale_y] = scale;
    let scaled = x.checked_mul(scale_x).zip(y.checked_mul(scale_y));
    let d = scaled.and_then(|(x, y)| Stable::invariant(ann, &[x, y]));
    let message = || "expected scaled reserves whose invariant 128 bits can hold".to_owned();
    let d = admit!(d.ok_or_else(|| Refusal::new(Reason::NotSupported, "scaling_rates", message())));
    Ok(Ok(Stable { fee_ppm, ann, d, scale: scale.into() }))
}
