//! The order in which bundles have their turns: best score first.

use std::cmp::Reverse;

use super::verify::by_intent;
use super::{AuctionInput, Bundle};
use crate::hash::{Hash, Hasher};
use crate::money::Score;
use crate::names::SolverId;

/// A bundle's place among all others of an auction: more score, then more intents, then the seeded hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Precedence {
    score: Reverse<Score>,
    intents: Reverse<usize>,
    tie: Hash,
}

impl Precedence {
    /// The place of the bundle of this number in a solver's solution.
    pub(super) fn of(
        input: &AuctionInput,
        (solver, number): (SolverId, u32),
        bundle: &Bundle,
        score: Score,
    ) -> Precedence {
        let mut hasher = Hasher::new("clearlane.v1 bundle tie");
        let tie = hasher.hash(input.seed).number(u64::from(solver.0)).number(u64::from(number)).finish();
        Precedence { score: Reverse(score), intents: Reverse(by_intent(bundle).len()), tie }
    }
}
