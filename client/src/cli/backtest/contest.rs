//! One recorded auction held again: who bids, and what the same clearing makes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, Clearing, Opened, Solution, Verdict};
use clearlane_core::hash::Hash;
use clearlane_core::lanes::Executor;
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, Name, SolverId};
use clearlane_core::state::State;
use clearlane_engine::replay::SettledAuction;

use super::bidder::{Bid, Bidder, told};
use crate::cli::failure::Failure;

/// Which recorded solutions stay in the auctions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rivals {
    /// None: each bidder meets the built-in one alone.
    Nobody,
    /// All of them.
    Recorded,
    /// All but those of this party, whose place the bidder takes.
    RecordedBut(Name),
}

impl std::fmt::Display for Rivals {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rivals::Nobody => formatter.write_str("against the built-in bidder alone"),
            Rivals::Recorded => formatter.write_str("beside the recorded solutions"),
            Rivals::RecordedBut(party) => {
                write!(formatter, "in place of {party}, beside the other recorded solutions")
            }
        }
    }
}

/// Who bids in the auctions that are held again.
pub(super) struct Contest<'a> {
    pub(super) first: &'a Bidder,
    pub(super) second: Option<&'a Bidder>,
    pub(super) rivals: &'a Rivals,
    pub(super) executor: &'a dyn Executor,
    /// Whether to stop.
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

/// What one bidder won in one clearing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) name: String,
    pub(super) bundles: usize,
    pub(super) score: Score,
}

/// What one clearing came to.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) captured: Score,
    pub(super) bound: Score,
    /// The value of what was filled, at the reference prices.
    pub(super) value: Score,
    /// Who won, the most first.
    pub(super) shares: Vec<Share>,
}

/// What came of one bidder without the other.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    pub(super) proposed: usize,
    pub(super) won: usize,
    pub(super) lost: usize,
    pub(super) refused: BTreeMap<&'static str, usize>,
    pub(super) left_out: usize,
    /// What its own bundles that executed scored.
    pub(super) score: Score,
    pub(super) elapsed: Duration,
    pub(super) is_late: bool,
}

/// One recorded auction beside what became of it held again.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) auction: AuctionId,
    pub(super) input_digest: Hash,
    pub(super) intents: usize,
    pub(super) venues: usize,
    /// The time that each bidder had; `None` if it is counted in steps.
    pub(super) budget: Option<Duration>,
    pub(super) floor: Score,
    pub(super) recorded: Outcome,
    pub(super) first: Attempt,
    pub(super) second: Option<Attempt>,
    /// Both bidders in one auction.
    pub(super) together: Option<Outcome>,
}

impl Outcome {
    /// Who won most, and by how much more than the next; `None` if nothing executed.
    pub(super) fn winner(&self) -> Option<(&str, Score)> {
        let next = self.shares.get(1).map_or(0, |share| share.score);
        self.shares.first().map(|share| (share.name.as_str(), share.score.saturating_sub(next)))
    }

    /// What a bidder of this name won.
    pub(super) fn score_of(&self, name: &str) -> Score {
        self.shares.iter().find(|share| share.name == name).map_or(0, |share| share.score)
    }
}

impl Row {
    /// The least bound that was proven: all of them are true of every answer to this auction.
    pub(super) fn bound(&self) -> Score {
        let second = self.second.iter().map(|attempt| attempt.outcome.bound);
        let together = self.together.iter().map(|outcome| outcome.bound);
        let others = second.chain(together).chain([self.first.outcome.bound]);
        others.fold(self.recorded.bound, Score::min)
    }
}

