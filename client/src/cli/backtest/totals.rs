//! Sums over the auctions that were held again.

use std::collections::BTreeMap;
use std::time::Duration;

use clearlane_core::money::Score;

use super::contest::{Attempt, Row};

/// Sums of one bidder without the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) captured: Score,
    /// Of what was filled, at the reference prices.
    pub(super) value: Score,
    /// What its own bundles that executed scored.
    pub(super) score: Score,
    pub(super) proposed: usize,
    pub(super) won: usize,
    pub(super) lost: usize,
    pub(super) refused: BTreeMap<&'static str, usize>,
    pub(super) left_out: usize,
    pub(super) elapsed: Duration,
    pub(super) slowest: Duration,
    pub(super) late: usize,
    /// Auctions that captured more than was recorded, as much, and less.
    pub(super) against_recorded: [usize; 3],
}

/// How two bidders fared in the same auctions.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadToHead {
    pub(super) captured: Score,
    /// What the first one won, and the second.
    pub(super) scores: [Score; 2],
    /// Auctions in which the first one won more, in which they won as much, in which the second won more.
    pub(super) auctions: [usize; 3],
    /// By how much the first one won more in all, and the second.
    pub(super) margins: [Score; 2],
}

/// Sums over all auctions.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) recorded: Score,
    pub(super) floor: Score,
    pub(super) bound: Score,
    pub(super) first: Sums,
    pub(super) second: Option<Sums>,
    pub(super) together: Option<HeadToHead>,
}

impl Totals {
    /// The sums of these auctions, in which these two bid if there is a second one.
    pub(super) fn of(rows: &[Row], names: (&str, Option<&str>)) -> Totals {
        let mut totals = Totals::default();
        for row in rows {
            totals.recorded = totals.recorded.saturating_add(row.recorded.captured);
            totals.floor = totals.floor.saturating_add(row.floor);
            totals.bound = totals.bound.saturating_add(row.bound());
            totals.first.add(&row.first, row.recorded.captured);
            if let Some(second) = &row.second {
                totals.second.get_or_insert_default().add(second, row.recorded.captured);
            }
            if let (Some(together), Some(second)) = (&row.together, names.1) {
                let scores = [together.score_of(names.0), together.score_of(second)];
                totals.together.get_or_insert_default().add(together.captured, scores);
            }
        }
        totals
    }
}

impl Sums {
    fn add(&mut self, attempt: &Attempt, recorded: Score) {
        let captured = attempt.outcome.captured;
        self.captured = self.captured.saturating_add(captured);
        self.value = self.value.saturating_add(attempt.outcome.value);
        self.score = self.score.saturating_add(attempt.score);
        self.proposed = self.proposed.saturating_add(attempt.proposed);
        self.won = self.won.saturating_add(attempt.won);
        self.lost = self.lost.saturating_add(attempt.lost);
        self.left_out = self.left_out.saturating_add(attempt.left_out);
        for (code, count) in &attempt.refused {
            let sum: &mut usize = self.refused.entry(code).or_default();
            *sum = sum.saturating_add(*count);
        }
        self.elapsed = self.elapsed.saturating_add(attempt.elapsed);
        self.slowest = self.slowest.max(attempt.elapsed);
        self.late = self.late.saturating_add(usize::from(attempt.is_late));
        count(&mut self.against_recorded, captured, recorded);
    }
}

impl HeadToHead {
    fn add(&mut self, captured: Score, [first, second]: [Score; 2]) {
        self.captured = self.captured.saturating_add(captured);
        let [of_first, of_second] = &mut self.scores;
        (*of_first, *of_second) = (of_first.saturating_add(first), of_second.saturating_add(second));
        count(&mut self.auctions, first, second);
        let [ahead, behind] = &mut self.margins;
        *ahead = ahead.saturating_add(first.saturating_sub(second).max(0));
        *behind = behind.saturating_add(second.saturating_sub(first).max(0));
    }
}

/// Counts a case in which the first is more, as much, or less.
fn count([more, equal, less]: &mut [usize; 3], first: Score, second: Score) {
    let slot = match first.cmp(&second) {
        std::cmp::Ordering::Greater => more,
        std::cmp::Ordering::Equal => equal,
        std::cmp::Ordering::Less => less,
    };
    *slot = slot.saturating_add(1);
}
