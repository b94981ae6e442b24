//! Liquidity of CoW's `/solve` requests: pools of four kinds, and limit orders of others that sell.
//!
//! Pools with parameters that the core cannot hold exactly are refused by name.

use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{COINS_MAX, ConstantProduct, Ladder, Level, STABLE_SCALE_MAX, Terms, Weighted};

use super::cow_pool::{Holdings, concentrated_of, read_ann, read_fee, read_ticks, read_weights, stable_of, venue_of};
use super::cow_solve::{Tokens, amount, atoms};
use super::node::{Fields, Node};
use super::table;
use super::{FormatError, Read, admit};
use crate::market::MarketVenue;

/// Scaling factors count to this many places, as the pools' own fixed-point numbers do.
const FACTOR_PLACES: u8 = 18;

/// A factor that is not exact keeps at least 17 digits of this.
const FACTOR_KEPT_MIN: Atoms = 100_000_000_000_000_000;

pub(super) fn read(id: &str, node: &Node<'_>, tokens: &mut Tokens) -> Read<MarketVenue> {
    let fields = node.object()?;
    let kind = fields.need("kind")?.text()?;
    let (terms, holdings) = match kind.as_str() {
        "constantProduct" => admit!(read_constant_product(&fields)?),
        "weightedProduct" => admit!(read_weighted(&fields)?),
        "stable" => admit!(read_stable(&fields)?),
        "concentratedLiquidity" => admit!(read_concentrated(&fields)?),
        "limitOrder" => admit!(read_limit_order(&fields)?),
        _ => {
            let message = format!(
                "expected constantProduct, weightedProduct, stable, concentratedLiquidity or limitOrder, found {kind}"
            );
            return Ok(Err(Refusal::new(Reason::NotSupported, "kind", message)));
        }
    };
    let mut places = Vec::with_capacity(holdings.len());
    for (token, _) in &holdings {
        places.push(admit!(tokens.place("tokens", token)));
    }
    if places.iter().enumerate().any(|(at, place)| places.iter().take(at).any(|other| other == place)) {
        return Ok(Err(Refusal::new(Reason::NotSupported, "tokens", "expected different tokens")));
    }
    let reserves: Vec<Atoms> = holdings.iter().map(|(_, reserve)| *reserve).collect();
    if matches!(terms, Terms::Ladder(_)) {
        let name = admit!(table::name("id", id));
        admit!(terms.validate());
        let ([first, second], [_, out]) = (pair(&places), pair(&reserves));
        return Ok(Ok(MarketVenue { name, coins: [first, second].into(), terms, inventory: [0, out].into() }));
    }
    Ok(venue_of(("id", id), terms, &places, ("tokens", &reserves)))
}

/// The first two of a list that has two.
fn pair<T: Copy + Default>(values: &[T]) -> [T; 2] {
    [0, 1].map(|at| values.get(at).copied().unwrap_or_default())
}

