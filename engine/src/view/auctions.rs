//! The auctions that ended: a summary of many, and as many in full as a bounded number of bytes holds.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use clearlane_core::auction::certificate::BoundSource;
use clearlane_core::auction::{AuctionInput, Clearing, PlanSummary};
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::time::Timestamp;

/// The auctions whose summaries are kept: as many as one answer about where an engine stands may name.
pub const SUMMARIES_MAX: usize = 1_000;
/// The bytes, about, of the last auctions kept in full, which is what tools show after a replay: a demo's whole day,
/// and tens of auctions of thousands of intents. The last one is kept whatever its size.
pub const FULL_AUCTIONS_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// An auction that ended, in full.
#[derive(Clone, Debug)]
pub struct AuctionView {
    /// Which.
    pub auction: AuctionId,
    /// When it ended.
    pub time: Timestamp,
    /// Intents on offer.
    pub intents: usize,
    /// What was decided; `None` if it was voided.
    pub clearing: Option<Arc<Clearing>>,
    /// What it was decided on.
    pub input: Arc<AuctionInput>,
}

/// An auction that ended, in numbers.
#[derive(Clone, Debug)]
pub struct AuctionSummary {
    /// Which.
    pub auction: AuctionId,
    /// When it ended.
    pub time: Timestamp,
    /// Intents on offer.
    pub intents: usize,
    /// Whether it ended without effect; all that follows is then zero.
    pub is_voided: bool,
    /// The captured score.
    pub score: Score,
    /// What the built-in bidder alone would have reached.
    pub floor_score: Score,
    /// What no valid solution scores more than.
    pub bound: Score,
    /// Whose prices prove that.
    pub bound_by: BoundSource,
    /// The bound less the captured score.
    pub missed: Score,
    /// The value of what was filled, at the reference prices.
    pub value_filled: Score,
    /// Bundles that executed.
    pub executed: usize,
    /// By how much, at most, another set of the valid bundles could have scored more.
    pub selection_gap: Score,
    /// Executed bundles and their score by solver.
    pub shares: BTreeMap<SolverId, (u32, Score)>,
    /// What the auction would have lost without each solver that won something.
    pub contributions: BTreeMap<SolverId, Score>,
    /// The shape of the sweep's plan.
    pub plan: PlanSummary,
}

/// The auctions that ended, and the one in progress.
#[derive(Debug, Default)]
pub(super) struct Auctions {
    open: Option<Arc<AuctionInput>>,
    summaries: VecDeque<AuctionSummary>,
    full: VecDeque<(AuctionView, usize)>,
    full_bytes: usize,
}

impl AuctionView {
    /// The captured score; zero if the auction was voided.
    #[must_use]
    pub fn score(&self) -> Score {
        self.clearing.as_ref().map_or(0, |clearing| clearing.score)
    }
}

impl AuctionSummary {
    fn new(ended: &AuctionView) -> AuctionSummary {
        let clearing = ended.clearing.as_deref();
        let mut shares: BTreeMap<SolverId, (u32, Score)> = BTreeMap::new();
        for executed in clearing.into_iter().flat_map(|clearing| &clearing.executed) {
            let (bundles, score) = shares.entry(executed.solver).or_default();
            *bundles = bundles.saturating_add(1);
            *score = score.saturating_add(executed.score);
        }
        let told = clearing.into_iter().flat_map(|clearing| &clearing.verdicts);
        AuctionSummary {
            auction: ended.auction,
            time: ended.time,
            intents: ended.intents,
            is_voided: clearing.is_none(),
            score: ended.score(),
            floor_score: clearing.map_or(0, |clearing| clearing.floor_score),
            bound: clearing.map_or(0, |clearing| clearing.bound.score),
            bound_by: clearing.map(|clearing| clearing.bound.source).unwrap_or_default(),
            missed: clearing.map_or(0, Clearing::missed),
            value_filled: clearing.map_or(0, |clearing| clearing.value_filled(&ended.input)),
            executed: clearing.map_or(0, |clearing| clearing.executed.len()),
            selection_gap: clearing.map_or(0, |clearing| clearing.selection_gap),
            shares,
            contributions: told.map(|told| (told.solver, told.contribution)).filter(|(_, added)| *added > 0).collect(),
            plan: clearing.map(|clearing| clearing.plan).unwrap_or_default(),
        }
    }
}

