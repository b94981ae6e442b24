//! The least bound at hand: at the reference prices, at the engine's own, at none, at those that solutions carry.

use super::descent::improved;
use super::evaluate::certify;
use super::prices::DualPrices;
use crate::auction::{AuctionInput, Solution};
use crate::lanes::{Executor, map};
use crate::money::Score;
use crate::names::SolverId;

/// What evaluating a part is expected to take; it only decides how work is spread.
const PART_NANOS: u64 = 2_000;

/// An upper bound on the score of every valid solution of an auction, and the prices that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// In 10^-18 reference units, rounded up; [`Score::MAX`] bounds nothing.
    pub score: Score,
    /// Whose prices give it.
    pub source: BoundSource,
    /// At which prices the certificate comes to it.
    pub prices: DualPrices,
}

/// Whose prices give a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoundSource {
    /// The auction's reference prices.
    #[default]
    Reference,
    /// What the engine made of them.
    Engine,
    /// A solution that carried them.
    Solver(SolverId),
}

impl std::fmt::Display for BoundSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BoundSource::Reference => formatter.write_str("reference"),
            BoundSource::Engine => formatter.write_str("engine"),
            BoundSource::Solver(solver) => write!(formatter, "{}", solver.0),
        }
    }
}

/// The least certificate, at equal ones the engine's before a solver's.
///
/// Prices of a solution to another auction, or of another number than there are denominations, are passed over.
#[must_use]
pub fn bound(input: &AuctionInput, solutions: &[Solution], executor: &dyn Executor) -> Bound {
    let carried = solutions.iter().filter(|solution| solution.auction == input.auction).filter_map(|solution| {
        let prices = solution.prices.as_ref().filter(|prices| prices.count() == input.denominations.len())?;
        Some((BoundSource::Solver(solution.solver), prices.clone()))
    });
    let mut candidates = vec![(BoundSource::Reference, DualPrices::reference(input))];
    candidates.push((BoundSource::Engine, improved(input)));
    // Where nobody wants much, what venues could be made to lose to each other bounds nothing: at no price it is zero.
    candidates.push((BoundSource::Engine, DualPrices::default()));
    candidates.extend(carried);
    let parts = u64::try_from(input.intents.len().saturating_add(input.venues.len())).unwrap_or(u64::MAX);
    let nanos = parts.saturating_mul(PART_NANOS).saturating_mul(u64::try_from(candidates.len()).unwrap_or(u64::MAX));
    let scores = map(executor, candidates.len(), nanos, |at| {
        candidates.get(at).map_or(Score::MAX, |(_, prices)| certify(input, prices).bound)
    });
    let least = candidates.into_iter().zip(scores).min_by_key(|(_, score)| *score);
    let ((source, prices), score) =
        least.unwrap_or_else(|| ((BoundSource::Reference, DualPrices::default()), Score::MAX));
    Bound { score, source, prices }
}