/// The tokens of a pool in order of address, each with its entry.
fn entries<'a>(fields: &Fields<'a>) -> Read<Vec<(String, Fields<'a>)>> {
    let mut entries = Vec::new();
    for (token, node) in fields.need("tokens")?.object()?.entries() {
        entries.push((token.to_ascii_lowercase(), node.object()?));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    if !(2..=COINS_MAX).contains(&entries.len()) {
        let message = format!("expected a pool of 2 to {COINS_MAX} tokens, found {}", entries.len());
        return Ok(Err(Refusal::new(Reason::NotSupported, "tokens", message)));
    }
    Ok(Ok(entries))
}

fn holdings(entries: &[(String, Fields<'_>)]) -> Result<Holdings, FormatError> {
    let holding = |(token, entry): &(String, Fields<'_>)| {
        let balance = amount(&entry.need("balance")?)?;
        Ok((token.clone(), Atoms::try_from(balance).unwrap_or(Atoms::MAX)))
    };
    entries.iter().map(holding).collect()
}

fn read_constant_product(fields: &Fields<'_>) -> Read<(Terms, Holdings)> {
    let entries = admit!(entries(fields)?);
    let fee_ppm = admit!(read_fee(&fields.need("fee")?)?);
    Ok(Ok((Terms::ConstantProduct(ConstantProduct { fee_ppm }), holdings(&entries)?)))
}

/// Scaling factors cancel in a weighted product, and its versions differ in how they round only.
fn read_weighted(fields: &Fields<'_>) -> Read<(Terms, Holdings)> {
    let entries = admit!(entries(fields)?);
    let fee_ppm = admit!(read_fee(&fields.need("fee")?)?);
    let weights = entries.iter().map(|(_, entry)| entry.need("weight")?.text()).collect::<Result<Vec<_>, _>>()?;
    let weights = admit!(read_weights(weights.iter().map(String::as_str)));
    Ok(Ok((Terms::Weighted(Weighted { fee_ppm, weights }), holdings(&entries)?)))
}

/// A pool that lists its own share token does not trade it by its invariant.
fn read_stable(fields: &Fields<'_>) -> Read<(Terms, Holdings)> {
    let mut entries = admit!(entries(fields)?);
    let own = fields.find("address").map(|address| address.text()).transpose()?.map(|own| own.to_ascii_lowercase());
    entries.retain(|(token, _)| own.as_ref() != Some(token));
    let fee_ppm = admit!(read_fee(&fields.need("fee")?)?);
    let ann = admit!(read_ann(&fields.need("amplificationParameter")?, entries.len())?);
    let mut factors = Vec::with_capacity(entries.len());
    for (_, entry) in &entries {
        let factor = entry.need("scalingFactor")?;
        let text = factor.text()?;
        let kept =
            text.find('.').and_then(|point| text.get(..point.saturating_add(FACTOR_PLACES.into()).saturating_add(1)));
        let parsed = table::decimal(kept.unwrap_or(&text), FACTOR_PLACES).filter(|factor| *factor > 0);
        let refused = || {
            let message = format!("expected a positive decimal, found {}", factor.written());
            Refusal::new(Reason::NotSupported, factor.path(), message)
        };
        factors.push(admit!(parsed.ok_or_else(refused)));
    }
    let scale = admit!(scales_of(&factors));
    let holdings = holdings(&entries)?;
    let reserves: Vec<Atoms> = holdings.iter().map(|(_, reserve)| *reserve).collect();
    let stable = admit!(stable_of((fee_ppm, ann), &reserves, &scale, "scalingFactor"));
    Ok(Ok((Terms::Stable(stable), holdings)))
}

/// The factors as whole numbers of one unit: the invariant is homogeneous, so that any will do.
fn scales_of(factors: &[u128]) -> Result<Vec<Atoms>, Refusal> {
    let divisor = factors.iter().fold(0, |divisor, factor| table::greatest_common_divisor(divisor, *factor));
    let mut scale: Vec<Atoms> = factors.iter().map(|factor| factor.checked_div(divisor).unwrap_or(0)).collect();
    while scale.iter().any(|scale| *scale > STABLE_SCALE_MAX) {
        if scale.iter().any(|scale| *scale < FACTOR_KEPT_MIN && !scale.is_multiple_of(10)) {
            let message = format!("expected factors whose ratio 18 digits can hold, found {factors:?} in 10^-18");
            return Err(Refusal::new(Reason::NotSupported, "scalingFactor", message));
        }
        scale = scale.iter().map(|scale| scale / 10).collect();
    }
    Ok(scale)
}

fn read_concentrated(fields: &Fields<'_>) -> Read<(Terms, Holdings)> {
    let tokens = fields.need("tokens")?;
    let list = tokens.list()?.iter().map(Node::text).collect::<Result<Vec<_>, _>>()?;
    if list.len() != 2 {
        let message = format!("expected 2 tokens, found {}", list.len());
        return Ok(Err(Refusal::new(Reason::NotSupported, "tokens", message)));
    }
    let fee_ppm = admit!(read_fee(&fields.need("fee")?)?);
    let ticks = read_ticks(&fields.need("liquidityNet")?)?;
    let (sqrt_price, stated) = (amount(&fields.need("sqrtPrice")?)?, atoms(&fields.need("liquidity")?)?);
    let (terms, backing) = admit!(concentrated_of(fee_ppm, sqrt_price, stated, ticks));
    Ok(Ok((terms, list.into_iter().zip(backing).collect())))
}

/// An order that sells its maker token pro rata; the taker pays its fee on top, pro rata too.
fn read_limit_order(fields: &Fields<'_>) -> Read<(Terms, Holdings)> {
    let fee = fields.find("takerTokenFeeAmount").map_or(Ok(0), |fee| atoms(&fee))?;
    let (taker, maker) = (fields.need("takerToken")?.text()?, fields.need("makerToken")?.text()?);
    let amount_in = atoms(&fields.need("takerAmount")?)?.saturating_add(fee);
    let amount_out = atoms(&fields.need("makerAmount")?)?;
    let ladder = Ladder { levels: vec![Level { amount_in, amount_out }] };
    let sold = amount_out.min(AUCTION_ATOMS_MAX - 1);
    Ok(Ok((Terms::Ladder(ladder), vec![(taker, 0), (maker, sold)])))
}
