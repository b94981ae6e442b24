//! What must hold after every record, each rule a named function.
//!
//! Called at checkpoints and recovery, by tests and by the simulator.

use std::collections::BTreeMap;

use crate::book::BookIntent;
use crate::breakage::Breakage;
use crate::ledger::{Account, Owner};
use crate::money::Atoms;
use crate::names::AccountIndex;
use crate::state::State;

/// Checks every invariant of the state.
///
/// # Errors
///
/// Breaks with the sentence of the first one that does not hold.
pub fn check_all(state: &State) -> Result<(), Breakage> {
    value_is_conserved(state)?;
    nothing_is_left_in_transit(state)?;
    no_account_holds_more_than_it_has(state)?;
    holds_equal_open_reserves(state)?;
    no_intent_is_over_filled(state)?;
    no_open_intent_is_complete(state)
}

/// In every asset and module, the accounts add up to what was issued.
///
/// # Errors
///
/// Breaks with the denomination and both sums.
pub fn value_is_conserved(state: &State) -> Result<(), Breakage> {
    let mut sums: BTreeMap<_, (Atoms, Atoms)> = BTreeMap::new();
    for (_, account) in state.ledger.iter() {
        let (issued, owned) = sums.entry((account.key.asset, account.key.module)).or_default();
        let side = if account.key.owner == Owner::Issued { issued } else { owned };
        *side = side.saturating_add(account.posted);
    }
    for ((asset, module), (issued, owned)) in sums {
        let what =
            || format!("accounts of asset {} in module {} add up to {owned}, issued {issued}", asset.0, module.0);
        require(issued == owned, what)?;
    }
    Ok(())
}

/// Transit accounts are empty between records.
///
/// # Errors
///
/// Breaks with what is left.
pub fn nothing_is_left_in_transit(state: &State) -> Result<(), Breakage> {
    let transit = |account: &Account| account.key.owner == Owner::Transit;
    state.ledger.iter().filter(|(_, account)| transit(account)).try_for_each(|(index, account)| {
        require(account.posted == 0, || format!("transit account {} holds {} atoms", index.0, account.posted))
    })
}

/// What is held was posted.
///
/// # Errors
///
/// Breaks with the account.
pub fn no_account_holds_more_than_it_has(state: &State) -> Result<(), Breakage> {
    state.ledger.iter().try_for_each(|(index, account)| {
        require(account.held <= account.posted, || format!("account {} holds more than it has", index.0))
    })
}

/// Accounts hold exactly what the auction in progress reserved.
///
/// # Errors
///
/// Breaks with the account and both amounts.
pub fn holds_equal_open_reserves(state: &State) -> Result<(), Breakage> {
    let mut reserved: BTreeMap<AccountIndex, Atoms> = BTreeMap::new();
    if let Some(pending) = &state.auction {
        for (account, reserve) in pending.reserves.iter().zip(&pending.input.reserves) {
            let sum = reserved.entry(*account).or_default();
            *sum = sum.saturating_add(reserve.amount);
        }
    }
    state.ledger.iter().try_for_each(|(index, account)| {
        let expected = reserved.get(&index).copied().unwrap_or(0);
        require(account.held == expected, || {
            format!("account {} holds {}, the open auction reserved {expected}", index.0, account.held)
        })
    })
}

/// No option is filled beyond its maximum, no intent beyond its size.
///
/// # Errors
///
/// Breaks with the intent.
pub fn no_intent_is_over_filled(state: &State) -> Result<(), Breakage> {
    let is_within = |intent: &BookIntent| {
        let full = intent.options.iter().map(|option| option.full(intent.kind)).max().unwrap_or(0);
        intent.filled() <= full && intent.options.iter().all(|option| option.filled <= option.maximum)
    };
    state.book.iter().try_for_each(|(key, intent)| {
        require(is_within(intent), || format!("intent {} is filled beyond its size", key.id))
    })
}

/// A completely filled intent has left the book.
///
/// # Errors
///
/// Breaks with the intent.
pub fn no_open_intent_is_complete(state: &State) -> Result<(), Breakage> {
    state.book.iter().try_for_each(|(key, intent)| {
        require(!intent.is_complete(), || format!("intent {} is complete and open", key.id))
    })
}

fn require(holds: bool, what: impl Fn() -> String) -> Result<(), Breakage> {
    if holds { Ok(()) } else { Err(Breakage::Invariant(what())) }
}
