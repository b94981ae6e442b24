//! The shell of the engine: everything that waits, reads a clock, or touches disk and network.
//!
//! What it hands to the core is a record; what the core decides comes back as an outcome.

pub mod admission;
mod allowance;
pub mod bids;
pub mod cell;
pub mod clearings;
pub mod clock;
pub mod executor;
pub mod genesis;
pub mod keys;
pub mod offers;
pub mod outcomes;
pub mod phase;
pub mod replay;
pub mod scales;
pub mod sequencer;
pub mod server;
mod services;
pub mod settings;
pub mod standings;
pub mod stored;
pub mod view;
