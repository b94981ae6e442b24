//! The double-entry ledger: every posting debits one account and credits another by the same amount.
//!
//! Contra accounts (`Owner::Issued`) count what was issued into a denomination, so that the other
//! accounts of that denomination always add up to it.

use std::collections::BTreeMap;

use crate::breakage::Breakage;
use crate::event::{Cause, Posting};
use crate::lanes::{Executor, apply_in_partitions};
use crate::money::{Atoms, SUPPLY_MAX};
use crate::names::{AccountIndex, AssetIndex, ModuleIndex, PartyIndex, VenueIndex};

/// Whose account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The contra account of what was issued.
    Issued,
    /// What rounding left over.
    Residual,
    /// What is on its way within one bundle; empty between records.
    Transit,
    /// A party.
    Party(PartyIndex),
    /// What a venue trades with.
    Inventory(VenueIndex),
    /// What a venue earned.
    Fees(VenueIndex),
}

/// What names an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    /// Whose.
    pub owner: Owner,
    /// Of which asset.
    pub asset: AssetIndex,
    /// In which module.
    pub module: ModuleIndex,
}

/// An account's balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What names it.
    pub key: AccountKey,
    /// What it holds; for a contra account, what was issued.
    pub posted: Atoms,
    /// The part of `posted` that an open auction has reserved.
    pub held: Atoms,
}

impl Account {
    /// What can be spent: posted less held.
    #[must_use]
    pub fn free(&self) -> Atoms {
        self.posted.saturating_sub(self.held)
    }
}

/// All accounts, dense, with an index by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    accounts: Vec<Account>,
    index: BTreeMap<AccountKey, AccountIndex>,
}

impl Ledger {
    /// The account of this key, opened empty if there is none.
    pub fn open(&mut self, key: AccountKey) -> AccountIndex {
        let next = AccountIndex::from_at(self.accounts.len());
        let index = *self.index.entry(key).or_insert(next);
        if index == next {
            self.accounts.push(Account { key, posted: 0, held: 0 });
        }
        index
    }

    /// The account of this key, if it was ever opened.
    #[must_use]
    pub fn find(&self, key: AccountKey) -> Option<AccountIndex> {
        self.index.get(&key).copied()
    }

    /// The account at this index.
    #[must_use]
    pub fn account(&self, index: AccountIndex) -> Option<&Account> {
        self.accounts.get(index.at())
    }

    /// What the account at this index can spend; zero if there is none.
    #[must_use]
    pub fn free(&self, index: AccountIndex) -> Atoms {
        self.account(index).map_or(0, Account::free)
    }

    /// Every account, in order of opening.
    pub fn iter(&self) -> impl Iterator<Item = (AccountIndex, &Account)> {
        self.accounts.iter().enumerate().map(|(at, account)| (AccountIndex::from_at(at), account))
    }

    /// The accounts of one owner, in order of asset and module.
    pub fn of_owner(&self, owner: Owner) -> impl Iterator<Item = (AccountIndex, &Account)> {
        self.between(owner, AssetIndex(0), AssetIndex(u32::MAX))
    }

    /// The accounts of one owner in one asset, in order of module.
    pub fn of_owner_in(&self, owner: Owner, asset: AssetIndex) -> impl Iterator<Item = (AccountIndex, &Account)> {
        self.between(owner, asset, asset)
    }

    fn between(
        &self,
        owner: Owner,
        first: AssetIndex,
        last: AssetIndex,
    ) -> impl Iterator<Item = (AccountIndex, &Account)> {
        let lowest = AccountKey { owner, asset: first, module: ModuleIndex(0) };
        let highest = AccountKey { owner, asset: last, module: ModuleIndex(u32::MAX) };
        self.index.range(lowest..=highest).filter_map(|(_, index)| Some((*index, self.account(*index)?)))
    }

    /// Moves `amount` from `debit` to `credit`; a debit of a contra account issues, a credit to one redeems.
    ///
    /// # Errors
    ///
    /// Breaks if an account is missing, its free balance does not cover the debit, the
    /// denominations differ, or more than may exist would be issued.
    pub fn post(
        &mut self,
        debit: AccountIndex,
        credit: AccountIndex,
        amount: Atoms,
        cause: Cause,
    ) -> Result<Posting, Breakage> {
        let posting = Posting { debit, credit, amount, cause };
        let [from, to] = self.legs(&posting)?;
        self.accounts.get_mut(from.account.at()).ok_or(Breakage::AccountMissing(debit))?.take(&from)?;
        self.accounts.get_mut(to.account.at()).ok_or(Breakage::AccountMissing(credit))?.take(&to)?;
        Ok(posting)
    }

