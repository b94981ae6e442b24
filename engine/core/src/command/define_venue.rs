//! Opens a venue, stocked from the commanding party's accounts. An auction in progress doesn't see it.

use std::collections::BTreeSet;

use super::movement::check_funds;
use super::{DefineVenue, Desk, Stop, refuse};
use crate::event::{Accepted, Cause, Event};
use crate::ledger::{AccountKey, Owner};
use crate::money::{AUCTION_ATOMS_MAX, Atoms};
use crate::names::{AccountIndex, AssetIndex, ModuleIndex, VenueIndex};
use crate::refusal::{Reason, Refusal};
use crate::state::{STATE_VENUES_MAX, Venue};
use crate::venue::{COINS_MAX, PerCoin, Terms};

type Coin = (AssetIndex, ModuleIndex);

pub(super) fn apply(desk: &mut Desk<'_>, venue: &DefineVenue) -> Result<Accepted, Stop> {
    check_counts(venue)?;
    let coins = resolve(desk, venue)?;
    check_shape(desk, venue, &coins)?;
    venue.terms.validate()?;
    check_backing(venue)?;
    let sources = sources(desk, venue, &coins)?;
    let row = Venue { owner: desk.party, coins, terms: venue.terms.clone() };
    let Some(at) = desk.state.venues.add(venue.name.clone(), row) else {
        return Err(Refusal::new(Reason::AlreadyExists, "name", format!("venue {} exists", venue.name)).into());
    };
    let owner = Owner::Inventory(VenueIndex::from_at(at));
    for ((asset, module), (amount, source)) in coins.into_iter().zip(venue.inventory.iter().zip(sources)) {
        let stock = desk.state.ledger.open(AccountKey { owner, asset, module });
        let Some(source) = source else { continue };
        let posting = desk.state.ledger.post(source, stock, *amount, Cause::Command(desk.party, desk.id))?;
        desk.events.push(Event::Posted(posting));
    }
    Ok(Accepted::Done)
}

/// As many assets, modules and amounts as the rule has coins; from 2 to [`COINS_MAX`].
fn check_counts(venue: &DefineVenue) -> Result<(), Refusal> {
    let coins = venue.assets.len();
    if !(2..=COINS_MAX).contains(&coins) {
        return refuse(Reason::OutOfRange, "assets", format!("expected from 2 to {COINS_MAX} coins, found {coins}"));
    }
    let counts =
        [("modules", venue.modules.len()), ("inventory", venue.inventory.len()), ("terms", venue.terms.coins())];
    match counts.into_iter().find(|(_, count)| *count != coins) {
        Some((field, count)) => refuse(Reason::OutOfRange, field, format!("expected {coins} coins, found {count}")),
        None => Ok(()),
    }
}

fn resolve(desk: &Desk<'_>, venue: &DefineVenue) -> Result<PerCoin<Coin>, Refusal> {
    let coin = |at: usize, asset, module| {
        let no_asset =
            || Refusal::new(Reason::UnknownAsset, format!("assets[{at}]"), format!("no asset is named {asset}"));
        let no_module =
            || Refusal::new(Reason::UnknownModule, format!("modules[{at}]"), format!("no module is named {module}"));
        let asset = desk.state.asset(asset).ok_or_else(no_asset)?;
        Ok::<Coin, Refusal>((asset, desk.state.module(module).ok_or_else(no_module)?))
    };
    let names = venue.assets.iter().zip(&venue.modules).enumerate();
    let coins = names.map(|(at, (asset, module))| coin(at, asset, module)).collect::<Result<Vec<Coin>, Refusal>>()?;
    Ok(PerCoin::from_slice(&coins).unwrap_or_default())
}

fn check_shape(desk: &Desk<'_>, venue: &DefineVenue, coins: &PerCoin<Coin>) -> Result<(), Refusal> {
    if desk.state.venues.find(&venue.name).is_some() {
        return refuse(Reason::AlreadyExists, "name", format!("venue {} exists", venue.name));
    }
    if desk.state.venues.len() >= STATE_VENUES_MAX {
        return refuse(Reason::Exhausted, "name", format!("expected at most {STATE_VENUES_MAX} venues"));
    }
    let distinct: BTreeSet<&Coin> = coins.iter().collect();
    if distinct.len() < coins.count() {
        return refuse(Reason::OutOfRange, "assets", "expected different coins, found one twice");
    }
    let modules: BTreeSet<ModuleIndex> = coins.iter().map(|(_, module)| *module).collect();
    if modules.len() > 1 && !matches!(venue.terms, Terms::Rail(_)) {
        return refuse(Reason::OutOfRange, "modules", "expected one module, as only rails join two");
    }
    let is_curve = matches!(venue.terms, Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_));
    for (at, amount) in venue.inventory.iter().enumerate() {
        if *amount >= AUCTION_ATOMS_MAX {
            let message = format!("expected less than 2^112 atoms, found {amount}");
            return refuse(Reason::AmountTooLarge, format!("inventory[{at}]"), message);
        }
        if *amount == 0 && is_curve {
            return refuse(Reason::AmountZero, format!("inventory[{at}]"), "expected a positive reserve, found 0");
        }
    }
    Ok(())
}

/// A concentrated pool holds what its ranges may have to give.
fn check_backing(venue: &DefineVenue) -> Result<(), Refusal> {
    let Terms::Concentrated(pool) = &venue.terms else { return Ok(()) };
    let Some(backing) = pool.backing() else {
        return refuse(Reason::OutOfRange, "terms", "expected ranges that give less than 2^128 atoms");
    };
    let mut amounts = venue.inventory.iter().zip(backing).enumerate();
    match amounts.find(|(_, (amount, least))| *amount < least) {
        Some((at, (amount, least))) => {
            let message = format!("expected at least {least} atoms behind its ticks, found {amount}");
            refuse(Reason::OutOfRange, format!("inventory[{at}]"), message)
        }
        None => Ok(()),
    }
}

/// The account that pays for each coin's inventory, where there is one to pay for.
fn sources(desk: &Desk<'_>, venue: &DefineVenue, coins: &PerCoin<Coin>) -> Result<Vec<Option<AccountIndex>>, Refusal> {
    let source = |(at, ((asset, module), amount)): (usize, (&Coin, &Atoms))| {
        if *amount == 0 {
            return Ok(None);
        }
        let field = format!("inventory[{at}]");
        let Some(account) = desk.state.party_account(desk.party, *asset, *module) else {
            return refuse(Reason::UnknownAccount, field, "the commanding party has no account of this coin");
        };
        check_funds(desk, account, *amount, &field)?;
        Ok(Some(account))
    };
    coins.iter().zip(&venue.inventory).enumerate().map(source).collect()
}
