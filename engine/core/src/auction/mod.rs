//! Auctions: the frozen input, sealed solutions, and the pure function that clears them.

pub mod certificate;
mod clear;
mod clearing;
mod cost;
mod cow;
mod fairness;
mod floor;
pub mod gpv1;
mod input;
mod judge;
mod open_plan;
mod opened;
mod paths;
mod precedence;
mod receipt;
mod reward;
mod route;
mod score;
mod select;
mod solution;
mod step;
mod sweep;
mod verify;

pub use clear::clear;
pub use clearing::{Clearing, Executed, Loss, PlanSummary, SolverVerdicts, Verdict};
pub use cow::{CowOutcome, CowSolution, CowTrade, DirectedPair, cow_delivered, cow_reward, cow_select};
pub use floor::with_floors;
pub use input::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, FloorTerms, INTENTS_MAX, Reserve, RuleSet,
    VENUES_MAX,
};
pub use judge::judge;
pub use open_plan::{FOLLOWED_LEGS_MAX, OpenPlan};
pub use opened::Opened;
pub use paths::{HOPS_MAX, Hop, Market, PATHS_MAX, Path, PathCache, RateBound, RateBounds};
pub use receipt::{Receipts, Standing, hundredth_points};
pub use reward::{Earned, rewards};
pub use route::{ROUTED_PATHS_MAX, Routed, Routes};
pub use score::{SCORE_UNIT, score_beside_floor, score_bundle, score_fill, surplus_of, surplus_value, value_of};
pub use select::SELECTION_WORK_MAX;
pub use solution::{BUNDLES_MAX, Bundle, FILLS_MAX, Fill, Solution, USES_MAX, VenueUse};
pub use verify::{Verified, footprint, size_of, verify};
