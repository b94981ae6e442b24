//! How solvers have done lately: how soon they answered and what became of their bundles. Nothing is decided by it.
//!
//! It lives in memory, is counted from what was put on the wire and what auctions came to, and starts anew with the
//! engine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clearlane_core::auction::{Clearing, Verdict};
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::refusal::Reason;

/// The auctions over which a solver is counted: eight minutes at one a second, in about a hundred kilobytes.
pub const ROUNDS_MAX: usize = 500;
/// The solvers that are remembered: as many as bid in one auction, four times over.
pub const SOLVERS_REMEMBERED_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub struct Standings(Mutex<BTreeMap<SolverId, Record>>);

/// How one solver has done in its last [`ROUNDS_MAX`] auctions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The solver.
    pub solver: SolverId,
    /// The name of its strategy.
    pub strategy: String,
    /// Auctions that it was told of.
    pub offered: usize,
    /// Auctions that it answered.
    pub answered: usize,
    /// Auctions that it answered and that ended without effect.
    pub voided: usize,
    /// From when an auction was put on the wire until its last answer arrived: the median, and the 95th percentile.
    pub latency: Option<(Duration, Duration)>,
    /// What became of its bundles.
    pub tally: Tally,
    /// Messages that were refused as a whole.
    pub messages_refused: BTreeMap<Reason, u64>,
}

/// What became of bundles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Executed.
    pub won: u64,
    /// Lost to others.
    pub lost: u64,
    /// Lost, with all others, to the built-in bidder alone.
    pub floor_better: u64,
    /// Broke a rule.
    pub refused: BTreeMap<Reason, u64>,
    /// The score of what executed.
    pub score_won: Score,
    /// What auctions would have lost without the solver.
    pub contribution: Score,
}

#[derive(Debug, Default)]
struct Record {
    strategy: String,
    rounds: VecDeque<Round>,
}

/// One auction of one solver.
#[derive(Debug)]
struct Round {
    auction: AuctionId,
    offered_at: Option<Instant>,
    answered_at: Option<Instant>,
    is_voided: bool,
    tally: Tally,
    messages_refused: BTreeMap<Reason, u64>,
}

impl Standings {
    /// A solver has registered; one too many makes the one forgotten that was away longest.
    pub fn registered(&self, solver: SolverId, strategy: &str) {
        let mut records = self.lock();
        if records.len() >= SOLVERS_REMEMBERED_MAX && !records.contains_key(&solver) {
            let last = |record: &Record| record.rounds.back().map(|round| round.auction);
            let oldest = records.iter().min_by_key(|(_, record)| last(record)).map(|(solver, _)| *solver);
            oldest.and_then(|oldest| records.remove(&oldest));
        }
        strategy.clone_into(&mut records.entry(solver).or_default().strategy);
    }

    /// An auction was put on the wire to a solver; the first time counts.
    pub fn offered(&self, solver: SolverId, auction: AuctionId, now: Instant) {
        self.change(solver, auction, |round| {
            round.offered_at.get_or_insert(now);
        });
    }

    /// A solver's answer has arrived, or was taken back; the last one counts.
    pub fn answered(&self, solver: SolverId, auction: AuctionId, answered_at: Option<Instant>) {
        self.change(solver, auction, |round| round.answered_at = answered_at);
    }

    /// A message of a solver was refused as a whole.
    pub fn refused(&self, solver: SolverId, reason: Reason) {
        let mut records = self.lock();
        if let Some(round) = records.get_mut(&solver).and_then(|record| record.rounds.back_mut()) {
            count(&mut round.messages_refused, reason, 1);
        }
    }

    /// An auction was settled.
    pub fn settled(&self, clearing: &Clearing) {
        for of_solver in &clearing.verdicts {
            let tally = Tally::of(&of_solver.verdicts, of_solver.contribution);
            self.change(of_solver.solver, clearing.auction, |round| round.tally = tally);
        }
    }

