//! An auction of Clearlane as a request to a CoW solver engine: what the format can carry of it.
//!
//! Gas is free. Names become addresses: an asset that is called by one keeps it, all others get one from a hash. Intents
//! of one option are orders; pools and ladders of one level are liquidity, called by their place.

use std::collections::BTreeMap;
use std::time::SystemTime;

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, Denomination, size_of};
use clearlane_core::hash::Hasher;
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::{DenominationIndex, IntentIndex};
use clearlane_core::wide::U512;
use serde_json::{Map, Value, json};

use super::liquidity::liquidity_json;
use super::moment;
use crate::strategy::tightened;

/// Characters of an address: `0x` and 20 bytes in hexadecimal.
const ADDRESS_CHARACTERS: usize = 42;
/// Characters of 20 bytes in hexadecimal.
const OWNER_CHARACTERS: usize = 40;
/// Wei for 10^18 atoms of one unit each, as a power of ten.
const PRICE_SHIFT: u32 = 36;

/// A request, and what its names mean.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// By CoW's schema.
    pub json: Value,
    /// Orders by uid.
    pub orders: BTreeMap<String, IntentIndex>,
    /// Tokens by address.
    pub tokens: BTreeMap<String, DenominationIndex>,
    /// How many intents and venues the format can't carry.
    pub left_out: (usize, usize),
}

impl Question {
    /// What can be asked of an auction, to be answered by `due`.
    pub(super) fn of(input: &AuctionInput, due: SystemTime) -> Question {
        let addresses = addresses(input);
        let limits = tightened(input);
        let mut orders = BTreeMap::new();
        let mut list = Vec::new();
        for (at, intent) in limits.intents.iter().enumerate() {
            let index = IntentIndex::from_at(at);
            let uid = uid_of(intent);
            let order = order_json(intent, &uid, &addresses, |option| {
                limits.reserves.get(option.reserve.at()).map_or(0, |reserve| reserve.amount)
            });
            if let Some(order) = order.filter(|_| !orders.contains_key(&uid)) {
                orders.insert(uid, index);
                list.push(order);
            }
        }
        let liquidity: Vec<Value> =
            (0..input.venues.len()).filter_map(|at| liquidity_json(input, at, &addresses)).collect();
        let json = json!({
            "id": input.auction.0.to_string(),
            "tokens": tokens_json(input, &addresses),
            "orders": list,
            "liquidity": liquidity,
            "effectiveGasPrice": "0",
            "deadline": moment::text(due),
            "surplusCapturingJitOrderOwners": [],
        });
        Question {
            left_out: (
                input.intents.len().saturating_sub(orders.len()),
                input.venues.len().saturating_sub(liquidity.len()),
            ),
            json,
            orders,
            tokens: addresses
                .into_iter()
                .zip(0..)
                .map(|(address, at)| (address, DenominationIndex::from_at(at)))
                .collect(),
        }
    }
}

/// One address for each denomination.
fn addresses(input: &AuctionInput) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let address = |denomination: &Denomination| {
        let name = denomination.asset.as_str().to_ascii_lowercase();
        if is_address(&name) && seen.insert(name.clone()) {
            return name;
        }
        hashed("clearlane.solver.cow-token", [denomination.asset.as_str(), denomination.module.as_str()])
    };
    input.denominations.iter().map(address).collect()
}

fn is_address(name: &str) -> bool {
    let digits = name.strip_prefix("0x").unwrap_or_default();
    name.len() == ADDRESS_CHARACTERS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 20 bytes of a hash, as an address.
pub(super) fn hashed<const N: usize>(domain: &str, parts: [&str; N]) -> String {
    let mut hasher = Hasher::new(domain);
    for part in parts {
        hasher.bytes(part.as_bytes());
    }
    let digest = hasher.finish().to_string();
    format!("0x{}", digest.get(..OWNER_CHARACTERS).unwrap_or(&digest))
}

/// 32 bytes of hash, 20 of owner, 4 of expiry.
fn uid_of(intent: &AuctionIntent) -> String {
    let digest =
        Hasher::new("clearlane.solver.cow-order").bytes(intent.party.as_str().as_bytes()).bytes(&intent.id.0).finish();
    format!("0x{digest}{}ffffffff", owner_of(intent).trim_start_matches("0x"))
}

fn owner_of(intent: &AuctionIntent) -> String {
    hashed("clearlane.solver.cow-owner", [intent.party.as_str()])
}

fn tokens_json(input: &AuctionInput, addresses: &[String]) -> Map<String, Value> {
    let token = |(denomination, address): (&Denomination, &String)| {
        let token = json!({
            "decimals": denomination.scale,
            "symbol": denomination.asset.as_str(),
            "referencePrice": wei(denomination),
            "availableBalance": "0",
            "trusted": false,
        });
        (address.clone(), token)
    };
    input.denominations.iter().zip(addresses).map(token).collect()
}

/// The value of 10^18 atoms in 10^-18 reference units, rounded down; none if that is nothing.
fn wei(denomination: &Denomination) -> Option<String> {
    let price = denomination.price?;
    let ten = U512::from(10_u8);
    let power = |exponent: u32| ten.checked_pow(U512::from(exponent));
    let down = power(u32::from(price.places()).checked_add(u32::from(denomination.scale))?)?;
    let wei = U512::from(price.mantissa()).checked_mul(power(PRICE_SHIFT)?)?.checked_div(down)?;
    (!wei.is_zero()).then(|| wei.to_string())
}

/// An intent as an order; none if it has several options, or can't be filled as it wants.
fn order_json(
    intent: &AuctionIntent,
    uid: &str,
    addresses: &[String],
    reserve: impl Fn(&AuctionOption) -> Atoms,
) -> Option<Value> {
    let [option] = intent.options.as_slice() else { return None };
    let address = |token: DenominationIndex| addresses.get(token.at());
    let (sell, buy) = (address(option.give)?, address(option.get)?);
    let size = intent.cap_of(option);
    let (given, got) = match intent.kind {
        Kind::ExactIn => {
            let size = size.min(reserve(option));
            (size, mul_div(size, option.get_amount, option.give_amount, Rounding::Up)?)
        }
        Kind::ExactOut => (mul_div(size, option.give_amount, option.get_amount, Rounding::Down)?, size),
    };
    let is_whole = !intent.is_all_or_nothing || intent.fixed_of(given, got) == size_of(intent, 0);
    (sell != buy && given > 0 && got > 0 && is_whole).then(|| {
        json!({
            "uid": uid,
            "sellToken": sell,
            "buyToken": buy,
            "sellAmount": given.to_string(),
            "fullSellAmount": given.to_string(),
            "buyAmount": got.to_string(),
            "fullBuyAmount": got.to_string(),
            "feePolicies": [],
            "validTo": u32::MAX,
            "kind": match intent.kind { Kind::ExactIn => "sell", Kind::ExactOut => "buy" },
            "owner": owner_of(intent),
            "partiallyFillable": !intent.is_all_or_nothing,
            "preInteractions": [],
            "postInteractions": [],
            "sellTokenSource": "erc20",
            "buyTokenDestination": "erc20",
            "class": "limit",
            "appData": format!("0x{}", "0".repeat(64)),
            "signingScheme": "presign",
            "signature": "0x",
        })
    })
}
