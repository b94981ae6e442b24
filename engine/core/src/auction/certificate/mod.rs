//! The certificate: what no valid solution of an auction can score more than, at any prices whatever.
//!
//! For prices nu >= 0, `g(nu) = sum of intents h(nu) + sum of venues arb(nu)` is the Lagrangian dual of the
//! auction: `h` is the most that an intent's owner and the score gain together where every denomination may be
//! bought and sold at nu, and `arb` the most that a venue can be made to lose at nu. A valid solution takes in
//! every denomination at least what it gives, so its score is at most what its parts gain at nu.
//! Shared reserves, whole atoms, minimum fills and the order of bundles only lower what can be reached.
//!
//! Prices are rational, all arithmetic is in integers and rounds up; what does not fit saturates at the top,
//! which bounds too. A venue may be used many times: each file of a kind says why uses after one another never
//! give more than `arb` on the opening state.
//!
//! **Pools of more than two coins.** A use of one pair moves the prices of the others, so the sum over pairs of what
//! each gains alone is not shown to bound a mix of them: such pools are bounded as a whole, in `weighted.rs` by a closed
//! form and in `tangent.rs` by a tangent plane.

mod choice;
mod concentrated;
mod descent;
mod evaluate;
mod fixed;
mod intent;
mod ladder;
mod level;
mod prices;
mod product;
mod rail;
mod slopes;
mod stable;
mod surrogate;
mod tangent;
mod tangent_point;
#[cfg(test)]
mod tests;
mod venue;
mod weighted;
mod worth;

pub use choice::{Bound, BoundSource, bound};
pub use descent::improved;
pub use evaluate::{Certificate, certify};
pub use prices::{DUAL_PRICES_MAX, DualPrices};
