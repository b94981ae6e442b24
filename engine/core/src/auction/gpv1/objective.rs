//! What a solution is worth by the protocol's objective, in 10^-18 atoms of the fee token.
//!
//! Of an executed order with limit B / S, sold x, bought y, prices p: its utility u is
//! `p_b (y - floor(x B / S)) - floor((x B mod S) p_b / S)`, and what it leaves, umax - u, is
//! `floor(left max(0, p_s S - floor(p_b B 1000 / 999)) / S)`, left being what the order and its owner's balance still
//! have. The objective is the sum of 2u - umax. The contract also adds half the fees, in atoms: 10^-18 of this unit's
//! worth, to break ties.

use std::cmp::Ordering;
use std::fmt;

use super::{BatchOrder, FEE_DENOMINATOR};
use crate::money::Atoms;
use crate::wide::{U512, wide};

/// What a valid solution comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchVerdict {
    /// What it is worth.
    pub objective: Objective,
    /// The sum of what is sold, at its price.
    pub volume: U512,
    /// Atoms of the fee token that remain: the fees.
    pub fees: Atoms,
    /// How many orders execute.
    pub orders: usize,
}

/// Utility less what the executed orders leave on the table: the sum of 2u - umax, which may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Objective {
    /// The sum of u.
    pub utility: U512,
    /// The sum of umax - u.
    pub disregarded: U512,
}

impl Objective {
    /// The difference, and whether it is below zero.
    #[must_use]
    pub fn difference(self) -> (bool, U512) {
        let is_negative = self.utility < self.disregarded;
        let (more, less) =
            if is_negative { (self.disregarded, self.utility) } else { (self.utility, self.disregarded) };
        (is_negative, more.saturating_sub(less))
    }

    /// Compares what two solutions are worth.
    #[must_use]
    pub fn compare(&self, other: &Objective) -> Ordering {
        let (own, others) = (self.difference(), other.difference());
        match (own.0, others.0) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => own.1.cmp(&others.1),
            (true, true) => others.1.cmp(&own.1),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_negative, difference) = self.difference();
        write!(formatter, "{}{difference}", if is_negative { "-" } else { "" })
    }
}

/// The utility of what an order trades; zero if it breaks its limit.
pub(super) fn utility_of(order: &BatchOrder, sold: Atoms, bought: Atoms, get_price: Atoms) -> Option<U512> {
    let price = wide::<512, 8>(get_price);
    let owed = wide::<512, 8>(sold).checked_mul(wide(order.get_amount))?;
    let least = owed.checked_div(wide(order.give_amount))?;
    let rest = owed.checked_rem(wide(order.give_amount))?.checked_mul(price)?;
    let gained = wide::<512, 8>(bought).saturating_sub(least).checked_mul(price)?;
    gained.checked_sub(rest.checked_div(wide(order.give_amount))?)
}

/// The utility that an order would have from selling `left` more atoms.
pub(super) fn disregarded_of(order: &BatchOrder, left: Atoms, give_price: Atoms, get_price: Atoms) -> Option<U512> {
    let paid = wide::<512, 8>(give_price).checked_mul(wide(order.give_amount))?;
    let asked = wide::<512, 8>(order.get_amount).checked_mul(wide(get_price))?.checked_mul(wide(FEE_DENOMINATOR))?;
    let asked = asked.checked_div(wide(FEE_DENOMINATOR.saturating_sub(1)))?;
    paid.saturating_sub(asked).checked_mul(wide(left))?.checked_div(wide(order.give_amount))
}
