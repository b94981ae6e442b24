//! CoW Protocol's solver-engine API, both ways.
//!
//! [`answer`] solves one request as a strategy would an auction and states it by CoW's rules, at one price a token;
//! [`serve`] does so for whoever asks over HTTP.

mod answer;
mod gas;
mod moment;
mod pricing;
mod scaled;
mod serve;
mod settlement;

pub use answer::{Answered, answer, deadline};
pub use serve::{ServeError, ServeOptions, serve};
