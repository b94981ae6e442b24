//! Auctions: the frozen input, sealed solutions, and the pure function that clears them.

pub mod certificate;
mod clear;
mod clearing;
mod cost;
mod floor;
mod input;
mod judge;
mod paths;
mod route;
mod score;
mod solution;
mod sweep;
mod verify;

pub use clear::clear;
pub use clearing::{Clearing, Executed, Loss, PlanSummary, SolverVerdicts, Verdict};
pub use input::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, INTENTS_MAX, Reserve, RuleSet, VENUES_MAX,
};
pub use judge::judge;
pub use paths::{HOPS_MAX, Hop, Market, PATHS_MAX, Path, PathCache, RateBound, RateBounds};
pub use route::{ROUTED_PATHS_MAX, Routed, Routes};
pub use score::{SCORE_UNIT, score_bundle, score_fill, surplus_of, value_of};
pub use solution::{BUNDLES_MAX, Bundle, FILLS_MAX, Fill, Solution, USES_MAX, VenueUse};
pub use verify::{Verified, footprint, size_of, verify};
