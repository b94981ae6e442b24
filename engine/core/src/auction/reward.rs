//! Rewards by contribution: what an auction would lose without a solver, capped by the fees its own winning bundles
//! paid.
//!
//! Contributions alone can be farmed: two names that bid the same side by side, or parts of one whole, may each seem
//! indispensable. The cap makes that useless beyond what the names pay in fees themselves.

use crate::money::{MILLION, Score};
use crate::wide::wide;

/// What one solver added to an auction, and the fees that its winning bundles paid, in 10^-18 reference units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// The auction's value less what the same selection reaches without the solver.
    pub contribution: Score,
    /// The fees that its own winning bundles paid.
    pub fees: Score,
}

/// What each solver is due: its contribution, at most `share_ppm` of its fees, and all together at most `beyond_floor`.
///
/// `beyond_floor` is the auction's value less the floor's. Rounded down; without fees nothing is due.
#[must_use]
pub fn rewards(beyond_floor: Score, share_ppm: u32, earned: &[Earned]) -> Vec<Score> {
    let part = |amount: Score, numerator: u128, denominator: u128| {
        let product = wide::<256, 4>(amount.max(0).unsigned_abs()).checked_mul(wide(numerator))?;
        Score::try_from(product.checked_div(wide(denominator))?).ok()
    };
    let capped = earned.iter().map(|earned| {
        let most = part(earned.fees, u128::from(share_ppm).min(MILLION), MILLION).unwrap_or(0);
        earned.contribution.clamp(0, most)
    });
    let capped: Vec<Score> = capped.collect();
    let sum = capped.iter().copied().fold(0, Score::saturating_add);
    let most = beyond_floor.max(0);
    if sum <= most {
        return capped;
    }
    let scaled = |due: Score| part(due, most.unsigned_abs(), sum.unsigned_abs()).unwrap_or(0);
    capped.into_iter().map(scaled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_are_contributions_under_both_caps() {
        let earned = |contribution, fees| Earned { contribution, fees };
        type Case<'a> = (&'a str, Score, u32, &'a [Earned], &'a [Score]);
        let cases: &[Case<'_>] = &[
            ("no fees", 100, 1_000_000, &[earned(50, 0)], &[0]),
            ("below the cap", 100, 500_000, &[earned(50, 200)], &[50]),
            ("at the cap", 100, 500_000, &[earned(50, 61)], &[30]),
            ("no more than all fees", 100, u32::MAX, &[earned(50, 40)], &[40]),
            ("nothing contributed", 100, 1_000_000, &[earned(-3, 40)], &[0]),
            ("scaled to what beats the floor", 30, 1_000_000, &[earned(40, 90), earned(20, 90)], &[20, 10]),
            ("the floor is better", -5, 1_000_000, &[earned(40, 90)], &[0]),
        ];
        for (what, beyond, share, earned, expected) in cases {
            assert_eq!(rewards(*beyond, *share, earned), *expected, "{what}");
        }
    }
}
