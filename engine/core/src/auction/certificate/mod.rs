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
//! **Pools of more than two coins.** The sum over a pool's pairs of what one use of each pair gains is no bound
//! that may be relied on to be tight, and is none at all once a use moves the price of another pair in its favour.
//! What bounds is the whole trading set: with reserves R, fee factor gamma and a curve phi that grows in every
//! coin, uses after one another lead to Z with `phi(Z) >= phi(R)`, and lose the pool at most
//! `max over Z of sum of nu_k (R_k - Z_k) where Z_k <= R_k, and of nu_k (R_k - Z_k) / gamma where Z_k > R_k`,
//! because wash trades only pay fees. Each coin is drawn (rate nu_k), put in (rate nu_k / gamma) or idle. For
//! weighted pools and a given set of rates r the optimum has `r_k Z_k / w_k` equal to one multiplier over the
//! coins that move; so sort `nu_k R_k / w_k` and `nu_k R_k / (gamma w_k)`: the multiplier lies where
//! drawn coins have `nu_k R_k / w_k` above it and put ones `nu_k R_k / (gamma w_k)` below it, and the value is
//! [`product`]'s, over the coins that move. Stable pools of n coins need the same maximum by bisection of the multiplier.

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
