//! The older instance format of CoW Protocol: tokens, orders, and pools keyed by address.
//!
//! The reference asset is ETH: a price in the file is the value of one atom in wei. Gas costs
//! and fees that the file attaches to orders and pools are not part of the auction.

use std::collections::BTreeMap;

use clearlane_core::auction::{INTENTS_MAX, RuleSet, VENUES_MAX};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::SCALE_MAX;
use clearlane_core::names::Name;
use clearlane_core::price::Price;
use clearlane_core::refusal::{Reason, Refusal};

use super::FormatError;
use super::limits::shrunk;
use super::node::{Fields, Node};
use super::table::{self, Assets};
use super::{Read, alone, cow_pool};
use crate::market::{Market, MarketAsset, MarketOption, MarketOrder};

/// The file states no cap; one percent is that of the synthetic instances, so figures compare.
pub const SURPLUS_CAP_PPM: u32 = 10_000;

/// Characters of an order id: `0x`, then 32 bytes of hash, 20 of owner, 4 of expiry, in hexadecimal.
const ORDER_ID_CHARACTERS: usize = 114;
/// Where the owner stands in an order id.
const OWNER_CHARACTERS: std::ops::Range<usize> = 66..106;

pub(super) fn read(file: &Fields<'_>) -> Result<Market, FormatError> {
    let (assets, refused_assets) = read_tokens(&file.need("tokens")?)?;
    let (mut venues, mut refused_venues) = (Vec::new(), Vec::new());
    for (name, node) in at_most(&file.need("amms")?, VENUES_MAX)? {
        match alone(cow_pool::read(&name, &node, &assets))? {
            Ok(venue) => venues.push(venue),
            Err(refusal) => refused_venues.push((name, refusal)),
        }
    }
    let (mut orders, mut refused_orders) = (Vec::new(), Vec::new());
    for (_, node) in at_most(&file.need("orders")?, INTENTS_MAX)? {
        let name = node.object()?.need("id")?.text()?;
        match alone(read_order(&name, &node, &assets))? {
            Ok(order) => orders.push(order),
            Err(refusal) => refused_orders.push((name, refusal)),
        }
    }
    Ok(Market {
        rules: RuleSet::Floor,
        name: read_name(file)?,
        surplus_cap_ppm: SURPLUS_CAP_PPM,
        assets: assets.into_list(),
        venues,
        orders,
        refused_assets,
        refused_venues,
        refused_orders,
        shared: BTreeMap::new(),
    })
}

/// The entries of an object whose keys are addresses or running numbers, the numbers in their order.
fn at_most<'a>(node: &Node<'a>, most: usize) -> Result<Vec<(String, Node<'a>)>, FormatError> {
    let mut entries = node.object()?.entries();
    if entries.len() > most {
        return Err(node.expected(&format!("at most {most} entries")));
    }
    entries.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    Ok(entries)
}

fn read_name(file: &Fields<'_>) -> Result<String, FormatError> {
    let Some(metadata) = file.find("metadata") else { return Ok("cow".to_owned()) };
    let id = metadata.object()?.find("auction_id").map(|id| id.written().trim_matches('"').to_owned());
    Ok(id.unwrap_or_else(|| "cow".to_owned()))
}

fn read_tokens(node: &Node<'_>) -> Result<(Assets, Vec<(String, Refusal)>), FormatError> {
    let (mut assets, mut refused) = (Assets::default(), Vec::new());
    for (name, node) in node.object()?.entries() {
        match read_token(&name, &node)? {
            Ok(asset) => {
                assets.add(asset);
            }
            Err(refusal) => refused.push((name, refusal)),
        }
    }
    Ok((assets, refused))
}

/// A token without decimals is counted in its atoms only by its price, so it is taken at 18.
fn read_token(name: &str, node: &Node<'_>) -> Read<MarketAsset> {
    let fields = node.object()?;
    let scale: u8 = fields.find("decimals").map_or(Ok(SCALE_MAX), |decimals| decimals.integer())?;
    let name = match table::name(node.path(), name) {
        Ok(name) => name,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if scale > SCALE_MAX {
        let message = format!("expected at most {SCALE_MAX} decimals, found {scale}");
        return Ok(Err(Refusal::new(Reason::OutOfRange, "decimals", message)));
    }
    let price = match fields.find("external_price") {
        Some(node) => Some(read_price(&node, scale)?),
        None => None,
    };
    Ok(Ok(MarketAsset { name, scale, price }))
}

/// Wei per atom, as written, to ETH per whole unit: times 10^scale, by 10^18.
fn read_price(node: &Node<'_>, scale: u8) -> Result<Price, FormatError> {
    let shift = i16::from(scale) - i16::from(SCALE_MAX);
    let price = Price::parse(node.written().trim_matches('"')).and_then(|price| price.shifted(shift));
    price.ok_or_else(|| node.expected("a positive number that 96 bits can hold"))
}

fn read_order(id: &str, node: &Node<'_>, assets: &Assets) -> Read<MarketOrder> {
    let fields = node.object()?;
    let is_sell = fields.need("is_sell_order")?.flag()?;
    let is_partial = fields.need("allow_partial_fill")?.flag()?;
    let (sell, buy) = (fields.need("sell_token")?, fields.need("buy_token")?);
    let amount = |field| fields.need(field)?.wide_atoms().map(|amount| (field, amount));
    let named = [amount("sell_amount")?, amount("buy_amount")?];
    let (sell, buy) = (sell.text()?, buy.text()?);
    let admitted = || -> Result<MarketOrder, Refusal> {
        let (give, get) = (assets.place("sell_token", &sell)?, assets.place("buy_token", &buy)?);
        if give == get {
            return Err(Refusal::new(Reason::NotSupported, "buy_token", "expected another token than is sold"));
        }
        let kind = if is_sell { Kind::ExactIn } else { Kind::ExactOut };
        let [give_amount, get_amount] = shrunk(kind, named, is_partial)?;
        Ok(MarketOrder {
            name: id.to_owned(),
            owner: owner_of(id)?,
            kind,
            is_all_or_nothing: !is_partial,
            choose: Choose::Split,
            options: vec![MarketOption { give, get, give_amount, get_amount, maximum: None }],
        })
    };
    Ok(admitted())
}

/// The owner that an order's id names.
pub(super) fn owner_of(id: &str) -> Result<Name, Refusal> {
    let is_id = id.len() == ORDER_ID_CHARACTERS && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let owner = if is_id { id.get(OWNER_CHARACTERS) } else { None };
    let message = || format!("expected an order id of 56 bytes in hexadecimal, found {id}");
    let owner = owner.ok_or_else(|| Refusal::new(Reason::BadName, "id", message()))?;
    table::name("id", &format!("0x{owner}"))
}
