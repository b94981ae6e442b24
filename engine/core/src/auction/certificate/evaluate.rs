//! Evaluates the bound at given prices: one part an intent, one a venue, and their sum.

use super::intent::most_of_intent;
use super::prices::DualPrices;
use super::venue::most_of_venue;
use super::worth::{Worth, score_up};
use crate::auction::AuctionInput;
use crate::money::Score;
use crate::names::DenominationIndex;

/// An upper bound on the score of every valid solution, with the parts it is the sum of.
///
/// All in 10^-18 reference units, each part rounded up; [`Score::MAX`] is the top and bounds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The sum of all parts, saturating.
    pub bound: Score,
    /// What each intent can gain at the prices, by place.
    pub intents: Vec<Score>,
    /// What each venue can lose at the prices, by place.
    pub venues: Vec<Score>,
}

/// The certificate of an auction at `prices`.
#[must_use]
pub fn certify(input: &AuctionInput, prices: &DualPrices) -> Certificate {
    let Some(worths) = Worths::new(input, prices) else {
        return Certificate { bound: Score::MAX, intents: Vec::new(), venues: Vec::new() };
    };
    let intents: Vec<Score> =
        input.intents.iter().map(|intent| score_up(most_of_intent(input, &worths, intent))).collect();
    let venues: Vec<Score> = input.venues.iter().map(|venue| score_up(most_of_venue(&worths, venue))).collect();
    let bound = intents.iter().chain(&venues).fold(0, |sum: Score, part| sum.saturating_add(*part));
    Certificate { bound, intents, venues }
}

/// What an atom of each denomination is worth: at the certificate's prices, and at the reference prices.
pub(super) struct Worths {
    dual: Vec<Worth>,
    reference: Vec<Option<Worth>>,
}

impl Worths {
    fn new(input: &AuctionInput, prices: &DualPrices) -> Option<Worths> {
        let rows = || (0..).zip(&input.denominations);
        let dual = rows().map(|(at, row)| Worth::of(prices.of(DenominationIndex(at)), row.scale));
        let reference = rows().map(|(_, row)| match row.price {
            Some(price) => Worth::of(Some(price), row.scale).map(Some),
            None => Some(None),
        });
        Some(Worths { dual: dual.collect::<Option<_>>()?, reference: reference.collect::<Option<_>>()? })
    }

    /// What one atom is worth at the certificate's prices.
    pub(super) fn dual(&self, denomination: DenominationIndex) -> Worth {
        self.dual.get(denomination.at()).copied().unwrap_or_default()
    }

    /// What one atom is worth at the reference price, if it has one.
    pub(super) fn reference(&self, denomination: DenominationIndex) -> Option<Worth> {
        self.reference.get(denomination.at()).copied().flatten()
    }
}
