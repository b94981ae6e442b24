//! Auctions: the frozen input, sealed solutions, and the pure function that clears them.

mod clearing;
mod input;
mod solution;

pub use clearing::{Clearing, Executed, Loss, PlanSummary, SolverVerdicts, Verdict};
pub use input::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, INTENTS_MAX, Reserve, RuleSet, VENUES_MAX,
};
pub use solution::{BUNDLES_MAX, Bundle, FILLS_MAX, Fill, Solution, USES_MAX, VenueUse};
pub fn clear(_: &AuctionInput, _: &[Solution], _: &dyn crate::lanes::Executor) -> Clearing {
    unreachable!()
}
pub fn score_fill(_: &AuctionInput, _: &Fill) -> crate::money::Score {
    0
}
