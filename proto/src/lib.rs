//! The contract: the protobuf files, the generated types, and the only conversions between wire and core.
//!
//! What arrives is checked here once: sizes, names, amounts, enumerations, unknown fields. Inside, a value is
//! always valid. Nothing here reads a clock, touches a network or verifies a signature.

pub mod amount;
pub mod auction;
pub mod command;
pub mod delta;
pub mod envelope;
pub mod events;
mod field;
pub mod intent;
pub mod outcome;
pub mod record;
pub mod signing;
pub mod strict;
pub mod venue;
pub mod verdict;

#[cfg(test)]
mod tests;

/// The generated types.
pub mod wire {
    #![expect(
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::excessive_nesting,
        clippy::missing_errors_doc,
        clippy::too_many_lines,
        reason = "generated"
    )]
    tonic::include_proto!("clearlane.v1");
}

pub use envelope::Opened;
pub use signing::{ALGORITHM_ED25519, envelope_bytes, register_bytes};

use clearlane_core::names::Name;
use clearlane_core::state::State;

/// The compiled protobuf files, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The largest payload of an envelope: with key and signature a record stays below a mebibyte.
pub const ENVELOPE_BYTES_MAX: usize = 900_000;
/// The largest message that a peer takes: a full auction's input fits.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The largest encoded solution: a record stays below a mebibyte.
pub const SOLUTION_BYTES_MAX: usize = 900_000;

/// Knows the decimals of assets, by which human amounts become atoms.
pub trait Scales {
    /// The decimals of this asset; `None` if there is no such asset.
    fn scale(&self, asset: &str) -> Option<u8>;
}

impl Scales for State {
    fn scale(&self, asset: &str) -> Option<u8> {
        let index = self.asset(&Name::new(asset)?)?;
        self.assets.get(index.at()).map(|asset| asset.scale)
    }
}
