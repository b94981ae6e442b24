//! Solutions while an auction takes them: the last version per solver, bounded in number and bytes.
//!
//! They live in memory until the close; receiving one is no promise that it is durable.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use clearlane_core::auction::Solution;
use clearlane_core::names::{AuctionId, PublicKey, SolverId};
use clearlane_core::refusal::{Reason, Refusal};

use crate::keys::ActiveKeys;

/// The most solvers that may bid in one auction: the log then holds that many solutions an auction.
pub const SOLVERS_MAX: usize = 64;

/// The sealed solutions of the auction that is open, if one is.
#[derive(Debug, Default)]
pub struct Bids(Mutex<Sealed>);

#[derive(Debug, Default)]
struct Sealed {
    open: Option<AuctionId>,
    by_solver: BTreeMap<SolverId, Bid>,
}

/// One solver's sealed solution.
#[derive(Debug)]
struct Bid {
    /// The key that sent it; it must still be active when the bidding ends.
    key: PublicKey,
    solution: Solution,
}

impl Bids {
    /// Starts taking solutions for an auction.
    pub fn open(&self, auction: AuctionId) {
        *self.lock() = Sealed { open: Some(auction), by_solver: BTreeMap::new() };
    }

    /// Takes a solution in place of the solver's earlier one.
    ///
    /// # Errors
    ///
    /// `AUCTION_CLOSED` if that auction does not take solutions, `RESOURCE_EXHAUSTED` if too many solvers bid.
    pub fn put(&self, key: PublicKey, solution: Solution) -> Result<(), Refusal> {
        let solver = solution.solver;
        let mut sealed = self.lock();
        check_open(&sealed, solution.auction)?;
        if sealed.by_solver.len() >= SOLVERS_MAX && !sealed.by_solver.contains_key(&solver) {
            let message = format!("expected at most {SOLVERS_MAX} solvers in one auction");
            return Err(Refusal::new(Reason::Exhausted, "solution", message));
        }
        sealed.by_solver.insert(solver, Bid { key, solution });
        Ok(())
    }

    /// Takes the solver's solution back.
    ///
    /// # Errors
    ///
    /// `AUCTION_CLOSED` if that auction does not take solutions.
    pub fn withdraw(&self, solver: SolverId, auction: AuctionId) -> Result<(), Refusal> {
        let mut sealed = self.lock();
        check_open(&sealed, auction)?;
        sealed.by_solver.remove(&solver);
        Ok(())
    }

    /// Stops taking solutions and hands them over in order of solver, but for those whose key no longer bids.
    #[must_use]
    pub fn close(&self, keys: &ActiveKeys) -> Vec<Solution> {
        let sealed = std::mem::take(&mut *self.lock());
        let bids = sealed.by_solver.into_iter().filter(|(solver, bid)| keys.solver_of(&bid.key) == Some(*solver));
        bids.map(|(_, bid)| bid.solution).collect()
    }

    /// Stops taking solutions for an auction that is over.
    pub fn discard(&self) {
        *self.lock() = Sealed::default();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sealed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_open(sealed: &Sealed, auction: AuctionId) -> Result<(), Refusal> {
    if sealed.open == Some(auction) {
        return Ok(());
    }
    let message = match sealed.open {
        Some(open) => format!("expected auction {}, found {}", open.0, auction.0),
        None => format!("auction {} takes no more solutions", auction.0),
    };
    Err(Refusal::new(Reason::AuctionClosed, "auction", message))
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::Bundle;
    use clearlane_core::command::{Action, Command, RevokeKey, Role};
    use clearlane_core::config::Config;
    use clearlane_core::hash::Hash;
    use clearlane_core::names::{CommandId, Name, PartyIndex};
    use clearlane_core::state::{KeyGrant, State};

    use super::*;

    /// Three solvers' keys, and a state in which they may bid.
    fn state() -> (State, [PublicKey; 3]) {
        let name = |text: &str| Name::new(text).expect("a name");
        let mut state = State::new(Config::new(name("cell"), name("EUR")));
        let keys = [1, 2, 3].map(|number| PublicKey([number; 32]));
        for (party, key) in (0..).zip(keys) {
            let grant = KeyGrant { party: PartyIndex(party), role: Role::Solver, is_active: true };
            state.keys.insert(key, grant);
        }
        (state, keys)
    }

    fn answer(solver: u32, bundles: usize) -> Solution {
        let bundles = vec![Bundle::default(); bundles];
        Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None }
    }

    fn shape(solutions: &[Solution]) -> Vec<(u32, usize)> {
        solutions.iter().map(|one| (one.solver.0, one.bundles.len())).collect()
    }

    #[test]
    fn the_last_version_counts_and_none_after_the_close() {
        let (state, [first, second, third]) = state();
        let bids = Bids::default();
        assert!(bids.put(first, answer(1, 0)).is_err());
        bids.open(AuctionId(1));
        bids.put(second, answer(2, 0)).expect("open");
        bids.put(first, answer(1, 0)).expect("open");
        bids.put(first, answer(1, 1)).expect("replaces");
        bids.put(third, answer(3, 0)).expect("open");
        bids.withdraw(SolverId(3), AuctionId(1)).expect("open");
        assert_eq!(shape(&bids.close(&ActiveKeys::of(&state))), [(1, 1), (2, 0)]);
        let late = bids.put(first, answer(1, 0));
        assert_eq!(late.map_err(|refusal| refusal.reason), Err(Reason::AuctionClosed));
    }

    #[test]
    fn a_key_that_was_revoked_after_it_bid_does_not_bid() {
        let (mut state, [first, second, _]) = state();
        let keys = ActiveKeys::of(&state);
        let bids = Bids::default();
        bids.open(AuctionId(1));
        bids.put(first, answer(1, 0)).expect("open");
        bids.put(second, answer(2, 0)).expect("open");
        state.keys.get_mut(&first).expect("a grant").is_active = false;
        let action = Action::RevokeKey(RevokeKey { key: first });
        let revoked = Command { id: CommandId::default(), digest: Hash([0; 32]), action };
        keys.take_in(&state, &[revoked]);
        assert_eq!(shape(&bids.close(&keys)), [(2, 0)]);
    }
}
