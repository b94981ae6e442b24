//! What follows from the frozen input alone, computed once: paths, floors, and the built-in bidder's own answer.

use super::clear::decide;
use super::floor::{alone, with_terms};
use super::paths::PathCache;
use super::score::score_bundle;
use super::{AuctionInput, Bundle, Clearing, RuleSet, Solution};
use crate::lanes::Executor;
use crate::money::Score;

/// An open auction, ready to be cleared as often as one likes: of clearing, opening takes the longer part.
#[derive(Clone, Debug)]
pub struct Opened {
    input: AuctionInput,
    pub(super) paths: PathCache,
    /// What the built-in bidder would execute if nobody else bid.
    pub(super) alone: Vec<(Bundle, Score)>,
}

impl Opened {
    /// Opens an auction: routes every intent by the built-in bidder.
    #[must_use]
    pub fn new(input: &AuctionInput) -> Opened {
        let paths = PathCache::new(input);
        let alone = alone(input, &paths);
        let input = if input.rules == RuleSet::Floor { with_terms(input, &alone) } else { input.clone() };
        let alone = scored(&input, alone);
        Opened { input, paths, alone }
    }

    /// The auction; under [`RuleSet::Floor`] with the floor of each intent, against which its fills are measured.
    #[must_use]
    pub fn input(&self) -> &AuctionInput {
        &self.input
    }

    /// Whether it is the auction of this input, as this process opened it.
    #[must_use]
    pub fn is_of(&self, input: &AuctionInput) -> bool {
        (self.input.auction, self.input.seed) == (input.auction, input.seed)
    }

    /// See [`clear`](super::clear).
    #[must_use]
    pub fn clear(&self, solutions: &[Solution], executor: &dyn Executor) -> Clearing {
        decide(self, solutions, executor)
    }
}

pub(super) fn scored(input: &AuctionInput, bundles: Vec<Bundle>) -> Vec<(Bundle, Score)> {
    let scored = bundles.into_iter().map(|bundle| {
        let score = score_bundle(input, &bundle);
        (bundle, score)
    });
    scored.collect()
}
