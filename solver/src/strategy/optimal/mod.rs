//! The reference strategy: the auction as one program, relaxed, decided, and made exact.
//!
//! An interior-point method solves the relaxation; dives, branch and bound and large-neighbourhood search
//! decide whole fills, alternatives and rails; the answer is rounded to atoms under the core's own rules.
//! It can be stopped at any time, and keeps an exact answer from early on.

mod accepted;
mod balance;
mod bound;
mod branch;
mod cholesky;
mod curve;
mod dive;
mod finish;
mod interior;
mod leftovers;
mod liquidity;
mod model;
mod neighbourhood;
mod newton;
mod node;
mod path;
mod program;
mod random;
mod rounding;
mod run;
mod search;
mod stretch;
mod uniform;
mod values;
mod version;

#[cfg(test)]
mod tests;

use clearlane_core::auction::AuctionInput;

use super::{Budget, Proposal, Strategy};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Optimal {
    /// Threads that search at once; answers are repeatable with one.
    pub threads: usize,
}

impl Default for Optimal {
    /// As many threads as there are, two at most: more find little.
    fn default() -> Optimal {
        let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Optimal { threads: available.min(2) }
    }
}

impl Strategy for Optimal {
    fn name(&self) -> &'static str {
        "optimal"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal {
        run::run(input, budget, self.threads)
    }
}
