//! Strategies by name: how to answer an auction.
//!
//! A strategy proposes bundles in whole atoms that hold alone on the opening state and, executed
//! one after another, best first, on the states that the ones before them leave.

mod book;
mod crossing;
mod curve;
mod direct;
mod floored;
mod joint;
mod merge;
mod netting;
mod optimal;
mod quote;
mod ranked;
mod residual;
mod uniform_price;
mod value;

use std::time::Instant;

use clearlane_core::auction::certificate::DualPrices;
use clearlane_core::auction::{AuctionInput, Bundle};

pub use direct::Direct;
pub(crate) use floored::tightened;
pub use joint::Joint;
pub(crate) use merge::merged;
pub use netting::Netting;
pub use optimal::Optimal;
pub use uniform_price::solve_batch;
pub(crate) use value::float;

/// When a strategy has to stop, and whom it may tell how far it is.
pub struct Budget<'a> {
    is_spent: &'a dyn Fn() -> bool,
    ends_at: Option<Instant>,
    is_unlimited: bool,
    tell: &'a dyn Fn(Progress),
}

/// How far a strategy is, for people: what it says decides nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// About what its best answer so far counts, in reference units.
    pub score: f64,
    /// What it takes to be the most that any answer scores, in reference units, if it knows.
    pub bound: Option<f64>,
}

impl<'a> Budget<'a> {
    /// A budget that is spent once `is_spent` says so; it is asked often and should be cheap.
    #[must_use]
    pub fn new(is_spent: &'a dyn Fn() -> bool) -> Budget<'a> {
        Budget { is_spent, ends_at: None, is_unlimited: false, tell: &|_| {} }
    }

    /// A budget that is spent only if `is_spent` says that the answer is wanted now: until then a strategy has to find
    /// an end by itself.
    #[must_use]
    pub fn until_interrupted(is_spent: &'a dyn Fn() -> bool) -> Budget<'a> {
        Budget { is_unlimited: true, ..Budget::new(is_spent) }
    }

    /// The same budget, known to be spent at that time: so that a strategy can keep back what its last stage takes.
    #[must_use]
    pub fn ending_at(self, ends_at: Instant) -> Budget<'a> {
        Budget { ends_at: Some(ends_at), ..self }
    }

    /// When the budget will be spent, where that is known.
    #[must_use]
    pub fn ends_at(&self) -> Option<Instant> {
        self.ends_at
    }

    /// A budget that is never spent.
    #[must_use]
    pub fn unlimited() -> Budget<'static> {
        Budget::until_interrupted(&|| false)
    }

    /// The same budget, with somebody to tell how far the strategy is; telling is rare and may take a lock.
    #[must_use]
    pub fn telling(self, tell: &'a dyn Fn(Progress)) -> Budget<'a> {
        Budget { tell, ..self }
    }

    /// Says how far the strategy is.
    pub fn tell(&self, progress: Progress) {
        (self.tell)(progress);
    }

    /// Whether it is never spent, so that a strategy has to find an end by itself.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.is_unlimited
    }

    /// Whether the strategy should return what it has.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        (self.is_spent)()
    }
}

/// A way to answer auctions.
pub trait Strategy: Sync {
    /// The name under which the command line knows it.
    fn name(&self) -> &'static str;

    /// Answers one auction, at the latest when the budget is spent.
    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal;
}

/// What a strategy answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// What should execute.
    pub bundles: Vec<Bundle>,
    /// Shadow prices of one whole unit of each denomination in the reference asset, at which the auction's certificate
    /// is to be evaluated. Any such prices bound from above what any answer can score.
    pub prices: Option<DualPrices>,
}

impl From<Vec<Bundle>> for Proposal {
    /// An answer without prices.
    fn from(bundles: Vec<Bundle>) -> Proposal {
        Proposal { bundles, prices: None }
    }
}

/// Every strategy there is, simplest first.
#[must_use]
pub fn strategies() -> Vec<Box<dyn Strategy>> {
    vec![Box::new(Direct), Box::new(Netting), Box::new(Joint), Box::new(Optimal::default())]
}

/// The strategy of that name.
///
/// # Errors
///
/// Lists the names there are.
pub fn strategy(name: &str) -> Result<Box<dyn Strategy>, UnknownStrategy> {
    let found = strategies().into_iter().find(|strategy| strategy.name() == name);
    found.ok_or_else(|| UnknownStrategy {
        name: name.to_owned(),
        known: strategies().iter().map(|strategy| strategy.name()).collect::<Vec<_>>().join(", "),
    })
}

/// The strategy of that name, on one thread: within a budget of steps it answers alike each time, however fast the machine.
///
/// # Errors
///
/// Lists the names there are.
pub fn repeatable(name: &str) -> Result<Box<dyn Strategy>, UnknownStrategy> {
    let found = strategy(name)?;
    let on_one_thread = Optimal { threads: 1 };
    Ok(if found.name() == on_one_thread.name() { Box::new(on_one_thread) } else { found })
}

/// No strategy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a strategy of {known}, found {name}")]
pub struct UnknownStrategy {
    name: String,
    known: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = strategy("oracle").err().expect("there is no such strategy");
        assert_eq!(error.to_string(), "expected a strategy of direct, netting, joint, optimal, found oracle");
    }
}
