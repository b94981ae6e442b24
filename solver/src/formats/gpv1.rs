//! Batches of Gnosis Protocol v1: tokens, what accounts hold, and orders, some of them unlimited.
//!
//! The batch itself keeps every amount as it is, since the protocol's objective depends on it. The market beside it is
//! what an engine can hold: orders that can be paid for, amounts of 2^112 atoms and more shrunk with their limit kept.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::gpv1::{BatchInput, BatchOrder};
use clearlane_core::auction::{INTENTS_MAX, RuleSet};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms, SCALE_MAX};
use clearlane_core::names::{DenominationIndex, Name, OwnerIndex};
use clearlane_core::price::Price;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::wide::U256;

use super::limits::shrunk;
use super::node::{Fields, Node};
use super::table::{self, Assets};
use super::{FormatError, Read, admit, alone, cow_legacy};
use crate::market::{Market, MarketAsset, MarketOption, MarketOrder};

/// The fee that the protocol takes, in parts per million.
const FEE_PPM: u128 = 1_000;
/// The file states no cap; the same as for the other captured auctions, so that figures compare.
const SURPLUS_CAP_PPM: u32 = cow_legacy::SURPLUS_CAP_PPM;
/// Digits of a reference price that mean something: they were floats.
const PRICE_DIGITS_MAX: usize = 18;

/// The most tokens: a search keeps a list for each pair of them, a million lists, and the largest captured batch has 86.
const TOKENS_MAX: usize = 1_000;
/// The most accounts: one for each order that a batch may have.
const ACCOUNTS_MAX: usize = INTENTS_MAX;

/// A batch as its file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Balances and orders in full.
    pub input: BatchInput,
    /// What the file calls each order.
    pub names: Vec<OrderName>,
}

/// An account and the number of one of its orders.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderName {
    /// The account.
    pub account: String,
    /// The order's number within the account.
    pub number: u64,
}

impl std::fmt::Display for OrderName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.account, self.number)
    }
}

/// What accounts hold.
struct Accounts {
    owners: BTreeMap<String, (OwnerIndex, Name)>,
    balances: BTreeMap<(OwnerIndex, DenominationIndex), Atoms>,
}

pub(super) fn read(file: &Fields<'_>) -> Result<(Market, Batch), FormatError> {
    let fee = file.need("fee")?.object()?;
    let (fee_token, ratio) = (fee.need("token")?, fee.need("ratio")?);
    if table::decimal(ratio.written().trim_matches('"'), 6) != Some(FEE_PPM) {
        return Err(ratio.refused(Reason::NotSupported, "the protocol's fee, 0.001"));
    }
    let fee_name = fee_token.text()?;
    let assets = read_tokens(&file.need("tokens")?, &fee_name)?;
    let fee_place = assets.place(fee_token.path(), &fee_name);
    let fee_place = fee_place.map_err(|_| fee_token.refused(Reason::UnknownAsset, "a token of the file"))?;
    let accounts = read_accounts(&file.need("accounts")?, &assets)?;
    let orders = read_orders(&file.need("orders")?, &assets, &accounts)?;
    let mut batch = Batch {
        input: BatchInput { fee_token: fee_place, balances: accounts.balances, ..BatchInput::default() },
        names: Vec::new(),
    };
    let mut market = Market {
        rules: RuleSet::Gpv1,
        name: "gpv1".to_owned(),
        surplus_cap_ppm: SURPLUS_CAP_PPM,
        assets: assets.into_list(),
        venues: Vec::new(),
        orders: Vec::new(),
        shared: BTreeMap::new(),
        refused_assets: Vec::new(),
        refused_venues: Vec::new(),
        refused_orders: Vec::new(),
    };
    batch.input.tokens = market.assets.iter().map(|asset| asset.name.clone()).collect();
    let names: BTreeMap<OwnerIndex, Name> = accounts.owners.into_values().collect();
    for (name, order) in orders {
        let order = match order {
            Ok(order) => order,
            Err(refusal) => {
                market.refused_orders.push((name.to_string(), refusal));
                continue;
            }
        };
        let owner = names.get(&order.owner);
        let admitted = owner.ok_or_else(|| unknown_account(&name)).and_then(|owner| {
            let balance = batch.input.balance(order.owner, order.give);
            let admitted = admitted(&name, owner, &order, balance)?;
            market.shared.insert((owner.clone(), order.give), balance);
            Ok(admitted)
        });
        match admitted {
            Ok(admitted) => market.orders.push(admitted),
            Err(refusal) => market.refused_orders.push((name.to_string(), refusal)),
        }
        batch.input.orders.push(order);
        batch.names.push(name);
    }
    Ok((market, batch))
}

fn at_most(node: &Node<'_>, count: usize, most: usize, what: &str) -> Result<(), FormatError> {
    if count <= most {
        return Ok(());
    }
    let message = format!("expected at most {most} {what}, found {count}");
    Err(FormatError::Field { reason: Reason::TooLarge, field: node.path().to_owned(), message })
}

fn read_tokens(node: &Node<'_>, fee_token: &str) -> Result<Assets, FormatError> {
    let tokens = node.object()?.entries();
    at_most(node, tokens.len(), TOKENS_MAX, "tokens")?;
    let mut assets = Assets::default();
    for (token, node) in tokens {
        let name =
            table::name(node.path(), &token).map_err(|_| node.expected("a name of 1 to 64 visible characters"))?;
        let stated = if node.written() == "null" { None } else { Some(node.object()?) };
        let decimals = stated.as_ref().and_then(|token| token.find("decimals"));
        let scale: u8 = decimals.as_ref().map_or(Ok(SCALE_MAX), Node::integer)?;
        if let Some(decimals) = decimals.filter(|_| scale > SCALE_MAX) {
            return Err(decimals.refused(Reason::OutOfRange, "at most 18 decimals"));
        }
        let price = stated.and_then(|token| token.find("externalPrice"));
        let price = price.map(|price| read_price(&price, scale)).transpose()?;
        let price = if token == fee_token { price.or_else(|| Price::parse("1")) } else { price };
        assets.add(MarketAsset { name, scale, price });
    }
    Ok(assets)
}

