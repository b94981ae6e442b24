//! Price ladders: every level that is worth taking at given prices.
//!
//! The rule is about totals, floored once a level, so uses after one another take at most the sum of the levels'
//! exact parts, and no more than the account holds; levels come best first, so the cut by the account falls last.

use super::worth::{Value, Worth, share_up};
use crate::money::{Atoms, Rounding, mul_div};
use crate::venue::Ladder;

/// What a ladder took and gave before, and can still give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) taken: Atoms,
    /// What earlier uses left on the table, rounded up.
    pub(super) unclaimed: Atoms,
    pub(super) available: Atoms,
}

/// The most a ladder loses; `None` if it does not fit.
pub(super) fn most(ladder: &Ladder, counted: Counted, put: &Worth, drawn: &Worth) -> Option<Value> {
    let mut before = counted.taken;
    let mut open = counted.available;
    let mut most = drawn.up(counted.unclaimed.min(open))?;
    for level in &ladder.levels {
        let used = before.min(level.amount_in);
        before = before.saturating_sub(used);
        let amount_in = level.amount_in.saturating_sub(used);
        let amount_out = mul_div(level.amount_out, amount_in, level.amount_in, Rounding::Up)?;
        if amount_out == 0 || open == 0 {
            continue;
        }
        let gain = drawn.up(amount_out)?.saturating_sub(put.down(amount_in)?);
        let part = amount_out.min(open);
        open = open.saturating_sub(part);
        most = most.checked_add(share_up(gain, part, amount_out)?)?;
    }
    Some(most)
}