    /// Posts all of these, as if one after another; each partition of the accounts has a single writer.
    ///
    /// # Errors
    ///
    /// As [`Ledger::post`], for the first posting that breaks; what the accounts hold is then of no use.
    pub fn post_all(&mut self, postings: &[Posting], executor: &dyn Executor) -> Result<(), Breakage> {
        let mut legs = Vec::with_capacity(postings.len().saturating_mul(2));
        for posting in postings {
            legs.extend(self.legs(posting)?);
        }
        apply_in_partitions(executor, &mut self.accounts, &[legs], |leg: &Leg| leg.account.at(), Account::take)
    }

    fn legs(&self, posting: &Posting) -> Result<[Leg; 2], Breakage> {
        let (debit, credit) = (posting.debit, posting.credit);
        let from = self.account(debit).ok_or(Breakage::AccountMissing(debit))?;
        let to = self.account(credit).ok_or(Breakage::AccountMissing(credit))?;
        if (from.key.asset, from.key.module) != (to.key.asset, to.key.module) {
            return Err(Breakage::DenominationsDiffer { debit, credit });
        }
        let leg = |account, is_debit| Leg { account, is_debit, amount: posting.amount };
        Ok([leg(debit, true), leg(credit, false)])
    }

    /// Holds `amount` of the account's free balance.
    ///
    /// # Errors
    ///
    /// Breaks if the free balance does not cover it.
    pub fn hold(&mut self, index: AccountIndex, amount: Atoms) -> Result<(), Breakage> {
        let account = self.accounts.get_mut(index.at()).ok_or(Breakage::AccountMissing(index))?;
        let held = account.held.checked_add(amount).filter(|held| *held <= account.posted);
        account.held = held.ok_or(Breakage::Overdrawn { account: index, amount })?;
        Ok(())
    }

    /// Releases `amount` of what the account holds.
    ///
    /// # Errors
    ///
    /// Breaks if less is held.
    pub fn release(&mut self, index: AccountIndex, amount: Atoms) -> Result<(), Breakage> {
        let account = self.accounts.get_mut(index.at()).ok_or(Breakage::AccountMissing(index))?;
        account.held = account.held.checked_sub(amount).ok_or(Breakage::Overdrawn { account: index, amount })?;
        Ok(())
    }
}

/// One side of a posting.
#[derive(Clone, Copy, Debug)]
struct Leg {
    account: AccountIndex,
    is_debit: bool,
    amount: Atoms,
}

impl Account {
    /// A contra account grows by debits and shrinks by credits, all others the other way round, never below
    /// what they hold.
    fn take(&mut self, leg: &Leg) -> Result<(), Breakage> {
        let is_contra = self.key.owner == Owner::Issued;
        let posted = match (is_contra, leg.is_debit) {
            (true, true) => self.posted.checked_add(leg.amount).filter(|issued| *issued <= SUPPLY_MAX),
            (true, false) => self.posted.checked_sub(leg.amount),
            (false, true) => self.posted.checked_sub(leg.amount).filter(|left| *left >= self.held),
            (false, false) => self.posted.checked_add(leg.amount),
        };
        self.posted = posted.ok_or(Breakage::Overdrawn { account: leg.account, amount: leg.amount })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{AuctionId, CommandId};

    fn key(owner: Owner) -> AccountKey {
        AccountKey { owner, asset: AssetIndex(0), module: ModuleIndex(0) }
    }

    const CAUSE: Cause = Cause::Command(PartyIndex(0), CommandId([0; 16]));

    #[test]
    fn value_moves_and_never_appears() {
        let mut ledger = Ledger::default();
        let issued = ledger.open(key(Owner::Issued));
        let alice = ledger.open(key(Owner::Party(PartyIndex(0))));
        let bob = ledger.open(key(Owner::Party(PartyIndex(1))));
        ledger.post(issued, alice, 100, CAUSE).expect("issues");
        ledger.hold(alice, 60).expect("holds");
        assert_eq!(ledger.post(alice, bob, 41, CAUSE), Err(Breakage::Overdrawn { account: alice, amount: 41 }));
        ledger.post(alice, bob, 40, Cause::Auction(AuctionId(1))).expect("free part moves");
        assert_eq!(ledger.free(alice), 0);
        ledger.release(alice, 60).expect("releases");
        ledger.post(alice, issued, 60, CAUSE).expect("redeems");
        let total: Vec<Atoms> = ledger.iter().map(|(_, account)| account.posted).collect();
        assert_eq!(total, [40, 0, 40]);
    }

    #[test]
    fn more_than_may_exist_is_never_issued() {
        let mut ledger = Ledger::default();
        let issued = ledger.open(key(Owner::Issued));
        let alice = ledger.open(key(Owner::Party(PartyIndex(0))));
        ledger.post(issued, alice, SUPPLY_MAX, CAUSE).expect("the whole supply");
        assert!(ledger.post(issued, alice, 1, CAUSE).is_err());
    }
}
