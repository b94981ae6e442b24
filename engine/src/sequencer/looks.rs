//! How much of its time the sequencer spends on readers: never more than on what is written while that waits.

use std::time::Duration;

/// What looks may take between two batches before commands that wait come first: about one durable write.
const TURN: Duration = Duration::from_millis(10);

/// The time that looks took ahead of batches.
#[derive(Debug, Default)]
pub(super) struct LookBudget {
    ahead: Duration,
    turn: Duration,
}

impl LookBudget {
    /// Begins to serve looks between two batches.
    pub(super) fn start_turn(&mut self) {
        self.turn = Duration::ZERO;
    }

    /// Whether one more look may run now.
    pub(super) fn allows(&self, is_work_waiting: bool) -> bool {
        self.turn < TURN && !(is_work_waiting && self.ahead >= TURN)
    }

    /// Notes what a look took.
    pub(super) fn looked(&mut self, took: Duration) {
        self.turn = self.turn.saturating_add(took);
        self.ahead = self.ahead.saturating_add(took);
    }

    /// Notes what a batch took.
    pub(super) fn wrote(&mut self, took: Duration) {
        self.ahead = self.ahead.saturating_sub(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_look_is_paid_back_before_the_next_while_work_waits() {
        let mut budget = LookBudget::default();
        budget.start_turn();
        assert!(budget.allows(true));
        budget.looked(TURN * 5);
        budget.start_turn();
        assert!(!budget.allows(true), "commands come first");
        assert!(budget.allows(false), "nobody else waits");
        budget.wrote(TURN * 5);
        assert!(budget.allows(true));
    }

    #[test]
    fn a_turn_ends_though_nobody_else_waits() {
        let mut budget = LookBudget::default();
        budget.start_turn();
        budget.looked(TURN);
        assert!(!budget.allows(false), "auctions have their times");
    }
}
