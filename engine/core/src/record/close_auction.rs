//! Ends the bidding of the open auction.

use crate::breakage::Breakage;
use crate::event::{Event, Outcome};
use crate::names::AuctionId;
use crate::state::State;

pub(super) fn apply(state: &mut State, auction: AuctionId, outcome: &mut Outcome) -> Result<(), Breakage> {
    let Some(pending) = state.auction.as_mut().filter(|pending| pending.input.auction == auction) else {
        // The auction was voided by the time that passed.
        return Ok(());
    };
    if !pending.is_open {
        return Err(Breakage::WrongAuction(auction));
    }
    pending.is_open = false;
    outcome.events.push(Event::AuctionClosed(auction));
    Ok(())
}
