//! What clearing an auction decides: which bundles execute, and why the others do not.

use super::certificate::Bound;
use super::score::value_of;
use super::{AuctionInput, Bundle, Fill, FloorTerms};
use crate::hash::Hash;
use crate::lanes::Resource;
use crate::money::Score;
use crate::names::{AuctionId, IntentIndex, SolverId};
use crate::refusal::Refusal;

/// The decision on one auction; settlement only posts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// Which auction.
    pub auction: AuctionId,
    /// The bundles that execute, in order.
    pub executed: Vec<Executed>,
    /// The sum of their scores.
    pub score: Score,
    /// What the built-in bidder alone would have reached.
    pub floor_score: Score,
    /// By how much, at most, another set of the valid bundles could have scored more than the set selected.
    ///
    /// Summed over the components of the conflict graph; what the built-in bidder adds to either is not in it.
    pub selection_gap: Score,
    /// Whether the built-in bidder alone was the better answer.
    pub is_floor_alone: bool,
    /// What no valid solution of the auction scores more than.
    pub bound: Bound,
    /// What each solver is told, in order of solver.
    pub verdicts: Vec<SolverVerdicts>,
    /// The lanes in which the sweep ran.
    pub plan: PlanSummary,
    /// What the built-in bidder alone would have filled, in order of intent, through options by place in the input.
    pub floors: Vec<(IntentIndex, FloorTerms)>,
    /// The hash of all of the above but the floors, which follow from the input.
    pub digest: Hash,
}

impl Clearing {
    /// What the built-in bidder alone would have filled of an intent.
    #[must_use]
    pub fn floor_of(&self, intent: IntentIndex) -> Option<FloorTerms> {
        let found = self.floors.binary_search_by_key(&intent, |(intent, _)| *intent).ok()?;
        self.floors.get(found).map(|(_, floor)| *floor)
    }

    /// How much more anyone could have scored at most, in 10^-18 reference units.
    #[must_use]
    pub fn missed(&self) -> Score {
        self.bound.score.saturating_sub(self.score)
    }

    /// The value of what executes at the reference prices, in 10^-18 reference units: of what each fill gives, of what
    /// it gets where that alone has a price.
    #[must_use]
    pub fn value_filled(&self, input: &AuctionInput) -> Score {
        let fills = self.executed.iter().flat_map(|executed| &executed.bundle.fills);
        fills.fold(0, |sum: Score, fill| sum.saturating_add(value_of_fill(input, fill).unwrap_or(0)))
    }
}

fn value_of_fill(input: &AuctionInput, fill: &Fill) -> Option<Score> {
    let option = input.intents.get(fill.intent.at())?.options.get(usize::from(fill.option))?;
    value_of(input, option.give, fill.sold).or_else(|| value_of(input, option.get, fill.bought))
}

/// A bundle that executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Whose bundle; [`SolverId::FLOOR`] for the built-in bidder.
    pub solver: SolverId,
    /// Its place in that solver's solution.
    pub number: u32,
    /// Its colour in the sweep's plan; 0 for bundles of the built-in bidder.
    pub colour: u32,
    /// Its counted surplus.
    pub score: Score,
    /// What is posted.
    pub bundle: Bundle,
}

/// What one solver is told of its bundles, in its own order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolverVerdicts {
    /// The solver.
    pub solver: SolverId,
    /// One verdict a bundle.
    pub verdicts: Vec<Verdict>,
    /// What selection reaches less what it reaches without this solver, at most what the auction is worth beyond the
    /// floor; zero if it won nothing.
    pub contribution: Score,
}

/// What became of one bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It executes, at this score.
    Won(Score),
    /// It is valid alone but something better came first.
    Lost(Loss),
    /// It broke a rule on the opening state.
    Refused(Refusal),
    /// It would have executed, but the built-in bidder alone was better than all solutions.
    FloorBetter(Score),
}

/// To what a bundle lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its own score.
    pub score: Score,
    /// The bundle that came first on that resource (solver, number and score), if one is to name.
    pub to: Option<(SolverId, u32, Score)>,
    /// The resource on which it lost.
    pub on: Resource,
    /// Which rule no longer held when its turn came.
    pub refusal: Refusal,
}

/// The shape of the sweep's plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// Bundles planned.
    pub bundles: u32,
    /// Colours, which is the critical path in bundles.
    pub colours: u32,
    /// Writers of the busiest resource.
    pub hottest: u32,
}