    /// An auction ended without effect.
    pub fn voided(&self, auction: AuctionId) {
        for record in self.lock().values_mut() {
            record.rounds.iter_mut().filter(|round| round.auction == auction).for_each(|round| round.is_voided = true);
        }
    }

    /// How all have done, in order of solver.
    #[must_use]
    pub fn all(&self) -> Vec<Standing> {
        // One at a time: whoever tells solvers of auctions waits for the lock too.
        let solvers: Vec<SolverId> = self.lock().keys().copied().collect();
        let of = |solver: &SolverId| self.lock().get(solver).map(|record| record.standing(*solver));
        solvers.iter().filter_map(of).collect()
    }

    /// Changes what is known of one auction of a solver that has registered.
    fn change(&self, solver: SolverId, auction: AuctionId, change: impl FnOnce(&mut Round)) {
        let mut records = self.lock();
        let Some(rounds) = records.get_mut(&solver).map(|record| &mut record.rounds) else { return };
        if rounds.back().is_none_or(|last| last.auction < auction) {
            if rounds.len() >= ROUNDS_MAX {
                rounds.pop_front();
            }
            rounds.push_back(Round::new(auction));
        }
        if let Some(round) = rounds.iter_mut().rev().find(|round| round.auction == auction) {
            change(round);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SolverId, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn standing(&self, solver: SolverId) -> Standing {
        let mut standing = Standing { solver, strategy: self.strategy.clone(), ..Standing::default() };
        for round in &self.rounds {
            standing.offered += usize::from(round.offered_at.is_some());
            standing.answered += usize::from(round.answered_at.is_some());
            standing.voided += usize::from(round.is_voided && round.answered_at.is_some());
            standing.tally.add(&round.tally);
            for (reason, times) in &round.messages_refused {
                count(&mut standing.messages_refused, *reason, *times);
            }
        }
        let mut latencies: Vec<Duration> = self.rounds.iter().filter_map(Round::latency).collect();
        latencies.sort_unstable();
        standing.latency = percentile(&latencies, 50).zip(percentile(&latencies, 95));
        standing
    }
}

impl Round {
    fn new(auction: AuctionId) -> Round {
        Round {
            auction,
            offered_at: None,
            answered_at: None,
            is_voided: false,
            tally: Tally::default(),
            messages_refused: BTreeMap::new(),
        }
    }

    fn latency(&self) -> Option<Duration> {
        Some(self.answered_at?.saturating_duration_since(self.offered_at?))
    }
}

impl Tally {
    fn of(verdicts: &[Verdict], contribution: Score) -> Tally {
        let mut tally = Tally { contribution, ..Tally::default() };
        for verdict in verdicts {
            match verdict {
                Verdict::Won(score) => {
                    tally.won += 1;
                    tally.score_won = tally.score_won.saturating_add(*score);
                }
                Verdict::Lost(_) => tally.lost += 1,
                Verdict::FloorBetter(_) => tally.floor_better += 1,
                Verdict::Refused(refusal) => count(&mut tally.refused, refusal.reason, 1),
            }
        }
        tally
    }

    fn add(&mut self, other: &Tally) {
        self.won += other.won;
        self.lost += other.lost;
        self.floor_better += other.floor_better;
        self.score_won = self.score_won.saturating_add(other.score_won);
        self.contribution = self.contribution.saturating_add(other.contribution);
        for (reason, times) in &other.refused {
            count(&mut self.refused, *reason, *times);
        }
    }

    /// Bundles that broke no rule alone.
    #[must_use]
    pub fn valid(&self) -> u64 {
        self.won + self.lost + self.floor_better
    }

    /// Bundles that were decided.
    #[must_use]
    pub fn bundles(&self) -> u64 {
        self.valid() + self.refused.values().sum::<u64>()
    }
}

fn count(counts: &mut BTreeMap<Reason, u64>, reason: Reason, times: u64) {
    *counts.entry(reason).or_default() += times;
}

/// The least of sorted values that at least so many in a hundred don't exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::SolverVerdicts;
    use clearlane_core::auction::certificate::{Bound, BoundSource, DualPrices};
    use clearlane_core::refusal::Refusal;

    use super::*;

    const SOLVER: SolverId = SolverId(3);

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// One auction's worth of everything.
    fn clearing(auction: u64) -> Clearing {
        let refused = |reason| Verdict::Refused(Refusal::new(reason, "fills[0]", "expected less"));
        let verdicts = vec![
            Verdict::Won(40),
            Verdict::FloorBetter(1),
            refused(Reason::OverFilled),
            refused(Reason::OverFilled),
            refused(Reason::VenueRule),
            Verdict::Won(2),
        ];
        Clearing {
            auction: AuctionId(auction),
            executed: Vec::new(),
            score: 0,
            floor_score: 0,
            selection_gap: 0,
            is_floor_alone: false,
            bound: Bound {
                score: 0,
                source: BoundSource::Reference,
                prices: DualPrices::new(Vec::new()).expect("none"),
            },
            verdicts: vec![SolverVerdicts { solver: SOLVER, verdicts, contribution: 7 }],
            plan: clearlane_core::auction::PlanSummary::default(),
            floors: Vec::new(),
            digest: clearlane_core::hash::Hash::default(),
        }
    }

    #[test]
    fn answers_and_bundles_are_counted_by_solver() {
        let (standings, start) = (Standings::default(), Instant::now());
        standings.registered(SOLVER, "joint");
        for auction in 1..=20 {
            standings.offered(SOLVER, AuctionId(auction), start);
            standings.offered(SOLVER, AuctionId(auction), start + millis(500));
            standings.answered(SOLVER, AuctionId(auction), Some(start + millis(1)));
            standings.answered(SOLVER, AuctionId(auction), Some(start + millis(auction)));
        }
        standings.offered(SOLVER, AuctionId(21), start);
        standings.answered(SOLVER, AuctionId(21), Some(start + millis(900)));
        standings.answered(SOLVER, AuctionId(21), None);
        standings.refused(SOLVER, Reason::AuctionClosed);
        standings.settled(&clearing(19));
        standings.voided(AuctionId(20));
        standings.settled(&Clearing { verdicts: clearing(1).verdicts, ..clearing(7) });
        let found = standings.all().remove(0);
        assert_eq!((found.offered, found.answered, found.voided), (21, 20, 1));
        assert_eq!(found.latency, Some((millis(10), millis(19))));
        let tally = &found.tally;
        assert_eq!((tally.bundles(), tally.valid(), tally.won, tally.lost, tally.floor_better), (12, 6, 4, 0, 2));
        assert_eq!((tally.score_won, tally.contribution), (84, 14));
        assert_eq!(tally.refused, BTreeMap::from([(Reason::OverFilled, 4), (Reason::VenueRule, 2)]));
        assert_eq!(found.messages_refused, BTreeMap::from([(Reason::AuctionClosed, 1)]));
    }

    #[test]
    fn auctions_and_solvers_are_bounded() {
        let standings = Standings::default();
        let now = Instant::now();
        for number in 1..=300 {
            standings.registered(SolverId(number), "direct");
            standings.offered(SolverId(number), AuctionId(number.into()), now);
        }
        let all = standings.all();
        assert_eq!((all.len(), all[0].solver), (SOLVERS_REMEMBERED_MAX, SolverId(45)));
        standings.settled(&clearing(1));
        assert!(standings.all().iter().all(|one| one.solver != SOLVER), "it was forgotten");
        for auction in 400..1_400 {
            standings.offered(SolverId(300), AuctionId(auction), now);
        }
        assert_eq!(standings.all().last().map(|one| one.offered), Some(ROUNDS_MAX));
    }
}