impl Contest<'_> {
    /// Holds an auction again; `None` if it was stopped meanwhile.
    pub(super) fn hold(&self, state: &State, auction: &SettledAuction) -> Result<Option<Row>, Failure> {
        let input = auction.input.as_ref();
        let opened = Opened::new(input);
        let told = told(opened.input())?;
        let (rivals, [first_id, second_id]) = self.seats(state, auction);
        let first = self.first.bid(&told, first_id, self.is_stopped);
        let second = self.second.map(|second| (second, second.bid(&told, second_id, self.is_stopped)));
        if (self.is_stopped)() {
            return Ok(None);
        }
        let name = |solver: SolverId| match (solver, &second) {
            (SolverId::FLOOR, _) => "floor".to_owned(),
            (solver, _) if solver == first_id => self.first.name().to_owned(),
            (solver, Some((second, _))) if solver == second_id => second.name().to_owned(),
            (solver, _) => state.solver_party(solver).map_or_else(|| solver.0.to_string(), ToString::to_string),
        };
        let recorded = |solver: SolverId| match solver {
            SolverId::FLOOR => "floor".to_owned(),
            solver => state.solver_party(solver).map_or_else(|| solver.0.to_string(), ToString::to_string),
        };
        let cleared = |bids: &[&Bid]| self.cleared(&opened, &rivals, bids);
        let attempt = |bid: &Bid| attempt(input, &cleared(&[bid]), bid, &name);
        let together = second.as_ref().map(|(_, second)| outcome(input, &cleared(&[&first, second]), &name));
        Ok(Some(Row {
            auction: input.auction,
            input_digest: auction.input_digest,
            intents: input.intents.len(),
            venues: input.venues.len(),
            budget: self.first.time(input),
            floor: auction.clearing.floor_score,
            recorded: outcome(input, &auction.clearing, &recorded),
            first: attempt(&first),
            second: second.as_ref().map(|(_, second)| attempt(second)),
            together,
        }))
    }

    /// The recorded solutions that stay, and under which numbers the bidders bid.
    fn seats(&self, state: &State, auction: &SettledAuction) -> (Vec<Solution>, [SolverId; 2]) {
        let recorded = auction.solutions.iter();
        let next = recorded.clone().map(|solution| solution.solver.0).max().unwrap_or(0).saturating_add(1);
        let [next, after] = [SolverId(next), SolverId(next.saturating_add(1))];
        match self.rivals {
            Rivals::Nobody => (Vec::new(), [SolverId(1), SolverId(2)]),
            Rivals::Recorded => (recorded.cloned().collect(), [next, after]),
            Rivals::RecordedBut(party) => {
                let is_own = |solution: &&Solution| state.solver_party(solution.solver) == Some(party);
                let own = recorded.clone().find(is_own).map_or(next, |solution| solution.solver);
                (recorded.filter(|solution| !is_own(solution)).cloned().collect(), [own, after])
            }
        }
    }

    /// The clearing of some bids among the recorded solutions, in order of solver as the log has them.
    fn cleared(&self, opened: &Opened, rivals: &[Solution], bids: &[&Bid]) -> Clearing {
        let mut solutions = rivals.to_vec();
        let answers = bids.iter().map(|bid| &bid.solution);
        solutions.extend(answers.filter(|solution| !solution.bundles.is_empty() || solution.prices.is_some()).cloned());
        solutions.sort_by_key(|solution| solution.solver);
        opened.clear(&solutions, self.executor)
    }
}

fn outcome(input: &AuctionInput, clearing: &Clearing, name: &dyn Fn(SolverId) -> String) -> Outcome {
    let mut by_solver: BTreeMap<SolverId, (usize, Score)> = BTreeMap::new();
    for executed in &clearing.executed {
        let (bundles, score) = by_solver.entry(executed.solver).or_default();
        *bundles = bundles.saturating_add(1);
        *score = score.saturating_add(executed.score);
    }
    let share = |(solver, (bundles, score))| Share { name: name(solver), bundles, score };
    let mut shares: Vec<Share> = by_solver.into_iter().map(share).collect();
    shares.sort_by(|one, other| other.score.cmp(&one.score).then_with(|| one.name.cmp(&other.name)));
    Outcome { captured: clearing.score, bound: clearing.bound.score, value: clearing.value_filled(input), shares }
}

fn attempt(input: &AuctionInput, clearing: &Clearing, bid: &Bid, name: &dyn Fn(SolverId) -> String) -> Attempt {
    let own = bid.solution.solver;
    let told = clearing.verdicts.iter().filter(|told| told.solver == own).flat_map(|told| &told.verdicts);
    let lost = told.filter(|verdict| matches!(verdict, Verdict::Lost(_) | Verdict::FloorBetter(_))).count();
    let executed = clearing.executed.iter().filter(|executed| executed.solver == own);
    Attempt {
        outcome: outcome(input, clearing, name),
        proposed: bid.proposed,
        won: executed.clone().count(),
        lost,
        refused: bid.refused.clone(),
        left_out: bid.left_out,
        score: executed.fold(0, |sum: Score, executed| sum.saturating_add(executed.score)),
        elapsed: bid.elapsed,
        is_late: bid.is_late,
    }
}
