//! Solver strategies, offline solving, and adapters to auction file formats.
//!
//! Strategies propose; the core judges. Nothing in here may decide what is valid or what a
//! bundle is worth: every claim is checked by the core's exact rules before it is made.

pub mod cow;
pub mod formats;
pub mod market;
pub mod offline;
pub mod session;
pub mod strategy;
