//! The client SDK: keys, ids, signed envelopes, and a typed connection to an engine.
//!
//! It knows the contract and nothing of the engine's or a solver's insides.

pub mod connection;
pub mod delivery;
pub mod envelope;
pub mod ids;
pub mod keys;

pub use connection::{Client, ClientError};
pub use keys::{KeyError, KeyPair};
