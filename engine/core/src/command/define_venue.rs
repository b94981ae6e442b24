//! Opens a venue, stocked from the commanding party's accounts. An auction in progress doesn't see it.

use super::movement::check_funds;
use super::{DefineVenue, Desk, Stop, refuse};
use crate::event::{Accepted, Cause, Event};
use crate::ledger::{AccountKey, Owner};
use crate::money::AUCTION_ATOMS_MAX;
use crate::names::{AccountIndex, AssetIndex, ModuleIndex, VenueIndex};
use crate::refusal::{Reason, Refusal};
use crate::state::{STATE_VENUES_MAX, Venue};
use crate::venue::Terms;

type Coin = (AssetIndex, ModuleIndex);

pub(super) fn apply(desk: &mut Desk<'_>, venue: &DefineVenue) -> Result<Accepted, Stop> {
    let coins = resolve(desk, venue)?;
    check_shape(desk, venue, coins)?;
    venue.terms.validate()?;
    let sources = sources(desk, venue, coins)?;
    let row = Venue { owner: desk.party, coins, terms: venue.terms.clone() };
    let Some(at) = desk.state.venues.add(venue.name.clone(), row) else {
        return Err(Refusal::new(Reason::AlreadyExists, "name", format!("venue {} exists", venue.name)).into());
    };
    let owner = Owner::Inventory(VenueIndex::from_at(at));
    for ((asset, module), (amount, source)) in coins.into_iter().zip(venue.inventory.into_iter().zip(sources)) {
        let stock = desk.state.ledger.open(AccountKey { owner, asset, module });
        let Some(source) = source else { continue };
        let posting = desk.state.ledger.post(source, stock, amount, Cause::Command(desk.party, desk.id))?;
        desk.events.push(Event::Posted(posting));
    }
    Ok(Accepted::Done)
}

fn resolve(desk: &Desk<'_>, venue: &DefineVenue) -> Result<[Coin; 2], Refusal> {
    let coin = |at: usize, asset, module| {
        let no_asset =
            || Refusal::new(Reason::UnknownAsset, format!("assets[{at}]"), format!("no asset is named {asset}"));
        let no_module =
            || Refusal::new(Reason::UnknownModule, format!("modules[{at}]"), format!("no module is named {module}"));
        let asset = desk.state.asset(asset).ok_or_else(no_asset)?;
        Ok::<Coin, Refusal>((asset, desk.state.module(module).ok_or_else(no_module)?))
    };
    let [first, second] = &venue.assets;
    let [first_module, second_module] = &venue.modules;
    Ok([coin(0, first, first_module)?, coin(1, second, second_module)?])
}

fn check_shape(desk: &Desk<'_>, venue: &DefineVenue, coins: [Coin; 2]) -> Result<(), Refusal> {
    let [first, second] = coins;
    if desk.state.venues.find(&venue.name).is_some() {
        return refuse(Reason::AlreadyExists, "name", format!("venue {} exists", venue.name));
    }
    if desk.state.venues.len() >= STATE_VENUES_MAX {
        return refuse(Reason::Exhausted, "name", format!("expected at most {STATE_VENUES_MAX} venues"));
    }
    if first == second {
        return refuse(Reason::OutOfRange, "assets", "expected two different coins, found one twice");
    }
    if first.1 != second.1 && !matches!(venue.terms, Terms::Rail(_)) {
        return refuse(Reason::OutOfRange, "modules", "expected one module, as only rails join two");
    }
    let is_pool = !matches!(venue.terms, Terms::Rail(_) | Terms::Ladder(_));
    for (at, amount) in venue.inventory.into_iter().enumerate() {
        if amount >= AUCTION_ATOMS_MAX {
            let message = format!("expected less than 2^112 atoms, found {amount}");
            return refuse(Reason::AmountTooLarge, format!("inventory[{at}]"), message);
        }
        if amount == 0 && is_pool {
            return refuse(Reason::AmountZero, format!("inventory[{at}]"), "expected a positive reserve, found 0");
        }
    }
    Ok(())
}

fn sources(desk: &Desk<'_>, venue: &DefineVenue, coins: [Coin; 2]) -> Result<[Option<AccountIndex>; 2], Refusal> {
    let source = |at: usize, (asset, module): Coin, amount| {
        if amount == 0 {
            return Ok(None);
        }
        let field = format!("inventory[{at}]");
        let Some(account) = desk.state.party_account(desk.party, asset, module) else {
            return refuse(Reason::UnknownAccount, field, "the commanding party has no account of this coin");
        };
        check_funds(desk, account, amount, &field)?;
        Ok(Some(account))
    };
    let ([first, second], [amount, other]) = (coins, venue.inventory);
    Ok([source(0, first, amount)?, source(1, second, other)?])
}
