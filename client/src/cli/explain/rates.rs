//! What an option asks for beside what things were worth: its limit, the certificate's prices, the venues' best rate.
//!
//! Rates are for people: decimals of a few digits, of floats. What is decided is decided by atoms.

use clearlane_core::auction::certificate::DualPrices;
use clearlane_core::auction::{AuctionInput, AuctionOption, PathCache, RateBound, RateBounds};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;

/// Amounts at which a rate is looked at: at the first the result of most fits 128 bits.
const PROBES: [Atoms; 3] = [10_u128.pow(30), 10_u128.pow(20), 10_u128.pow(10)];

/// One option of an intent, in rates of whole units got for one given.
#[derive(Clone, Debug)]
pub(super) struct OptionRates {
    /// Which side is fixed.
    pub(super) kind: Kind,
    /// The assets given and got.
    pub(super) give: String,
    pub(super) get: String,
    /// The amounts at full size.
    pub(super) give_amount: String,
    pub(super) get_amount: String,
    /// The least rate that it takes.
    pub(super) limit: f64,
    /// What the certificate's prices say that one is worth; `None` where one of them is worth nothing.
    pub(super) marginal: Option<f64>,
    /// Paths of venues from one asset to the other.
    pub(super) paths: usize,
    /// The best rate of any path at the open, for the first atom.
    pub(super) best: Option<f64>,
    /// The same after what executed.
    pub(super) left: Option<f64>,
}

impl OptionRates {
    /// Basis points by which the limit is better for others than the marginal price; negative where it asks for more.
    pub(super) fn inside_bps(&self) -> Option<f64> {
        self.marginal.map(|marginal| (marginal / self.limit - 1.0) * 10_000.0).filter(|points| points.is_finite())
    }

    /// Whether the venues' best rate at the open kept the limit.
    pub(super) fn is_reached_by_venues(&self) -> bool {
        self.best.is_some_and(|best| best >= self.limit)
    }

    /// The rates of one option.
    pub(super) fn of(
        input: &AuctionInput,
        (kind, option): (Kind, &AuctionOption),
        prices: &DualPrices,
        paths: &PathCache,
        [opening, after]: [&RateBounds; 2],
    ) -> OptionRates {
        let found = paths.paths(option.give, option.get);
        let best = |bounds: &RateBounds| {
            let rates = found.iter().filter_map(|path| bounds.along(path));
            let rates = rates.map(|bound| {
                let (put, drawn) = probed(bound);
                rate(input, (option.give, put), (option.get, drawn))
            });
            rates.max_by(f64::total_cmp)
        };
        let (give_amount, get_amount) =
            (amount(input, option.give, option.give_amount), amount(input, option.get, option.get_amount));
        let price = |denomination| prices.of(denomination).map(|price| float(&price.to_string()));
        OptionRates {
            kind,
            give: asset(input, option.give),
            get: asset(input, option.get),
            give_amount,
            get_amount,
            limit: rate(input, (option.give, option.give_amount), (option.get, option.get_amount)),
            marginal: price(option.give).zip(price(option.get)).map(|(give, get)| give / get),
            paths: found.len(),
            best: best(opening),
            left: best(after),
        }
    }
}

/// What an amount gives at a rate: one so large that rounding to atoms does not show.
fn probed(bound: RateBound) -> (Atoms, Atoms) {
    let tried = PROBES.into_iter().map(|put| (put, bound.of_amount(put)));
    let mut tried = tried.filter(|(_, drawn)| *drawn < Atoms::MAX);
    tried.next().unwrap_or((1, Atoms::MAX))
}

/// Whole units got for a whole unit given.
pub(super) fn rate(
    input: &AuctionInput,
    (give, sold): (DenominationIndex, Atoms),
    (get, bought): (DenominationIndex, Atoms),
) -> f64 {
    float(&amount(input, get, bought)) / float(&amount(input, give, sold))
}

/// A rate with eight digits that count.
pub(super) fn rate_text(rate: f64) -> String {
    if !rate.is_finite() || rate <= 0.0 {
        return "0".to_owned();
    }
    let before = rate.log10().floor();
    let places = (0..40_u8).find(|places| f64::from(*places) >= 7.0 - before).unwrap_or(40);
    let text = format!("{rate:.*}", usize::from(places));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// An amount in whole units.
pub(super) fn amount(input: &AuctionInput, denomination: DenominationIndex, atoms: Atoms) -> String {
    let scale = input.denominations.get(denomination.at()).map_or(0, |row| row.scale);
    clearlane_core::money::format_amount(atoms, scale)
}

/// The name of an asset.
pub(super) fn asset(input: &AuctionInput, denomination: DenominationIndex) -> String {
    input.denominations.get(denomination.at()).map_or_else(String::new, |row| row.asset.to_string())
}

/// The side of a kind that is fixed.
pub(super) fn fixed_denomination(kind: Kind, option: &AuctionOption) -> DenominationIndex {
    match kind {
        Kind::ExactIn => option.give,
        Kind::ExactOut => option.get,
    }
}

fn float(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_eight_digits_that_count() {
        let cases =
            [(1.05, "1.05"), (0.000_012_345_678_9, "0.000012345679"), (1e-30, "0.000000000000000000000000000001")];
        for (rate, expected) in cases {
            assert_eq!(rate_text(rate), expected);
        }
        assert_eq!([rate_text(123_456_789.4), rate_text(f64::NAN)], ["123456789", "0"]);
    }
}
