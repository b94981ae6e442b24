//! Payment rails: a fixed fee, then a proportional one, at a fixed rate, within limits.
//!
//! Each use stands alone: the rounding of one is not made up for by the next.

use super::ladder::Counter;
use super::{Direction, Rate, VenueState, is_auction_amount, too_much, validate_amount};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, MILLION};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, div_up, resize, wide};

/// The terms of a rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rail {
    /// The fixed fee, in atoms of the input.
    pub fixed_fee: Atoms,
    /// The proportional fee, in parts per million, at most one million.
    pub fee_ppm: u32,
    /// Atoms out per atom in: numerator.
    pub rate_num: Atoms,
    /// Atoms out per atom in: denominator, positive.
    pub rate_den: Atoms,
    /// The least input a use.
    pub min_in: Atoms,
    /// The most input a use.
    pub max_in: Atoms,
    /// The most uses in one auction; at least one.
    pub uses_max: u32,
}

impl Rail {
    pub(super) fn validate(&self) -> Result<(), Refusal> {
        let out_of_range = |field: &str, message: String| Err(Refusal::new(Reason::OutOfRange, field, message));
        if self.fixed_fee >= AUCTION_ATOMS_MAX {
            let message = format!("expected less than {AUCTION_ATOMS_MAX} atoms, found {}", self.fixed_fee);
            return Err(Refusal::new(Reason::AmountTooLarge, "fixed_fee", message));
        }
        if u128::from(self.fee_ppm) > MILLION {
            let message = format!("expected at most {MILLION} parts per million, found {}", self.fee_ppm);
            return out_of_range("fee_ppm", message);
        }
        for (field, part) in [("rate_num", self.rate_num), ("rate_den", self.rate_den)] {
            if !is_auction_amount(part) {
                let message = format!("expected from 1 to less than {AUCTION_ATOMS_MAX}, found {part}");
                return out_of_range(field, message);
            }
        }
        validate_amount("max_in", self.max_in)?;
        if self.min_in > self.max_in {
            let message = format!("expected at most max_in of {}, found {}", self.max_in, self.min_in);
            return out_of_range("min_in", message);
        }
        if self.uses_max == 0 {
            return out_of_range("uses_max", "expected at least 1, found 0".to_owned());
        }
        Ok(())
    }

    pub(super) fn out_for(&self, state: &VenueState, direction: Direction, amount_in: Atoms) -> Option<Atoms> {
        let counter = self.open_counter(state, direction).filter(|_| self.takes(amount_in))?;
        let (numerator, denominator) = self.fraction()?;
        let net = wide::<256, 4>(amount_in.saturating_sub(self.fixed_fee));
        let most = net.checked_mul(numerator)?.checked_div(denominator)?;
        let cap = counter.available.min(AUCTION_ATOMS_MAX.saturating_sub(1));
        Atoms::try_from(most.min(wide(cap))).ok()
    }

    pub(super) fn in_for(&self, state: &VenueState, direction: Direction, amount_out: Atoms) -> Option<Atoms> {
        let counter = self.open_counter(state, direction)?;
        if amount_out > counter.available || amount_out >= AUCTION_ATOMS_MAX {
            return None;
        }
        let floor = self.min_in.max(1);
        if amount_out == 0 {
            return Some(floor).filter(|amount_in| self.takes(*amount_in));
        }
        let (numerator, denominator) = self.fraction()?;
        let net = div_up(wide::<256, 4>(amount_out).checked_mul(denominator)?, numerator)?;
        let need = Atoms::try_from(net).ok()?.checked_add(self.fixed_fee)?;
        Some(need.max(floor)).filter(|amount_in| self.takes(*amount_in))
    }

    pub(super) fn take(
        &self,
        state: &VenueState,
        direction: Direction,
        amount_in: Atoms,
        amount_out: Atoms,
    ) -> Result<VenueState, Refusal> {
        let refused = |message: String| Err(Refusal::new(Reason::VenueRule, "uses", message));
        let Some(counter) = Counter::of(state, direction) else {
            return Err(too_much(None, amount_in, amount_out));
        };
        if counter.uses >= self.uses_max {
            return refused(format!("expected at most {} uses in one auction, found another", self.uses_max));
        }
        if !self.takes(amount_in) {
            return refused(format!("expected from {} to {} in, found {amount_in}", self.min_in.max(1), self.max_in));
        }
        let most = self.out_for(state, direction, amount_in);
        let after = most.filter(|most| amount_out <= *most).and_then(|_| counter.after(amount_in, amount_out));
        after.ok_or_else(|| too_much(most, amount_in, amount_out))
    }

    pub(super) fn best_rate(&self, state: &VenueState, direction: Direction) -> Option<Rate> {
        self.open_counter(state, direction).filter(|counter| counter.available > 0)?;
        let (numerator, denominator) = self.fraction()?;
        Some(Rate { numerator: resize(numerator)?, denominator: resize(denominator)? })
    }

    fn open_counter(&self, state: &VenueState, direction: Direction) -> Option<Counter> {
        Counter::of(state, direction).filter(|counter| counter.uses < self.uses_max)
    }

    fn takes(&self, amount_in: Atoms) -> bool {
        is_auction_amount(amount_in) && (self.min_in..=self.max_in).contains(&amount_in)
    }

    /// Atoms out per atom in beyond the fixed fee, after the proportional one.
    fn fraction(&self) -> Option<(U256, U256)> {
        let kept = wide::<256, 4>(MILLION.checked_sub(u128::from(self.fee_ppm))?);
        let numerator = wide::<256, 4>(self.rate_num).checked_mul(kept)?;
        let denominator = wide::<256, 4>(self.rate_den).checked_mul(wide(MILLION))?;
        Some((numerator, denominator))
    }
}
