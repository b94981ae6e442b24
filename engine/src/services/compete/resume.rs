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

/// What a solver missed.
pub(super) struct Missed {
    /// The auctions that ended meanwhile, oldest first, as far as they are kept.
    pub(super) kept: VecDeque<Ended>,
    /// Those of them that are not kept.
    pub(super) gone: Option<wire::ResultsGone>,
    /// The last auction that has ended, at most the one that the solver names: it may come from another engine.
    pub(super) through: AuctionId,
}

/// The auctions that ended after `after`.
pub(super) async fn ended_after(engine: &Engine, after: AuctionId) -> Result<Missed, Status> {
    let found = engine.look(move |cell, _| {
        let open = cell.state.auction.as_ref().map(|pending| pending.input.auction.0);
        let last = open.map_or(cell.state.auctions, |open| open.saturating_sub(1));
        let missed = || cell.view.auctions().filter(|ended| ended.auction > after);
        // Only those that are told are copied: writers wait for this.
        let untold = missed().count().saturating_sub(RESULTS_RESUMED_MAX);
        Ok((last, missed().skip(untold).map(ended).collect()))
    });
    let (last, kept): (u64, VecDeque<Ended>) = found.await?;
    let gone = gone(after, last, &kept);
    let through = kept.back().map_or(after.min(AuctionId(last)), |ended| ended.auction);
    Ok(Missed { kept, gone, through })
}

fn ended(view: &AuctionView) -> Ended {
    Ended { auction: view.auction, clearing: view.clearing.clone(), input: Some(view.input.clone()) }
}

/// The auctions after `after` and up to `last` that come before all that are kept.
fn gone(after: AuctionId, last: u64, kept: &VecDeque<Ended>) -> Option<wire::ResultsGone> {
    let first = after.0.saturating_add(1);
    let through = kept.front().map_or(last, |oldest| oldest.auction.0.saturating_sub(1));
    (first <= through).then_some(wire::ResultsGone { first, last: through })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(auctions: std::ops::Range<u64>) -> VecDeque<Ended> {
        auctions.map(|auction| Ended { auction: AuctionId(auction), clearing: None, input: None }).collect()
    }

    #[test]
    fn what_is_no_longer_kept_is_named() {
        for (after, last, kept, expected) in [
            (5, 9, 6..10, None),
            (3, 9, 6..10, Some((4, 5))),
            (9, 9, 10..10, None),
            (7, 9, 10..10, Some((8, 9))),
            (0, 9, 1..10, None),
            (12, 9, 10..10, None),
        ] {
            let found = gone(AuctionId(after), last, &self::kept(kept));
            assert_eq!(found.map(|gone| (gone.first, gone.last)), expected, "after {after} of {last}");
        }
    }
}
