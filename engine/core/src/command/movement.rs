//! Deposits and withdrawals: value enters and leaves through the contra account of its denomination.

use super::{Desk, Movement, Stop, refuse};
use crate::event::{Accepted, Cause, Event};
use crate::ledger::{AccountKey, Owner};
use crate::money::{Atoms, SUPPLY_MAX};
use crate::names::{AccountIndex, AssetIndex, ModuleIndex, PartyIndex};
use crate::refusal::{Reason, Refusal};

pub(super) fn deposit(desk: &mut Desk<'_>, movement: &Movement) -> Result<Accepted, Stop> {
    let (party, asset, module) = resolve(desk, movement)?;
    let issued = AccountKey { owner: Owner::Issued, asset, module };
    let so_far = desk.state.ledger.find(issued).and_then(|index| desk.state.ledger.account(index));
    let so_far = so_far.map_or(0, |account| account.posted);
    if so_far.checked_add(movement.amount).is_none_or(|sum| sum > SUPPLY_MAX) {
        let message = format!("expected at most {SUPPLY_MAX} atoms in all, {so_far} are issued already");
        refuse(Reason::AmountTooLarge, "amount", message)?;
    }
    let debit = desk.state.ledger.open(issued);
    let credit = desk.state.ledger.open(AccountKey { owner: Owner::Party(party), asset, module });
    post(desk, debit, credit, movement.amount)
}

pub(super) fn withdraw(desk: &mut Desk<'_>, movement: &Movement) -> Result<Accepted, Stop> {
    let (party, asset, module) = resolve(desk, movement)?;
    let missing = || {
        let message = format!("{} has no account of {} in {}", movement.party, movement.asset, movement.module);
        Refusal::new(Reason::UnknownAccount, "party", message)
    };
    let debit = desk.state.party_account(party, asset, module).ok_or_else(missing)?;
    check_funds(desk, debit, movement.amount, "amount")?;
    let credit = desk.state.ledger.open(AccountKey { owner: Owner::Issued, asset, module });
    post(desk, debit, credit, movement.amount)
}

/// Refuses what the account's free balance does not cover, naming the held part.
pub(super) fn check_funds(desk: &Desk<'_>, account: AccountIndex, amount: Atoms, field: &str) -> Result<(), Refusal> {
    let Some(found) = desk.state.ledger.account(account) else {
        return refuse(Reason::UnknownAccount, field, "the account does not exist");
    };
    if found.free() < amount {
        let message = format!("expected {amount} atoms, found {} free and {} held", found.free(), found.held);
        return refuse(Reason::InsufficientFunds, field, message);
    }
    Ok(())
}

pub(super) fn post(
    desk: &mut Desk<'_>,
    debit: AccountIndex,
    credit: AccountIndex,
    amount: Atoms,
) -> Result<Accepted, Stop> {
    let posting = desk.state.ledger.post(debit, credit, amount, Cause::Command(desk.party, desk.id))?;
    desk.events.push(Event::Posted(posting));
    Ok(Accepted::Done)
}

fn resolve(desk: &Desk<'_>, movement: &Movement) -> Result<(PartyIndex, AssetIndex, ModuleIndex), Refusal> {
    let state = &desk.state;
    let no = |reason, field: &str, name: &dyn std::fmt::Display| {
        Refusal::new(reason, field, format!("no {field} is named {name}"))
    };
    let party = state.party(&movement.party).ok_or_else(|| no(Reason::UnknownParty, "party", &movement.party))?;
    let asset = state.asset(&movement.asset).ok_or_else(|| no(Reason::UnknownAsset, "asset", &movement.asset))?;
    let module = state.module(&movement.module).ok_or_else(|| no(Reason::UnknownModule, "module", &movement.module))?;
    if movement.amount == 0 {
        return refuse(Reason::AmountZero, "amount", "expected a positive amount, found 0");
    }
    Ok((party, asset, module))
}
