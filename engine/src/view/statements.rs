//! The last postings of every account.

use std::collections::{HashMap, VecDeque};

use clearlane_core::event::Posting;
use clearlane_core::names::AccountIndex;
use clearlane_core::time::Timestamp;

/// The entries kept per account; older ones are in the log.
pub const STATEMENT_ENTRIES_MAX: usize = 10_000;
/// The entries kept of all accounts together: a few hundred megabytes, however many accounts there are.
const ENTRIES_MAX: usize = 2_000_000;

/// One line of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// When it was posted.
    pub time: Timestamp,
    /// Whether it arrived here.
    pub is_credit: bool,
    /// The posting.
    pub posting: Posting,
    number: u64,
}

/// The entries by account, and all of them in order.
#[derive(Debug, Default)]
pub(super) struct Statements {
    accounts: HashMap<AccountIndex, VecDeque<Entry>>,
    order: VecDeque<(AccountIndex, u64)>,
    posted: u64,
}

impl Statements {
    pub(super) fn post(&mut self, time: Timestamp, posting: Posting) {
        for (account, is_credit) in [(posting.debit, false), (posting.credit, true)] {
            self.posted += 1;
            let entries = self.accounts.entry(account).or_default();
            if entries.len() >= STATEMENT_ENTRIES_MAX {
                entries.pop_front();
            }
            entries.push_back(Entry { time, is_credit, posting, number: self.posted });
            self.order.push_back((account, self.posted));
            if self.order.len() > ENTRIES_MAX {
                self.forget_oldest();
            }
        }
    }

    pub(super) fn of(&self, account: AccountIndex) -> impl Iterator<Item = &Entry> {
        self.accounts.get(&account).into_iter().flatten()
    }

    fn forget_oldest(&mut self) {
        let Some((account, number)) = self.order.pop_front() else { return };
        let Some(entries) = self.accounts.get_mut(&account) else { return };
        // An account that reached its own maximum has forgotten it before.
        if entries.front().is_some_and(|entry| entry.number == number) {
            entries.pop_front();
        }
        if entries.is_empty() {
            self.accounts.remove(&account);
        }
    }
}
