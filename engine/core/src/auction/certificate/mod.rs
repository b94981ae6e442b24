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
//! each gains alone is not shown to bound a mix of them. What bounds is the whole trading set: with reserves R, fee
//! factor gamma and a curve phi that grows in every coin, uses after one another lead to Z with `phi(Z) >= phi(R)`
//! and lose the pool at most the maximum over such Z of the sum of `nu_k (R_k - Z_k)` over coins with less than R_k
//! and of `nu_k (R_k - Z_k) / gamma` over those with more, since wash trades only pay fees. Each coin is drawn (at
//! nu_k), put in (at nu_k / gamma) or idle. For weighted pools there is a multiplier: drawn are the coins with
//! `nu_k R_k / w_k` above it, put in those with `nu_k R_k / (gamma w_k)` below it, and it is the weighted geometric mean
//! of these over the coins that move, whose gain is that of the file on products. The set has to be the right one:
//! another that keeps a coin idle is no bound. Stable pools need the multiplier by bisection.

mod choice;
mod descent;
mod evaluate;
mod fixed;
mod intent;
mod ladder;
mod prices;
mod product;
mod rail;
mod slopes;
mod stable;
mod surrogate;
#[cfg(test)]
mod tests;
mod venue;
mod worth;

pub use choice::{Bound, BoundSource, bound};
pub use descent::improved;
pub use evaluate::{Certificate, certify};
pub use prices::{DUAL_PRICES_MAX, DualPrices};