impl Auctions {
    pub(super) fn open(&mut self, input: Arc<AuctionInput>) {
        self.open = Some(input);
    }

    pub(super) fn end(&mut self, time: Timestamp, clearing: Option<Arc<Clearing>>) {
        let Some(input) = self.open.take() else { return };
        let ended = AuctionView { auction: input.auction, time, intents: input.intents.len(), clearing, input };
        if self.summaries.len() >= SUMMARIES_MAX {
            self.summaries.pop_front();
        }
        self.summaries.push_back(AuctionSummary::new(&ended));
        let bytes = about_bytes(&ended);
        self.full_bytes = self.full_bytes.saturating_add(bytes);
        self.full.push_back((ended, bytes));
        while self.full_bytes > FULL_AUCTIONS_BYTES_MAX && self.full.len() > 1 {
            let forgotten = self.full.pop_front().map_or(0, |(_, bytes)| bytes);
            self.full_bytes = self.full_bytes.saturating_sub(forgotten);
        }
    }

    pub(super) fn full(&self) -> impl Iterator<Item = &AuctionView> {
        self.full.iter().map(|(auction, _)| auction)
    }

    pub(super) fn summaries(&self) -> impl Iterator<Item = &AuctionSummary> {
        self.summaries.iter()
    }
}

/// About what an auction takes in memory: rows by their number, each with its texts and lists.
fn about_bytes(ended: &AuctionView) -> usize {
    const ROW_BYTES: usize = 256;
    const ITEM_BYTES: usize = 112;
    let input = &ended.input;
    let options: usize = input.intents.iter().map(|intent| intent.options.len()).sum();
    let rows = 1 + input.intents.len() + input.venues.len() + input.denominations.len() + input.facts.len();
    let clauses: usize = input.intents.iter().map(|intent| intent.condition.len()).sum();
    let floors = ended.clearing.as_ref().map_or(0, |clearing| clearing.floors.len());
    let items = options + input.reserves.len() + clauses + floors;
    let bundles = ended.clearing.iter().flat_map(|clearing| &clearing.executed);
    let promises: usize = bundles.map(|executed| 1 + executed.bundle.fills.len() + executed.bundle.uses.len()).sum();
    let told = ended.clearing.iter().flat_map(|clearing| &clearing.verdicts);
    let verdicts: usize = told.map(|told| told.verdicts.len()).sum();
    (rows + verdicts).saturating_mul(ROW_BYTES).saturating_add((items + promises).saturating_mul(ITEM_BYTES))
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::{Reserve, RuleSet};
    use clearlane_core::hash::Hash;
    use clearlane_core::names::DenominationIndex;

    use super::*;

    /// An input of about a mebibyte.
    fn input(auction: u64) -> Arc<AuctionInput> {
        let reserve = Reserve { denomination: DenominationIndex(0), amount: 1, is_scarce: false };
        Arc::new(AuctionInput {
            auction: AuctionId(auction),
            rules: RuleSet::Plain,
            opened_at: Timestamp(1),
            close_at: Timestamp(2),
            settle_by: Timestamp(3),
            seed: Hash([0; 32]),
            surplus_cap_ppm: 0,
            denominations: Vec::new(),
            reserves: vec![reserve; 10_000],
            intents: Vec::new(),
            venues: Vec::new(),
            facts: Vec::new(),
        })
    }

    #[test]
    fn many_auctions_leave_summaries_and_a_bounded_number_in_full() {
        let mut auctions = Auctions::default();
        for auction in 1..=1_200 {
            auctions.open(input(auction));
            auctions.end(Timestamp(auction), None);
        }
        assert_eq!(auctions.summaries().count(), SUMMARIES_MAX);
        assert_eq!(auctions.summaries().last().map(|summary| summary.auction.0), Some(1_200));
        assert!((2..=64).contains(&auctions.full().count()), "found {}", auctions.full().count());
        assert_eq!(auctions.full().last().map(|auction| auction.auction.0), Some(1_200));
        assert!(auctions.full_bytes <= FULL_AUCTIONS_BYTES_MAX);
    }
}
