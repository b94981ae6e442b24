//! One solver's sealed answer, logged after the bidding and before the close.

use crate::auction::Solution;
use crate::breakage::Breakage;
use crate::state::State;

pub(super) fn apply(state: &mut State, solution: &Solution) -> Result<(), Breakage> {
    if state.pending(solution.auction).is_none() {
        // The auction was voided by the time that passed; its answers have no effect.
        return Ok(());
    }
    let is_known = state.solver_party(solution.solver).is_some();
    let Some(pending) = state.auction.as_mut().filter(|_| is_known) else {
        // Nobody bids under the number of the built-in bidder or of no party.
        return Ok(());
    };
    let is_in_order = pending.solutions.last().is_none_or(|last| last.solver < solution.solver);
    if !pending.is_open || !is_in_order {
        return Err(Breakage::WrongAuction(solution.auction));
    }
    pending.solutions.push(solution.clone());
    Ok(())
}
