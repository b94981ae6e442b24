//! What could have been scored at most, as commands print it.

use clearlane_core::auction::certificate::{BoundSource, DualPrices};
use clearlane_core::auction::{AuctionInput, Clearing, hundredth_points};
use clearlane_core::money::Score;
use clearlane_core::names::DenominationIndex;
use clearlane_proto::events::basis_points;
use serde_json::{Map, Value, json};

use super::competition::Competition;

/// Parts in a whole, for ratios of six decimals.
const MILLION: u128 = 1_000_000;

/// `score / bound` with six decimals, rounded down; one where nothing could be scored, zero where nothing is bounded.
pub(crate) fn ratio_text(score: Score, bound: Score) -> String {
    let parts = match (bound, share(score, bound, MILLION)) {
        (Score::MAX, _) | (_, None) => 0,
        (_, Some(parts)) => parts,
    };
    let parts = if bound == 0 && score == 0 { MILLION } else { parts };
    format!("{}.{:06}", parts / MILLION, parts % MILLION)
}

/// `missed / value` in basis points with two decimals, rounded up; `None` without a value to compare with.
pub(crate) fn basis_points_text(missed: Score, value: Score) -> Option<String> {
    hundredth_points(missed, value).map(basis_points)
}

/// `part * unit / whole`, rounded down; `None` if it is no number.
fn share(part: Score, whole: Score, unit: u128) -> Option<u128> {
    let (part, whole) = (u128::try_from(part).ok()?, u128::try_from(whole).ok()?);
    part.checked_mul(unit)?.checked_div(whole)
}

/// The price of a whole unit of each denomination in all its digits, by asset, or by `asset@module` where an asset is
/// in several modules.
pub(crate) fn prices_json(input: &AuctionInput, prices: &DualPrices) -> Value {
    let is_alone = |asset: &str| input.denominations.iter().filter(|row| row.asset.as_str() == asset).count() == 1;
    let mut texts = Map::new();
    for (at, row) in (0_u32..).zip(&input.denominations) {
        let asset = row.asset.as_str();
        let name = if is_alone(asset) { asset.to_owned() } else { format!("{asset}@{}", row.module) };
        let price = prices.of(DenominationIndex(at)).map_or_else(|| "0".to_owned(), |price| price.to_string());
        texts.insert(name, json!(price));
    }
    Value::Object(texts)
}

/// Whose prices prove the bound of a competition: `reference`, `engine`, or the strategy's name.
pub(crate) fn source_text(competition: &Competition) -> String {
    let source = competition.clearing.bound.source;
    let strategy = match source {
        BoundSource::Reference | BoundSource::Engine => None,
        BoundSource::Solver(solver) => competition.answers.iter().find(|answer| answer.solution.solver == solver),
    };
    strategy.map_or_else(|| source.to_string(), |answer| answer.strategy.to_owned())
}

/// Sums over auctions of what was captured, bounded, and filled.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    /// The captured score.
    pub score: Score,
    /// What no valid solution scores more than.
    pub bound: Score,
    /// The value of what was filled.
    pub value: Score,
}

impl Reached {
    /// Adds an auction.
    pub(crate) fn add(&mut self, score: Score, bound: Score, value: Score) {
        self.score = self.score.saturating_add(score);
        self.bound = self.bound.saturating_add(bound);
        self.value = self.value.saturating_add(value);
    }

    /// Adds a clearing.
    pub(crate) fn add_clearing(&mut self, input: &AuctionInput, clearing: &Clearing) {
        self.add(clearing.score, clearing.bound.score, clearing.value_filled(input));
    }

    /// What anyone could still have found at most.
    pub(crate) fn missed(&self) -> Score {
        self.bound.saturating_sub(self.score)
    }

    /// The same in basis points of the value filled.
    pub(crate) fn missed_basis_points(&self) -> Option<String> {
        basis_points_text(self.missed(), self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_round_down_and_basis_points_up() {
        let cases = [
            (0, 0, "1.000000"),
            (0, 5, "0.000000"),
            (2, 3, "0.666666"),
            (3, 3, "1.000000"),
            (1, Score::MAX, "0.000000"),
            (7_862_380_000_000_000_000_000, 7_900_000_000_000_000_000_000, "0.995237"),
        ];
        for (score, bound, expected) in cases {
            assert_eq!(ratio_text(score, bound), expected, "{score} {bound}");
        }
        assert_eq!(basis_points_text(1, 3).as_deref(), Some("3333.34"));
        assert_eq!(basis_points_text(5, 100).as_deref(), Some("500.00"));
        assert_eq!(basis_points_text(5, 0), None);
    }
}
