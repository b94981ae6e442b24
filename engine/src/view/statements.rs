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
#[derive(Debug)]
pub(super) struct Statements {
    accounts: HashMap<AccountIndex, VecDeque<Entry>>,
    order: VecDeque<(AccountIndex, u64)>,
    posted: u64,
    entries_max: usize,
}

impl Default for Statements {
    fn default() -> Statements {
        Statements { accounts: HashMap::new(), order: VecDeque::new(), posted: 0, entries_max: ENTRIES_MAX }
    }
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
            if self.order.len() > self.entries_max {
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

#[cfg(test)]
mod tests {
    use clearlane_core::event::Cause;
    use clearlane_core::names::AuctionId;

    use super::*;

    fn posting(debit: u32, credit: u32) -> Posting {
        let (debit, credit) = (AccountIndex(debit), AccountIndex(credit));
        Posting { debit, credit, amount: 1, cause: Cause::Auction(AuctionId(1)) }
    }

    #[test]
    fn many_accounts_share_one_bound_and_the_oldest_entries_go_first() {
        let mut statements = Statements { entries_max: 6, ..Statements::default() };
        for (time, credit) in [(1, 1), (2, 2), (3, 1), (4, 3), (5, 4)] {
            statements.post(Timestamp(time), posting(0, credit));
        }
        let times = |account| statements.of(AccountIndex(account)).map(|entry| entry.time.0).collect::<Vec<_>>();
        assert_eq!(times(0), [3, 4, 5]);
        assert_eq!(times(1), [3]);
        assert!(times(2).is_empty());
        assert_eq!((times(3), times(4)), (vec![4], vec![5]));
        assert_eq!(statements.accounts.len(), 4, "accounts without entries take no room");
    }

    #[test]
    fn an_account_at_its_own_bound_forgets_no_more_than_that() {
        let mut statements = Statements::default();
        let most = u64::try_from(STATEMENT_ENTRIES_MAX).expect("small");
        for time in 0..most + 5 {
            statements.post(Timestamp(time), posting(0, 1));
        }
        assert_eq!(statements.of(AccountIndex(0)).count(), STATEMENT_ENTRIES_MAX);
        assert_eq!(statements.of(AccountIndex(0)).next().map(|entry| entry.time.0), Some(5));
    }
}
