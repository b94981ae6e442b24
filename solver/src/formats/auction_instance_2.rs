//! `auction-instance/2`: the first schema with more kinds of pool, balances that intents share, and rails that may be
//! used more than once. `docs/AUCTION-INSTANCE.md` describes both.

use std::collections::BTreeMap;

use clearlane_core::auction::{INTENTS_MAX, RuleSet, VENUES_MAX};
use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms};
use clearlane_core::names::{DenominationIndex, Name};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{COINS_MAX, Concentrated, PerCoin, Stable, Terms, Weighted};
use clearlane_core::wide::U256;

use super::auction_instance_1 as first;
use super::node::{Fields, Node};
use super::table::{self, Assets};
use super::{FormatError, Read, admit};
use crate::market::{Market, MarketOrder, MarketVenue};

/// What the field `schema` says.
pub(super) const SCHEMA: &str = "auction-instance/2";

pub(super) fn read(file: &Fields<'_>) -> Result<Market, FormatError> {
    let assets = first::read_assets(&file.need("assets")?)?;
    let venues = first::read_each(&file.need("liquidity")?, VENUES_MAX, |node| read_venue(node, &assets))?;
    let orders = first::read_each(&file.need("intents")?, INTENTS_MAX, |node| read_order(node, &assets))?;
    let shared = file.find("balances").map_or(Ok(BTreeMap::new()), |list| read_balances(&list, &assets))?;
    let ((venues, refused_venues), (orders, refused_orders)) = (venues, orders);
    Ok(Market {
        rules: RuleSet::Plain,
        name: file.need("id")?.text()?,
        surplus_cap_ppm: first::ppm(&file.need("surplus_cap_ppm")?)?,
        assets: assets.into_list(),
        venues,
        orders,
        shared,
        refused_assets: Vec::new(),
        refused_venues,
        refused_orders,
    })
}

/// An intent may name its owner; without one it has an owner of its own.
fn read_order(node: &Node<'_>, assets: &Assets) -> Read<MarketOrder> {
    let order = admit!(first::read_order(node, assets)?);
    let Some(owner) = node.object()?.find("owner") else { return Ok(Ok(order)) };
    let owner = admit!(table::name(owner.path(), &owner.text()?));
    Ok(Ok(MarketOrder { owner, ..order }))
}

fn read_balances(list: &Node<'_>, assets: &Assets) -> Result<BTreeMap<(Name, DenominationIndex), Atoms>, FormatError> {
    let mut balances = BTreeMap::new();
    for node in list.list()? {
        let fields = node.object()?;
        let owner = fields.need("owner")?;
        let name = Name::new(&owner.text()?).ok_or_else(|| owner.expected("1 to 64 visible characters"))?;
        let asset = first::asset(&fields.need("asset")?, assets)?;
        if balances.insert((name, asset), fields.need("amount")?.atoms()?).is_some() {
            return Err(node.expected("one balance of an owner in an asset"));
        }
    }
    Ok(balances)
}

fn read_venue(node: &Node<'_>, assets: &Assets) -> Read<MarketVenue> {
    let fields = node.object()?;
    let kind = fields.need("type")?;
    match kind.text()?.as_str() {
        "weighted" | "stable" => read_curve(node, &fields, assets),
        "concentrated" => read_concentrated(node, &fields, assets),
        "rail" => {
            let mut venue = admit!(first::read_venue(node, assets)?);
            let uses: u32 = fields.find("max_uses").map_or(Ok(1), |uses| uses.integer())?;
            if let Terms::Rail(rail) = &mut venue.terms {
                rail.uses_max = uses;
            }
            // Its account holds what all uses may give.
            let all = |amount: Atoms| amount.saturating_mul(Atoms::from(uses)).min(AUCTION_ATOMS_MAX - 1);
            admit!(venue.terms.validate());
            Ok(Ok(MarketVenue { inventory: venue.inventory.map(all), ..venue }))
        }
        "constant_product" | "ladder" => first::read_venue(node, assets),
        _ => Err(kind.expected("constant_product, weighted, stable, concentrated, ladder or rail")),
    }
}

