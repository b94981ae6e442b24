//! CoW Protocol's solver-engine API, both ways.
//!
//! [`answer`] solves one request as a strategy would an auction and states it by CoW's rules, at one price a token;
//! [`serve`] does so for whoever asks over HTTP. [`ViaCow`] is a strategy that asks such an engine.

mod answer;
mod balance;
mod gas;
mod liquidity;
mod moment;
mod pricing;
mod question;
mod reply;
mod scaled;
mod serve;
mod settlement;
mod via;

#[cfg(test)]
mod tests;

pub use answer::{Answered, answer, deadline};
pub use serve::{ServeOptions, serve};
pub use via::{NoEngine, ViaCow};
