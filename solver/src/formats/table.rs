//! What the formats share: the table of assets by name, weights in lowest terms, bounds.

use std::collections::BTreeMap;

use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms};
use clearlane_core::names::{DenominationIndex, Name};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{PerCoin, WEIGHT_SUM_MAX};

use crate::market::MarketAsset;

/// Assets by name.
#[derive(Debug, Default)]
pub(super) struct Assets {
    list: Vec<MarketAsset>,
    places: BTreeMap<String, DenominationIndex>,
}

impl Assets {
    /// Adds an asset; false if the name is taken.
    pub(super) fn add(&mut self, asset: MarketAsset) -> bool {
        let place = DenominationIndex::from_at(self.list.len());
        let is_new = !self.places.contains_key(asset.name.as_str());
        if is_new {
            self.places.insert(asset.name.to_string(), place);
            self.list.push(asset);
        }
        is_new
    }

    /// The place of an asset, or a refusal that names it.
    pub(super) fn place(&self, field: &str, name: &str) -> Result<DenominationIndex, Refusal> {
        let unknown = || Refusal::new(Reason::UnknownAsset, field, format!("expected an admitted asset, found {name}"));
        self.places.get(name).copied().ok_or_else(unknown)
    }

    pub(super) fn into_list(self) -> Vec<MarketAsset> {
        self.list
    }
}

/// A name the core accepts.
pub(super) fn name(field: &str, text: &str) -> Result<Name, Refusal> {
    let message = || format!("expected 1 to 64 visible characters, found {text:?}");
    Name::new(text).ok_or_else(|| Refusal::new(Reason::BadName, field, message()))
}

/// An amount that auctions can carry.
pub(super) fn tradable(field: &str, atoms: Atoms) -> Result<Atoms, Refusal> {
    if atoms == 0 {
        return Err(Refusal::new(Reason::AmountZero, field, "expected more than 0 atoms, found 0"));
    }
    bounded(field, atoms)
}

/// An amount below the bound of auctions; zero is allowed.
pub(super) fn bounded(field: &str, atoms: Atoms) -> Result<Atoms, Refusal> {
    if atoms >= AUCTION_ATOMS_MAX {
        let message = format!("expected less than 2^112 atoms, found {atoms}");
        return Err(Refusal::new(Reason::AmountTooLarge, field, message));
    }
    Ok(atoms)
}

/// Weights in lowest terms, if they sum to at most [`WEIGHT_SUM_MAX`].
pub(super) fn lowest_terms(field: &str, weights: [u128; 2]) -> Result<[u64; 2], Refusal> {
    let [first, second] = weights;
    let divisor = greatest_common_divisor(first, second);
    let [first, second] = [first, second].map(|weight| weight.checked_div(divisor).unwrap_or(0));
    let is_small = first > 0 && second > 0 && first.saturating_add(second) <= u128::from(WEIGHT_SUM_MAX);
    let small = (u64::try_from(first), u64::try_from(second));
    match small {
        (Ok(first), Ok(second)) if is_small => Ok([first, second]),
        (_, _) => {
            let message = format!("expected weights that reduce to a sum of at most 8, found {first}:{second}");
            Err(Refusal::new(Reason::NotSupported, field, message))
        }
    }
}

/// Weights in lowest terms, if none is zero or more than the core holds.
pub(super) fn weights(field: &str, weights: &[u128]) -> Result<PerCoin<u64>, Refusal> {
    let divisor = weights.iter().fold(0, |divisor, weight| greatest_common_divisor(divisor, *weight));
    let reduced = |weight: &u128| u64::try_from(weight.checked_div(divisor)?).ok().filter(|weight| *weight > 0);
    let reduced: Option<Vec<u64>> = weights.iter().map(reduced).collect();
    let message = || format!("expected from 2 to 8 positive weights of at most 18 decimals, found {weights:?}");
    let reduced = reduced.and_then(|reduced| PerCoin::from_slice(&reduced));
    reduced.ok_or_else(|| Refusal::new(Reason::NotSupported, field, message()))
}

pub(super) fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a
}

/// A decimal such as `0.003` in units of `10^-places`; `None` if it is no decimal or has more places.
pub(super) fn decimal(text: &str, places: u8) -> Option<u128> {
    clearlane_core::money::parse_amount(text, places).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_reduce_or_are_refused() {
        let cases: &[([u128; 2], Option<[u64; 2]>)] = &[
            ([8, 2], Some([4, 1])),
            ([500, 500], Some([1, 1])),
            ([7, 2], None),
            ([0, 2], None),
            ([0, 0], None),
            ([333_333_333_333_333_333, 666_666_666_666_666_667], None),
        ];
        for (weights, expected) in cases {
            assert_eq!(lowest_terms("weights", *weights).ok(), *expected, "{weights:?}");
        }
    }

    #[test]
    fn decimals_are_exact_or_nothing() {
        assert_eq!(decimal("0.003", 6), Some(3000));
        assert_eq!(decimal("0.004699999999999999", 6), None);
        assert_eq!(decimal("1e-3", 6), None);
    }
}
