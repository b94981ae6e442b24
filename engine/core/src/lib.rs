//! The pure state machine of Clearlane: money, intents, ledger, venues, auctions, lanes.
//!
//! Commands go in as records; outcomes and events come out. Nothing in this crate reads a
//! clock, starts a thread, touches disk or network, rolls dice, uses a float, or iterates
//! in hash order: the same log gives the same state root on any machine.
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::indexing_slicing)]
#![cfg_attr(test, expect(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then"))]

pub mod auction;
pub mod book;
pub mod breakage;
pub mod command;
pub mod condition;
pub mod config;
pub mod event;
pub mod fact;
pub mod hash;
pub mod ids;
pub mod intent;
pub mod invariants;
pub mod lanes;
pub mod ledger;
pub mod money;
pub mod names;
pub mod pending;
pub mod price;
pub mod record;
pub mod refusal;
pub mod root;
pub mod state;
pub mod time;
pub mod venue;
pub mod wide;