/// Atoms of the fee token per atom, times 10^18, to whole fee tokens per whole unit.
fn read_price(node: &Node<'_>, scale: u8) -> Result<Price, FormatError> {
    let digits = node.written().trim_matches('"');
    let whole = digits.len().saturating_sub(PRICE_DIGITS_MAX);
    let shift = i16::from(scale) - 2 * i16::from(SCALE_MAX);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let kept = digits.get(..digits.len().saturating_sub(whole)).filter(|_| is_number);
    let price = kept.and_then(Price::parse).zip(i16::try_from(whole).ok());
    let price = price.and_then(|(price, whole)| price.shifted(shift.checked_add(whole)?));
    price.ok_or_else(|| node.expected("a positive whole number that a price can hold"))
}

fn read_accounts(node: &Node<'_>, assets: &Assets) -> Result<Accounts, FormatError> {
    let entries = node.object()?.entries();
    at_most(node, entries.len(), ACCOUNTS_MAX, "accounts")?;
    let mut accounts = Accounts { owners: BTreeMap::new(), balances: BTreeMap::new() };
    for (at, (account, node)) in entries.into_iter().enumerate() {
        let name =
            table::name(node.path(), &account).map_err(|_| node.expected("a name of 1 to 64 visible characters"))?;
        let owner = OwnerIndex::from_at(at);
        for (token, amount) in node.object()?.entries() {
            let token = assets.place(amount.path(), &token);
            let token = token.map_err(|_| amount.refused(Reason::UnknownAsset, "a token of the file"))?;
            accounts.balances.insert((owner, token), amount.atoms()?);
        }
        accounts.owners.insert(account, (owner, name));
    }
    Ok(accounts)
}

type Named = (OrderName, Result<BatchOrder, Refusal>);

fn read_orders(list: &Node<'_>, assets: &Assets, accounts: &Accounts) -> Result<Vec<Named>, FormatError> {
    let nodes = list.list()?;
    at_most(list, nodes.len(), INTENTS_MAX, "orders")?;
    let (mut orders, mut seen) = (Vec::with_capacity(nodes.len()), BTreeSet::new());
    for node in &nodes {
        let fields = node.object()?;
        let number = fields.need("orderID")?;
        let name = OrderName { account: fields.need("accountID")?.text()?, number: number.integer()? };
        if !seen.insert(name.clone()) {
            return Err(number.refused(Reason::AlreadyExists, "a number that an account uses once"));
        }
        orders.push((name.clone(), alone(read_order(&name, &fields, assets, accounts))?));
    }
    Ok(orders)
}

fn read_order(name: &OrderName, fields: &Fields<'_>, assets: &Assets, accounts: &Accounts) -> Read<BatchOrder> {
    let token = |field: &str| -> Read<DenominationIndex> { Ok(assets.place(field, &fields.need(field)?.text()?)) };
    let (give, get) = (admit!(token("sellToken")?), admit!(token("buyToken")?));
    if give == get {
        let message = "expected another token than is sold";
        return Ok(Err(Refusal::new(Reason::NotSupported, "buyToken", message)));
    }
    let mut amounts = [0; 2];
    for (amount, field) in amounts.iter_mut().zip(["sellAmount", "buyAmount"]) {
        *amount = fields.need(field)?.atoms()?;
        if *amount == 0 {
            return Ok(Err(Refusal::new(Reason::AmountZero, field, "expected more than 0 atoms, found 0")));
        }
    }
    let [give_amount, get_amount] = amounts;
    let owner = accounts.owners.get(&name.account).map(|(owner, _)| *owner);
    let order = owner.map(|owner| BatchOrder { owner, give, get, give_amount, get_amount });
    Ok(order.ok_or_else(|| unknown_account(name)))
}

fn unknown_account(name: &OrderName) -> Refusal {
    let message = format!("expected one of the accounts, found {}", name.account);
    Refusal::new(Reason::UnknownAccount, "accountID", message)
}

/// The order as an engine can hold it.
fn admitted(name: &OrderName, owner: &Name, order: &BatchOrder, balance: Atoms) -> Result<MarketOrder, Refusal> {
    if balance == 0 {
        let message = "expected a balance of the token that is sold, found none";
        return Err(Refusal::new(Reason::InsufficientFunds, "accountID", message));
    }
    let amounts = [("sellAmount", order.give_amount), ("buyAmount", order.get_amount)];
    let amounts = amounts.map(|(field, amount)| (field, U256::from(amount)));
    let [give_amount, get_amount] = shrunk(Kind::ExactIn, amounts, true)?;
    let affordable = balance.min(AUCTION_ATOMS_MAX - 1);
    let maximum = (affordable < give_amount).then_some(affordable);
    Ok(MarketOrder {
        name: name.to_string(),
        owner: owner.clone(),
        kind: Kind::ExactIn,
        is_all_or_nothing: false,
        choose: Choose::Split,
        options: vec![MarketOption { give: order.give, get: order.get, give_amount, get_amount, maximum }],
    })
}
