//! What the owner of a fill is shown beside its amounts: the floor, what it beats that and its limit by, and how far the
//! whole auction was from the most that anyone could have scored.
//!
//! All of it follows from the input and the clearing, so that the log gives the same receipts again.

use super::score::{score_beside_floor, surplus_of};
use super::verify::option_of;
use super::{AuctionInput, AuctionIntent, AuctionOption, Bundle, Clearing, Fill, FloorTerms};
use crate::money::{Atoms, Rounding, Score, mul_div};
use crate::names::IntentIndex;
use crate::wide::wide;

/// Hundredths of a basis point in a whole.
const HUNDREDTH_POINTS: u128 = 1_000_000;

/// How a fill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What the built-in bidder alone would have filled of the intent, through which of the intent's own options; `None`
    /// where that is nothing.
    pub floor: Option<FloorTerms>,
    /// What the fill beats its limit by, in atoms of the asset that is not fixed, floored.
    pub over_limit: Atoms,
    /// The same beyond the floor's: of a part of what the floor fills, that part of its surplus. In the same atoms;
    /// `None` without a floor, or where the floor goes through another option.
    pub over_floor: Option<i128>,
    /// What the whole auction scored, in 10^-18 reference units.
    pub captured: Score,
    /// What no valid solution of the auction scores more than.
    pub bound: Score,
    /// The value of all that the auction filled, at the reference prices.
    pub value_filled: Score,
}

impl Standing {
    /// What anyone could still have found in the auction at most, in hundredths of a basis point of the value filled,
    /// rounded up; `None` where nothing filled has a price.
    #[must_use]
    pub fn missed_hundredth_points(&self) -> Option<u128> {
        hundredth_points(self.bound.saturating_sub(self.captured), self.value_filled)
    }
}

/// A part of a whole in hundredths of a basis point, rounded up; `None` if the whole is nothing, or the part less.
#[must_use]
pub fn hundredth_points(part: Score, whole: Score) -> Option<u128> {
    let (part, whole) = (u128::try_from(part).ok()?, u128::try_from(whole).ok()?);
    let points = wide::<256, 4>(part).checked_mul(wide(HUNDREDTH_POINTS))?;
    u128::try_from(crate::wide::div_up::<256, 4>(points, wide::<256, 4>(whole))?).ok()
}

/// The fills of one clearing.
#[derive(Clone, Copy, Debug)]
pub struct Receipts<'a> {
    input: &'a AuctionInput,
    clearing: &'a Clearing,
    value_filled: Score,
}

impl<'a> Receipts<'a> {
    /// The receipts of an auction that was decided.
    #[must_use]
    pub fn new(input: &'a AuctionInput, clearing: &'a Clearing) -> Receipts<'a> {
        Receipts { input, clearing, value_filled: clearing.value_filled(input) }
    }

    /// The counted surplus of a fill, in 10^-18 reference units: those of all fills sum to what was captured.
    #[must_use]
    pub fn score(&self, fill: &Fill) -> Score {
        score_beside_floor(self.input, fill, self.clearing.floor_of(fill.intent))
    }

    /// How a fill stands; `None` if the auction has no such option.
    #[must_use]
    pub fn standing(&self, fill: &Fill) -> Option<Standing> {
        let (intent, option) = option_of(self.input, fill)?;
        let floor = self.clearing.floor_of(fill.intent);
        let through = floor.and_then(|floor| intent.options.get(usize::from(floor.option)).zip(Some(floor)));
        let over_limit = surplus_of(intent, option, fill.sold, fill.bought).unwrap_or(0);
        let comparable = through.filter(|(other, _)| other.number == option.number);
        Some(Standing {
            floor: through.map(|(other, floor)| FloorTerms { option: other.number, ..floor }),
            over_limit,
            over_floor: comparable.and_then(|(other, floor)| over_floor(intent, other, floor, fill, over_limit)),
            captured: self.clearing.score,
            bound: self.clearing.bound.score,
            value_filled: self.value_filled,
        })
    }
}

/// What each intent's floor is, by what the built-in bidder alone fills, one fill a bundle; in order of intent.
pub(super) fn floors<'a>(alone: impl Iterator<Item = &'a Bundle>) -> Vec<(IntentIndex, FloorTerms)> {
    let fills = alone.flat_map(|bundle| &bundle.fills);
    let terms =
        fills.map(|fill| (fill.intent, FloorTerms { option: fill.option, sold: fill.sold, bought: fill.bought }));
    let mut floors: Vec<_> = terms.collect();
    floors.sort_unstable_by_key(|(intent, _)| *intent);
    floors
}

/// The surplus less `U0 min(1, f / f0)`, that share rounded down.
fn over_floor(
    intent: &AuctionIntent,
    option: &AuctionOption,
    floor: FloorTerms,
    fill: &Fill,
    over_limit: Atoms,
) -> Option<i128> {
    let whole = intent.fixed_of(floor.sold, floor.bought);
    let part = intent.fixed_of(fill.sold, fill.bought).min(whole);
    let surplus = surplus_of(intent, option, floor.sold, floor.bought)?;
    let owed = mul_div(surplus, part, whole, Rounding::Down)?;
    i128::try_from(over_limit).ok()?.checked_sub(i128::try_from(owed).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_round_up_and_need_a_whole() {
        let cases = [
            ((0, 5), Some(0)),
            ((1, 1_000_000), Some(1)),
            ((1, 1_000_001), Some(1)),
            ((5, 100), Some(50_000)),
            ((5, 0), None),
            ((-1, 5), None),
            ((Score::MAX, Score::MAX), Some(1_000_000)),
        ];
        for ((part, whole), expected) in cases {
            assert_eq!(hundredth_points(part, whole), expected, "{part} of {whole}");
        }
    }
}
