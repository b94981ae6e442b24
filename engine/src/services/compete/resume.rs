//! What a solver missed: the results of the auctions that ended while it was away, from the view that readers see, which
//! a restart rebuilds.

use std::collections::VecDeque;

use clearlane_core::names::AuctionId;
use clearlane_proto::wire;
use tonic::Status;

use super::outbox::Ended;
use crate::services::Engine;
use crate::view::AuctionView;

/// The results that one stream is told at once: a quarter of an hour's, at one auction a second.
const RESULTS_RESUMED_MAX: usize = 1_000;

/// The auctions that ended after `after`, oldest first, as far as they are kept; and those of them that are not.
pub(super) async fn ended_after(
    engine: &Engine,
    after: AuctionId,
) -> Result<(VecDeque<Ended>, Option<wire::ResultsGone>), Status> {
    let found = engine.look(move |cell, _| {
        let open = cell.state.auction.as_ref().map(|pending| pending.input.auction.0);
        let last = open.map_or(cell.state.auctions, |open| open.saturating_sub(1));
        let kept = cell.view.auctions().filter(|ended| ended.auction > after).map(ended).collect();
        Ok((last, kept))
    });
    let (last, kept) = found.await?;
    Ok(bounded(after, last, kept))
}

fn ended(view: &AuctionView) -> Ended {
    Ended { auction: view.auction, clearing: view.clearing.clone(), input: Some(view.input.clone()) }
}

fn bounded(after: AuctionId, last: u64, mut kept: VecDeque<Ended>) -> (VecDeque<Ended>, Option<wire::ResultsGone>) {
    kept.drain(..kept.len().saturating_sub(RESULTS_RESUMED_MAX));
    let first = after.0.saturating_add(1);
    let gone_through = kept.front().map_or(last, |oldest| oldest.auction.0.saturating_sub(1));
    let gone = (first <= gone_through).then_some(wire::ResultsGone { first, last: gone_through });
    (kept, gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(auctions: std::ops::Range<u64>) -> VecDeque<Ended> {
        auctions.map(|auction| Ended { auction: AuctionId(auction), clearing: None, input: None }).collect()
    }

    #[test]
    fn what_is_kept_is_told_and_what_is_not_is_named() {
        let none: Option<(u64, u64)> = None;
        for (after, last, found, told, gone) in [
            (5, 9, 6..10, (4, 6), none),
            (3, 9, 6..10, (4, 6), Some((4, 5))),
            (9, 9, 10..10, (0, 0), none),
            (7, 9, 10..10, (0, 0), Some((8, 9))),
            (1, 2_000, 2..2_001, (1_000, 1_001), Some((2, 1_000))),
            (12, 9, 10..10, (0, 0), none),
        ] {
            let (ended, missing) = bounded(AuctionId(after), last, kept(found));
            let first = ended.front().map_or(0, |ended| ended.auction.0);
            assert_eq!((ended.len(), first), told, "after {after} of {last}");
            assert_eq!(missing.map(|gone| (gone.first, gone.last)), gone, "after {after} of {last}");
        }
    }
}
