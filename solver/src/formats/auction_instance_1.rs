//! `auction-instance/1`: assets with reference prices, intents with options, liquidity of five types.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{INTENTS_MAX, RuleSet, VENUES_MAX};
use clearlane_core::intent::{Choose, Kind, OPTIONS_MAX};
use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms, MILLION, Rounding, SCALE_MAX, mul_div};
use clearlane_core::names::DenominationIndex;
use clearlane_core::price::Price;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{ConstantProduct, LEVELS_MAX, Ladder, Level, Rail, Stable, Terms, Weighted};

use super::node::{Fields, Node};
use super::table::{self, Assets};
use super::{FormatError, Read, admit, alone};
use crate::market::{Market, MarketAsset, MarketOption, MarketOrder, MarketVenue};

/// What the field `schema` says.
pub(super) const SCHEMA: &str = "auction-instance/1";

pub(super) fn read(file: &Fields<'_>) -> Result<Market, FormatError> {
    let assets = read_assets(&file.need("assets")?)?;
    let (venues, refused_venues) = read_each(&file.need("liquidity")?, VENUES_MAX, |node| read_venue(node, &assets))?;
    let (orders, refused_orders) = read_each(&file.need("intents")?, INTENTS_MAX, |node| read_order(node, &assets))?;
    Ok(Market {
        rules: RuleSet::Plain,
        name: file.need("id")?.text()?,
        surplus_cap_ppm: ppm(&file.need("surplus_cap_ppm")?)?,
        assets: assets.into_list(),
        venues,
        orders,
        refused_assets: Vec::new(),
        refused_venues,
        refused_orders,
        shared: BTreeMap::new(),
    })
}

pub(super) type Sorted<T> = (Vec<T>, Vec<(String, Refusal)>);

/// Reads a list of things with ids, each admitted or refused by name.
pub(super) fn read_each<T>(
    list: &Node<'_>,
    most: usize,
    read: impl Fn(&Node<'_>) -> Read<T>,
) -> Result<Sorted<T>, FormatError> {
    let nodes = list.list()?;
    if nodes.len() > most {
        let message = format!("expected at most {most} elements, found {}", nodes.len());
        return Err(FormatError::Field { reason: Reason::TooLarge, field: list.path().to_owned(), message });
    }
    let (mut admitted, mut refused, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for node in &nodes {
        let id = node.object()?.need("id")?;
        let name = id.text()?;
        if !seen.insert(name.clone()) {
            return Err(id.expected("an id that is used once"));
        }
        match alone(read(node))? {
            Ok(thing) => admitted.push(thing),
            Err(refusal) => refused.push((name, refusal)),
        }
    }
    Ok((admitted, refused))
}

pub(super) fn read_assets(list: &Node<'_>) -> Result<Assets, FormatError> {
    let mut assets = Assets::default();
    for node in list.list()? {
        let fields = node.object()?;
        let (id, decimals, price) = (fields.need("id")?, fields.need("decimals")?, fields.find("ref_price"));
        let name = table::name(id.path(), &id.text()?).map_err(|_| id.expected("1 to 64 visible characters"))?;
        let scale: u8 = decimals.integer()?;
        if scale > SCALE_MAX {
            return Err(decimals.expected("at most 18 decimals"));
        }
        let price = price.map(|node| read_price(&node)).transpose()?;
        if !assets.add(MarketAsset { name, scale, price }) {
            return Err(id.expected("an id that is used once"));
        }
    }
    Ok(assets)
}

fn read_price(node: &Node<'_>) -> Result<Price, FormatError> {
    Price::parse(&node.text()?).ok_or_else(|| node.expected("a positive decimal as a string"))
}

pub(super) fn ppm(node: &Node<'_>) -> Result<u32, FormatError> {
    let ppm: u32 = node.integer()?;
    if u128::from(ppm) > MILLION { Err(node.expected("at most 1000000 parts per million")) } else { Ok(ppm) }
}

pub(super) fn read_order(node: &Node<'_>, assets: &Assets) -> Read<MarketOrder> {
    let fields = node.object()?;
    let name = fields.need("id")?.text()?;
    let kind = word(&fields.need("kind")?, &[("exact_in", Kind::ExactIn), ("exact_out", Kind::ExactOut)])?;
    let is_all_or_nothing = word(&fields.need("fill")?, &[("partial", false), ("fill_or_kill", true)])?;
    let choose = word(&fields.need("choose")?, &[("split", Choose::Split), ("one", Choose::One)])?;
    let list = fields.need("options")?;
    let nodes = list.list()?;
    if nodes.is_empty() || nodes.len() > OPTIONS_MAX {
        return Err(list.expected(&format!("1 to {OPTIONS_MAX} options")));
    }
    let mut options = Vec::with_capacity(nodes.len());
    for node in &nodes {
        options.push(admit!(read_option(node, kind, assets)?));
    }
    let fixed_of = |option: &MarketOption| match kind {
        Kind::ExactIn => (option.give, option.give_amount),
        Kind::ExactOut => (option.get, option.get_amount),
    };
    let is_shared = options.windows(2).all(|pair| matches!(pair, [a, b] if fixed_of(a) == fixed_of(b)));
    if choose == Choose::Split && !is_shared {
        return Err(list.expected("options that share the fixed asset and amount"));
    }
    let owner = admit!(table::name("id", &name));
    Ok(Ok(MarketOrder { name, owner, kind, is_all_or_nothing, choose, options }))
}

fn word<T: Copy>(node: &Node<'_>, words: &[(&str, T)]) -> Result<T, FormatError> {
    let text = node.text()?;
    let found = words.iter().find(|(word, _)| *word == text);
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    found.map(|(_, value)| *value).ok_or_else(|| node.expected(&names.join(" or ")))
}

fn read_option(node: &Node<'_>, kind: Kind, assets: &Assets) -> Read<MarketOption> {
    let fields = node.object()?;
    let give = asset(&fields.need("sell_asset")?, assets)?;
    let get = asset(&fields.need("buy_asset")?, assets)?;
    let give_amount = admit!(tradable(&fields.need("sell_amount")?)?);
    let get_amount = admit!(tradable(&fields.need("buy_amount")?)?);
    let option = MarketOption { give, get, give_amount, get_amount, maximum: None };
    let Some(maximum) = fields.find("max_fixed") else { return Ok(Ok(option)) };
    Ok(Ok(MarketOption { maximum: Some(maximum.atoms()?.min(option.fixed(kind))), ..option }))
}

pub(super) fn asset(node: &Node<'_>, assets: &Assets) -> Result<DenominationIndex, FormatError> {
    assets.place(node.path(), &node.text()?).map_err(|_| node.refused(Reason::UnknownAsset, "the id of an asset"))
}

fn tradable(node: &Node<'_>) -> Read<Atoms> {
    Ok(table::tradable(node.path(), node.atoms()?))
}

pub(super) fn read_venue(node: &Node<'_>, assets: &Assets) -> Read<MarketVenue> {
    let fields = node.object()?;
    let kind = fields.need("type")?;
    let name = admit!(table::name("id", &fields.need("id")?.text()?));
    let terms = match kind.text()?.as_str() {
        "constant_product" => Terms::ConstantProduct(ConstantProduct { fee_ppm: ppm(&fields.need("fee_ppm")?)? }),
        "weighted" => Terms::Weighted(admit!(read_weighted(&fields)?)),
        "stable" => Terms::Stable(admit!(read_stable(&fields)?)),
        "ladder" => Terms::Ladder(admit!(read_ladder(&fields)?)),
        "rail" => Terms::Rail(admit!(read_rail(&fields)?)),
        _ => return Err(kind.expected("constant_product, weighted, stable, ladder or rail")),
    };
    let (coins, inventory) = match &terms {
        Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) => {
            let ([a, b], [first, second]) = (fields.need("assets")?.pair()?, fields.need("reserves")?.pair()?);
            ([asset(&a, assets)?, asset(&b, assets)?], [admit!(tradable(&first)?), admit!(tradable(&second)?)])
        }
        Terms::Ladder(_) | Terms::Rail(_) | Terms::Concentrated(_) => {
            let coins = [asset(&fields.need("asset_in")?, assets)?, asset(&fields.need("asset_out")?, assets)?];
            (coins, [0, most_out(&terms)])
        }
    };
    let [first, second] = coins;
    if first == second {
        return Err(node.expected("two different assets"));
    }
    admit!(terms.validate());
    Ok(Ok(MarketVenue { name, coins: coins.into(), terms, inventory: inventory.into() }))
}

/// What a ladder or a rail may have to give: its account holds that much.
fn most_out(terms: &Terms) -> Atoms {
    let most = match terms {
        Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) | Terms::Concentrated(_) => Some(0),
        Terms::Ladder(ladder) => {
            ladder.levels.iter().try_fold(0, |sum: Atoms, level| sum.checked_add(level.amount_out))
        }
        Terms::Rail(rail) => mul_div(rail.max_in, rail.rate_num, rail.rate_den, Rounding::Up),
    };
    most.unwrap_or(Atoms::MAX).min(AUCTION_ATOMS_MAX - 1)
}

