//! Payment rails: each use takes nothing or between its limits, so its gain is greatest at one of them.
//!
//! A use of q gives at most `r (q - f)`, which is convex in q where the fixed fee f bites and linear beyond, and at
//! most what the account holds. All uses together give no more than that either, at best at the bare rate r.

use super::worth::{Value, Worth, share_up};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, MILLION};
use crate::venue::Rail;
use crate::wide::{U1088, div_up, wide};

/// The most a rail loses in `uses` uses that give at most `available`; `None` if it does not fit.
pub(super) fn most(rail: &Rail, uses: u32, available: Atoms, put: &Worth, drawn: &Worth) -> Option<Value> {
    let numerator = wide::<1088, 17>(rail.rate_num).checked_mul(wide(MILLION.saturating_sub(rail.fee_ppm.into())))?;
    let denominator = wide::<1088, 17>(rail.rate_den).checked_mul(wide(MILLION))?;
    if numerator.is_zero() || denominator.is_zero() {
        return Some(Value::ZERO);
    }
    // Where the account is empty after one use; more only costs.
    let whole = div_up(wide::<1088, 17>(available).checked_mul(denominator)?, numerator)?;
    let emptied = Atoms::try_from(whole).unwrap_or(Atoms::MAX).saturating_add(rail.fixed_fee);
    let (least, most_in) = (rail.min_in.max(1), rail.max_in.min(AUCTION_ATOMS_MAX.saturating_sub(1)));
    if least > most_in {
        return Some(Value::ZERO);
    }
    let mut best = Value::ZERO;
    for amount_in in [least, emptied.clamp(least, most_in), most_in] {
        let net = wide::<1088, 17>(amount_in.saturating_sub(rail.fixed_fee));
        let given = net.checked_mul(numerator)?.min(wide::<1088, 17>(available).checked_mul(denominator)?);
        let gained = div_up(drawn.up.checked_mul(given)?, denominator)?;
        best = best.max(gained.saturating_sub(put.down(amount_in)?));
    }
    let by_uses = best.checked_mul(U1088::from(uses))?;
    let cost = put.down.checked_mul(denominator)?.checked_div(numerator)?;
    let by_account = share_up(drawn.up.saturating_sub(cost), available, 1)?;
    Some(by_uses.min(by_account))
}
