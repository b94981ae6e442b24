//! Price ladders: order-book levels or quotes, best first, each pro rata.
//!
//! The rule is about totals since the auction opened: the levels' exact pro-rata outputs are summed
//! and rounded down once, so splitting a use gains nothing.

use super::{Direction, Rate, VenueState, is_auction_amount, too_much};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, Rounding, mul_div};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, wide};

/// The most levels of one ladder, since each use walks them.
pub const LEVELS_MAX: usize = 256;

/// One level of a ladder: up to `amount_in` at `amount_out / amount_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The most it takes.
    pub amount_in: Atoms,
    /// What it gives for that.
    pub amount_out: Atoms,
}

/// The terms of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Levels, best first, each pro rata.
    pub levels: Vec<Level>,
}

impl Ladder {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        let count = self.levels.len();
        if !(1..=LEVELS_MAX).contains(&count) {
            let message = format!("expected from 1 to {LEVELS_MAX} levels, found {count}");
            return Err(Refusal::new(Reason::OutOfRange, "levels", message));
        }
        for (index, level) in self.levels.iter().enumerate() {
            super::validate_amount(&format!("levels[{index}].in"), level.amount_in)?;
            super::validate_amount(&format!("levels[{index}].out"), level.amount_out)?;
        }
        let pairs = self.levels.iter().zip(self.levels.iter().skip(1));
        match pairs.enumerate().find(|(_, (better, worse))| !is_at_least_as_good(better, worse)) {
            None => Ok(()),
            Some((index, _)) => {
                let message = format!("expected the best level first, found a better one after level {index}");
                Err(Refusal::new(Reason::OutOfRange, "levels", message))
            }
        }
    }

    pub(super) fn out_for(&self, state: &VenueState, direction: Direction, amount_in: Atoms) -> Option<Atoms> {
        let counter = Counter::of(state, direction).filter(|_| is_auction_amount(amount_in))?;
        let promised = self.promised(counter.taken.checked_add(amount_in)?, Rounding::Down)?;
        let most = promised.checked_sub(counter.given)?.min(counter.available);
        Some(most.min(AUCTION_ATOMS_MAX.saturating_sub(1)))
    }

    pub(super) fn in_for(&self, state: &VenueState, direction: Direction, amount_out: Atoms) -> Option<Atoms> {
        let counter = Counter::of(state, direction).filter(|counter| amount_out <= counter.available)?;
        if amount_out >= AUCTION_ATOMS_MAX {
            return None;
        }
        let mut open_out = counter.given.checked_add(amount_out)?;
        let mut total_in: Atoms = 0;
        let mut levels = self.levels.iter();
        while open_out > 0 {
            let level = levels.next()?;
            let part_out = open_out.min(level.amount_out);
            let part_in = mul_div(part_out, level.amount_in, level.amount_out, Rounding::Up)?;
            total_in = total_in.checked_add(part_in)?;
            open_out = open_out.checked_sub(part_out)?;
        }
        let amount_in = total_in.saturating_sub(counter.taken).max(1);
        self.out_for(state, direction, amount_in).map(|_| amount_in)
    }

    pub(super) fn take(
        &self,
        state: &VenueState,
        direction: Direction,
        amount_in: Atoms,
        amount_out: Atoms,
    ) -> Result<VenueState, Refusal> {
        let most = self.out_for(state, direction, amount_in);
        let after = || {
            most.filter(|most| amount_out <= *most)?;
            Counter::of(state, direction)?.after(amount_in, amount_out)
        };
        after().ok_or_else(|| too_much(most, amount_in, amount_out))
    }

    pub(super) fn best_rate(&self, state: &VenueState, direction: Direction) -> Option<Rate> {
        let counter = Counter::of(state, direction).filter(|counter| counter.available > 0)?;
        let mut passed = counter.taken;
        for level in &self.levels {
            match passed.checked_sub(level.amount_in) {
                Some(rest) => passed = rest,
                None => return Some(Rate { numerator: wide(level.amount_out), denominator: wide(level.amount_in) }),
            }
        }
        None
    }

    pub(super) fn unclaimed(&self, state: &VenueState, direction: Direction) -> Option<Atoms> {
        let counter = Counter::of(state, direction)?;
        self.promised(counter.taken, Rounding::Up)?.checked_sub(counter.given)
    }

    /// The levels that are left after `taken` went in; none once all are used up.
    pub(super) fn rest(&self, taken: Atoms) -> Ladder {
        let mut open = taken;
        let rest_of = |level: &Level| {
            let used = open.min(level.amount_in);
            open = open.saturating_sub(used);
            let amount_in = level.amount_in.saturating_sub(used);
            let amount_out = mul_div(level.amount_out, amount_in, level.amount_in, Rounding::Down)?;
            (amount_in > 0 && amount_out > 0).then_some(Level { amount_in, amount_out })
        };
        Ladder { levels: self.levels.iter().filter_map(rest_of).collect() }
    }

    /// What the levels give in total for a total input; `None` beyond the last level.
    fn promised(&self, total_in: Atoms, rounding: Rounding) -> Option<Atoms> {
        let mut open = total_in;
        let mut total_out: Atoms = 0;
        for level in &self.levels {
            let part = open.min(level.amount_in);
            let part_out = mul_div(part, level.amount_out, level.amount_in, rounding)?;
            total_out = total_out.checked_add(part_out)?;
            open = open.checked_sub(part)?;
            if open == 0 {
                return Some(total_out);
            }
        }
        None
    }
}

/// The counters of a forward-only venue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    pub(super) taken: Atoms,
    pub(super) given: Atoms,
    pub(super) uses: u32,
    pub(super) available: Atoms,
}

impl Counter {
    pub(super) fn of(state: &VenueState, direction: Direction) -> Option<Counter> {
        match *state {
            VenueState::Counter { taken, given, uses, available } if direction == Direction::FORWARD => {
                Some(Counter { taken, given, uses, available })
            }
            VenueState::Counter { .. } | VenueState::Pool { .. } | VenueState::Concentrated { .. } => None,
        }
    }

    pub(super) fn after(&self, amount_in: Atoms, amount_out: Atoms) -> Option<VenueState> {
        Some(VenueState::Counter {
            taken: self.taken.checked_add(amount_in)?,
            given: self.given.checked_add(amount_out)?,
            uses: self.uses.checked_add(1)?,
            available: self.available.checked_sub(amount_out)?,
        })
    }
}

fn is_at_least_as_good(better: &Level, worse: &Level) -> bool {
    let product = |first: Atoms, second: Atoms| wide::<256, 4>(first).checked_mul(U256::from(second));
    product(better.amount_out, worse.amount_in) >= product(worse.amount_out, better.amount_in)
}