fn read_weighted(fields: &Fields<'_>) -> Read<Weighted> {
    let [first, second] = fields.need("weights")?.pair()?;
    let weights = [first.integer::<u64>()?.into(), second.integer::<u64>()?.into()];
    let weights = admit!(table::lowest_terms("weights", weights)).into();
    Ok(Ok(Weighted { fee_ppm: ppm(&fields.need("fee_ppm")?)?, weights }))
}

fn read_stable(fields: &Fields<'_>) -> Read<Stable> {
    let [first, second] = fields.need("scale")?.pair()?;
    Ok(Ok(Stable {
        fee_ppm: ppm(&fields.need("fee_ppm")?)?,
        ann: fields.need("ann")?.integer()?,
        d: fields.need("d")?.atoms()?,
        scale: [admit!(tradable(&first)?), admit!(tradable(&second)?)].into(),
    }))
}

fn read_ladder(fields: &Fields<'_>) -> Read<Ladder> {
    let list = fields.need("levels")?;
    let mut levels = Vec::new();
    for node in list.list()? {
        let level = node.object()?;
        let (amount_in, amount_out) = (level.need("in")?, level.need("out")?);
        let amount_in = admit!(tradable(&amount_in)?);
        levels.push(Level { amount_in, amount_out: admit!(table::bounded(amount_out.path(), amount_out.atoms()?)) });
    }
    if levels.len() > LEVELS_MAX {
        let message = format!("expected at most {LEVELS_MAX} levels, found {}", levels.len());
        return Ok(Err(Refusal::new(Reason::TooLarge, list.path(), message)));
    }
    Ok(Ok(Ladder { levels }))
}

fn read_rail(fields: &Fields<'_>) -> Read<Rail> {
    let amount = |name: &str| -> Read<Atoms> {
        let node = fields.need(name)?;
        Ok(table::bounded(node.path(), node.atoms()?))
    };
    let rate_den = fields.need("rate_den")?;
    Ok(Ok(Rail {
        fixed_fee: admit!(amount("fixed_fee")?),
        fee_ppm: ppm(&fields.need("fee_ppm")?)?,
        rate_num: admit!(amount("rate_num")?),
        rate_den: admit!(tradable(&rate_den)?),
        min_in: admit!(amount("min_in")?),
        max_in: admit!(amount("max_in")?),
        uses_max: 1,
    }))
}
