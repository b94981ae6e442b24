//! The request that CoW Protocol's driver sends to solver engines, `POST /solve`: tokens, orders and liquidity.
//!
//! The reference asset is ETH. Addresses are read as lower case, amounts as decimals or hexadecimals of up to 256 bits.
//! What an order offers is `sellAmount` for `buyAmount`, its limit; what was signed in full is not read.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use clearlane_core::auction::{INTENTS_MAX, RuleSet, VENUES_MAX};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::{Atoms, SCALE_MAX};
use clearlane_core::names::DenominationIndex;
use clearlane_core::price::Price;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::wide::U256;

use super::cow_legacy::{SURPLUS_CAP_PPM, owner_of};
use super::limits::{beyond_volume_fee, shrunk};
use super::node::{Fields, Node};
use super::table::{self, Assets};
use super::{FormatError, Read, admit, alone, cow_liquidity};
use crate::market::{Market, MarketAsset, MarketOption, MarketOrder};

/// A price keeps this many significant digits: as many as 96 bits always hold.
const PRICE_DIGITS_MAX: usize = 28;
/// A price is wei for 10^18 atoms, so that in ETH for one atom it has this many more decimals.
const PRICE_SHIFT: i16 = 36;
/// Protocol fees are decimals of at most this many places.
const FACTOR_PLACES: u8 = 18;

/// What the request says of its orders and pools that no market holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CowTerms {
    /// When an answer is due, as written.
    pub deadline: String,
    /// Wei for a unit of gas.
    pub gas_price: U256,
    /// For each order of the market, whether the solver charges its fee.
    pub has_solver_fee: Vec<bool>,
    /// Units of gas that a use of each venue of the market takes.
    pub gas: Vec<u64>,
    /// Wei for 10^18 atoms of each asset of the market, where the request says so.
    pub prices: Vec<Option<U256>>,
    /// What the settlement holds of each asset of the market, in atoms.
    pub buffers: Vec<Atoms>,
}

/// The tokens of a request, and those that only its liquidity knows.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    assets: Assets,
    refused: BTreeSet<String>,
    /// By place: wei for 10^18 atoms if known, and what the settlement holds.
    stated: BTreeMap<DenominationIndex, (Option<U256>, Atoms)>,
}

pub(super) fn read(file: &Fields<'_>) -> Result<(Market, CowTerms), FormatError> {
    let (mut tokens, refused_assets) = Tokens::read(&file.need("tokens")?)?;
    let mut terms = CowTerms {
        deadline: file.find("deadline").map_or(Ok(String::new()), |deadline| deadline.text())?,
        gas_price: file.find("effectiveGasPrice").map_or(Ok(U256::ZERO), |price| amount(&price))?,
        ..CowTerms::default()
    };
    let (mut venues, mut orders) = (Vec::new(), Vec::new());
    let liquidity = file.find("liquidity");
    let refused_venues = liquidity.map_or(Ok(Vec::new()), |list| {
        each(&list, "id", VENUES_MAX, |name, node| {
            let gas = node.object()?.find("gasEstimate").map_or(Ok(U256::ZERO), |gas| amount(&gas))?;
            venues.push(admit!(cow_liquidity::read(name, node, &mut tokens)?));
            terms.gas.push(gas.saturating_to());
            Ok(Ok(()))
        })
    })?;
    let refused_orders = each(&file.need("orders")?, "uid", INTENTS_MAX, |name, node| {
        let (order, has_solver_fee) = admit!(read_order(name, node, &mut tokens)?);
        orders.push(order);
        terms.has_solver_fee.push(has_solver_fee);
        Ok(Ok(()))
    })?;
    let assets = tokens.assets.into_list();
    let stated = (0..assets.len()).map(|at| tokens.stated.get(&DenominationIndex::from_at(at)).copied());
    (terms.prices, terms.buffers) = stated.map(Option::unwrap_or_default).unzip();
    let market = Market {
        rules: RuleSet::Floor,
        name: file.find("id").map_or_else(|| "cow".to_owned(), |id| id.written().trim_matches('"').to_owned()),
        surplus_cap_ppm: SURPLUS_CAP_PPM,
        assets,
        venues,
        orders,
        refused_assets,
        refused_venues,
        refused_orders,
        shared: BTreeMap::new(),
    };
    Ok((market, terms))
}