/// A pool of 2 to 8 assets.
fn read_curve(node: &Node<'_>, fields: &Fields<'_>, assets: &Assets) -> Read<MarketVenue> {
    let coins = read_coins(&fields.need("assets")?, assets)?;
    let inventory =
        admit!(per_coin(&fields.need("reserves")?, |node| Ok(table::tradable(node.path(), node.atoms()?)))?);
    let fee_ppm = first::ppm(&fields.need("fee_ppm")?)?;
    let terms = if fields.need("type")?.text()? == "weighted" {
        let weights = admit!(per_coin(&fields.need("weights")?, |node| Ok(Ok(node.integer::<u64>()?)))?);
        let weights: Vec<u128> = weights.iter().copied().map(u128::from).collect();
        Terms::Weighted(Weighted { fee_ppm, weights: admit!(table::weights("weights", &weights)) })
    } else {
        let scale = admit!(per_coin(&fields.need("scale")?, |node| Ok(table::tradable(node.path(), node.atoms()?)))?);
        Terms::Stable(Stable { fee_ppm, ann: fields.need("ann")?.integer()?, d: fields.need("d")?.atoms()?, scale })
    };
    if coins.count() != terms.coins() || coins.count() != inventory.count() {
        return Err(node.expected("as many assets as reserves and parameters"));
    }
    admit!(terms.validate());
    let name = admit!(table::name("id", &fields.need("id")?.text()?));
    Ok(Ok(MarketVenue { name, coins, terms, inventory }))
}

fn read_concentrated(node: &Node<'_>, fields: &Fields<'_>, assets: &Assets) -> Read<MarketVenue> {
    let coins = read_coins(&fields.need("assets")?, assets)?;
    if coins.count() != 2 {
        return Err(node.expected("two assets"));
    }
    let mut ticks = Vec::new();
    for tick in fields.need("ticks")?.list()? {
        let tick = tick.object()?;
        let (index, net) = (tick.need("index")?, tick.need("liquidity_net")?);
        let number = index.written().parse::<i32>().map_err(|_| index.expected("a whole number"))?;
        let gained = net.text()?.parse::<i128>().map_err(|_| net.expected("a whole number as a string"))?;
        ticks.push((number, gained));
    }
    let sqrt_price: U256 = fields.need("sqrt_price")?.wide_atoms()?;
    let pool = admit!(Concentrated::new(first::ppm(&fields.need("fee_ppm")?)?, sqrt_price, &ticks));
    let too_much = || Refusal::new(Reason::OutOfRange, "ticks", "expected ranges that give less than 2^128 atoms");
    let backing = admit!(pool.backing().ok_or_else(too_much));
    let inventory: PerCoin<Atoms> = match fields.find("reserves") {
        Some(list) => admit!(per_coin(&list, |node| Ok(table::bounded(node.path(), node.atoms()?)))?),
        None => [admit!(table::bounded("ticks", backing[0])), admit!(table::bounded("ticks", backing[1]))].into(),
    };
    if inventory.iter().zip(backing).any(|(held, least)| *held < least) {
        let message = format!("expected at least {} and {} atoms behind its ticks, found less", backing[0], backing[1]);
        return Ok(Err(Refusal::new(Reason::OutOfRange, "reserves", message)));
    }
    let name = admit!(table::name("id", &fields.need("id")?.text()?));
    Ok(Ok(MarketVenue { name, coins, terms: Terms::Concentrated(pool), inventory }))
}

/// 2 to 8 different assets.
fn read_coins(list: &Node<'_>, assets: &Assets) -> Result<PerCoin<DenominationIndex>, FormatError> {
    let coins = per_coin(list, |node| Ok(Ok(first::asset(node, assets)?)))?.unwrap_or_default();
    let places: std::collections::BTreeSet<&DenominationIndex> = coins.iter().collect();
    if places.len() < coins.count() { Err(list.expected("different assets")) } else { Ok(coins) }
}

/// A list of 2 to 8, each read by itself.
fn per_coin<T: Copy + Default>(list: &Node<'_>, read: impl Fn(&Node<'_>) -> Read<T>) -> Read<PerCoin<T>> {
    let nodes = list.list()?;
    if !(2..=COINS_MAX).contains(&nodes.len()) {
        return Err(list.expected(&format!("a list of 2 to {COINS_MAX}")));
    }
    let mut values = Vec::with_capacity(nodes.len());
    for node in &nodes {
        values.push(admit!(read(node)?));
    }
    Ok(Ok(PerCoin::from_slice(&values).unwrap_or_default()))
}
