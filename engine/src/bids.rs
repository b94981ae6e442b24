//! Solutions while an auction takes them: the last version per solver, bounded in number and bytes.
//!
//! They live in memory until the close; receiving one is no promise that it is durable.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use clearlane_core::auction::{Bundle, Solution};
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::refusal::{Reason, Refusal};

/// The most solvers that may bid in one auction: the log then holds that many solutions an auction.
pub const SOLVERS_MAX: usize = 64;

/// The sealed solutions of the auction that is open, if one is.
#[derive(Debug, Default)]
pub struct Bids(Mutex<Sealed>);

#[derive(Debug, Default)]
struct Sealed {
    open: Option<AuctionId>,
    by_solver: BTreeMap<SolverId, Vec<Bundle>>,
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
    pub fn put(&self, solver: SolverId, auction: AuctionId, bundles: Vec<Bundle>) -> Result<(), Refusal> {
        let mut sealed = self.lock();
        check_open(&sealed, auction)?;
        if sealed.by_solver.len() >= SOLVERS_MAX && !sealed.by_solver.contains_key(&solver) {
            let message = format!("expected at most {SOLVERS_MAX} solvers in one auction");
            return Err(Refusal::new(Reason::Exhausted, "solution", message));
        }
        sealed.by_solver.insert(solver, bundles);
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

    /// Stops taking solutions and hands them over in order of solver.
    #[must_use]
    pub fn close(&self) -> Vec<Solution> {
        let sealed = std::mem::take(&mut *self.lock());
        let Some(auction) = sealed.open else { return Vec::new() };
        sealed.by_solver.into_iter().map(|(solver, bundles)| Solution { solver, auction, bundles }).collect()
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
    use super::*;

    #[test]
    fn the_last_version_counts_and_none_after_the_close() {
        let bids = Bids::default();
        assert!(bids.put(SolverId(1), AuctionId(1), Vec::new()).is_err());
        bids.open(AuctionId(1));
        bids.put(SolverId(2), AuctionId(1), Vec::new()).expect("open");
        bids.put(SolverId(1), AuctionId(1), Vec::new()).expect("open");
        bids.put(SolverId(1), AuctionId(1), vec![Bundle::default()]).expect("replaces");
        bids.put(SolverId(3), AuctionId(1), Vec::new()).expect("open");
        bids.withdraw(SolverId(3), AuctionId(1)).expect("open");
        let solutions = bids.close();
        let shape: Vec<(u32, usize)> = solutions.iter().map(|one| (one.solver.0, one.bundles.len())).collect();
        assert_eq!(shape, [(1, 1), (2, 0)]);
        let late = bids.put(SolverId(1), AuctionId(1), Vec::new());
        assert_eq!(late.map_err(|refusal| refusal.reason), Err(Reason::AuctionClosed));
    }
}