/// Reads each element of a list by its id; answers with those that were refused.
fn each(
    list: &Node<'_>,
    id: &str,
    most: usize,
    mut read: impl FnMut(&str, &Node<'_>) -> Read<()>,
) -> Result<Vec<(String, Refusal)>, FormatError> {
    let nodes = list.list()?;
    if nodes.len() > most {
        return Err(list.expected(&format!("at most {most} elements")));
    }
    let (mut refused, mut seen) = (Vec::new(), BTreeSet::new());
    for node in &nodes {
        let id = node.object()?.need(id)?;
        let name = id.text()?;
        let is_new = seen.insert(name.clone());
        let again = || Refusal::new(Reason::NotSupported, id.path(), "expected an id that is used once");
        let read = if is_new { alone(read(&name, node))? } else { Err(again()) };
        if let Err(refusal) = read {
            refused.push((name, refusal));
        }
    }
    Ok(refused)
}

/// An amount, in decimals or, after `0x`, in hexadecimals.
pub(super) fn amount(node: &Node<'_>) -> Result<U256, FormatError> {
    match node.text().ok().filter(|text| text.starts_with("0x")) {
        Some(text) => {
            let malformed = || node.refused(Reason::AmountMalformed, "an amount of at most 256 bits");
            U256::from_str(&text).map_err(|_| malformed())
        }
        None => node.wide_atoms(),
    }
}

/// An amount that an order or a pool may have.
pub(super) fn atoms(node: &Node<'_>) -> Result<Atoms, FormatError> {
    let large = |_| node.refused(Reason::AmountTooLarge, "an amount below 2^128");
    Atoms::try_from(amount(node)?).map_err(large)
}

impl Tokens {
    fn read(node: &Node<'_>) -> Result<(Tokens, Vec<(String, Refusal)>), FormatError> {
        let (mut tokens, mut refused) = (Tokens::default(), Vec::new());
        for (name, node) in node.object()?.entries() {
            let name = name.to_ascii_lowercase();
            match read_token(&name, &node)? {
                Ok((asset, stated)) => {
                    if !tokens.assets.add(asset) {
                        return Err(node.expected("a token that is listed once"));
                    }
                    let place = tokens.assets.place(node.path(), &name);
                    tokens.stated.extend(place.ok().map(|place| (place, stated)));
                }
                Err(refusal) => {
                    tokens.refused.insert(name.clone());
                    refused.push((name, refusal));
                }
            }
        }
        Ok((tokens, refused))
    }

    /// The place of a token by its address; one that is not listed is an asset without a price.
    pub(super) fn place(&mut self, field: &str, address: &str) -> Result<DenominationIndex, Refusal> {
        let address = address.to_ascii_lowercase();
        if !self.refused.contains(&address) {
            let name = table::name(field, &address)?;
            self.assets.add(MarketAsset { name, scale: SCALE_MAX, price: None });
        }
        self.assets.place(field, &address)
    }
}

/// A token without decimals is counted in its atoms only by its price, so it is taken at 18.
fn read_token(name: &str, node: &Node<'_>) -> Read<(MarketAsset, (Option<U256>, Atoms))> {
    let fields = node.object()?;
    let scale: u8 = fields.find("decimals").map_or(Ok(SCALE_MAX), |decimals| decimals.integer())?;
    let name = admit!(table::name(node.path(), name));
    if scale > SCALE_MAX {
        let message = format!("expected at most {SCALE_MAX} decimals, found {scale}");
        return Ok(Err(Refusal::new(Reason::OutOfRange, "decimals", message)));
    }
    let wei = fields.find("referencePrice").map(|price| amount(&price)).transpose()?.filter(|wei| !wei.is_zero());
    let price = admit!(wei.map(|wei| price_of(wei, scale)).transpose());
    // Only rounding is paid from it, so what can't be read is as good as nothing.
    let buffer = fields.find("availableBalance").and_then(|balance| amount(&balance).ok()).unwrap_or_default();
    Ok(Ok((MarketAsset { name, scale, price }, (wei, buffer.saturating_to()))))
}

/// Wei for 10^18 atoms to ETH for a whole unit, digits beyond the 28th dropped.
fn price_of(wei: U256, scale: u8) -> Result<Price, Refusal> {
    let digits = wei.to_string();
    let kept = digits.get(..PRICE_DIGITS_MAX).unwrap_or(&digits);
    let dropped = i16::try_from(digits.len().saturating_sub(kept.len())).unwrap_or(i16::MAX);
    let shift = i16::from(scale).saturating_add(dropped).saturating_sub(PRICE_SHIFT);
    let message = || format!("expected a price that 96 bits can hold, found {digits}");
    let price = Price::parse(kept).and_then(|price| price.shifted(shift));
    price.ok_or_else(|| Refusal::new(Reason::OutOfRange, "referencePrice", message()))
}

/// An order, and whether the solver charges its fee.
fn read_order(uid: &str, node: &Node<'_>, tokens: &mut Tokens) -> Read<(MarketOrder, bool)> {
    let fields = node.object()?;
    let kind = match fields.need("kind")?.text()?.as_str() {
        "sell" => Kind::ExactIn,
        "buy" => Kind::ExactOut,
        _ => return Err(fields.need("kind")?.expected("sell or buy")),
    };
    let is_partial = fields.need("partiallyFillable")?.flag()?;
    let side = |field| amount(&fields.need(field)?).map(|amount| (field, amount));
    let amounts = [side("sellAmount")?, side("buyAmount")?];
    let addresses = [fields.need("sellToken")?.text()?, fields.need("buyToken")?.text()?];
    let owner = fields.find("owner").map(|owner| owner.text()).transpose()?;
    let factor = admit!(volume_factor(&fields)?);
    let class = fields.need("class")?.text()?;
    if !matches!(class.as_str(), "limit" | "market") {
        let message = format!("expected limit or market, found {class}");
        return Ok(Err(Refusal::new(Reason::NotSupported, "class", message)));
    }
    admit!(no_wrappers(&fields)?);
    let mut admitted = || -> Result<MarketOrder, Refusal> {
        let [sell, buy] = &addresses;
        let (give, get) = (tokens.place("sellToken", sell)?, tokens.place("buyToken", buy)?);
        if give == get {
            return Err(Refusal::new(Reason::NotSupported, "buyToken", "expected another token than is sold"));
        }
        let amounts = beyond_volume_fee(kind, amounts, factor)?;
        let [give_amount, get_amount] = shrunk(kind, amounts, is_partial)?;
        Ok(MarketOrder {
            name: uid.to_owned(),
            owner: match &owner {
                Some(owner) => table::name("owner", &owner.to_ascii_lowercase())?,
                None => owner_of(uid)?,
            },
            kind,
            is_all_or_nothing: !is_partial,
            choose: Choose::Split,
            options: vec![MarketOption { give, get, give_amount, get_amount, maximum: None }],
        })
    };
    Ok(admitted().map(|order| (order, class == "limit")))
}

/// What the protocol takes of an order's volume, in 10^-18: the surplus must cover it. A share of the surplus breaks no
/// limit, so other policies change nothing here.
fn volume_factor(order: &Fields<'_>) -> Read<u128> {
    let mut sum = 0_u128;
    let Some(policies) = order.find("feePolicies") else { return Ok(Ok(sum)) };
    for policy in policies.list()? {
        let policy = policy.object()?;
        let kind = policy.need("kind")?;
        match kind.text()?.as_str() {
            "volume" => {
                let factor = policy.need("factor")?;
                let parsed = table::decimal(factor.written().trim_matches('"'), FACTOR_PLACES);
                let below_one = parsed.filter(|factor| *factor < 10_u128.pow(u32::from(FACTOR_PLACES)));
                let message =
                    || format!("expected a factor below 1 of at most 18 decimals, found {}", factor.written());
                let refused = || Refusal::new(Reason::NotSupported, factor.path(), message());
                sum = sum.saturating_add(admit!(below_one.ok_or_else(refused)));
            }
            "surplus" | "priceImprovement" => {}
            _ => return Err(kind.expected("surplus, priceImprovement or volume")),
        }
    }
    Ok(Ok(sum))
}

/// A wrapper that may not be left out is a call that no bundle can carry.
fn no_wrappers(order: &Fields<'_>) -> Read<()> {
    let Some(wrappers) = order.find("wrappers") else { return Ok(Ok(())) };
    for wrapper in wrappers.list()? {
        let is_omittable = wrapper.object()?.find("isOmittable").map_or(Ok(false), |flag| flag.flag())?;
        if !is_omittable {
            let message = "expected an order without a wrapper that must be called";
            return Ok(Err(Refusal::new(Reason::NotSupported, "wrappers", message)));
        }
    }
    Ok(Ok(()))
}
