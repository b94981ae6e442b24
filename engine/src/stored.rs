//! What is written: records of the core, and for commands the envelope as it was signed.

use clearlane_core::record::{Body, Commands};
use clearlane_core::time::Timestamp;
use clearlane_proto::{record, wire};
use prost::Message as _;

/// A record on its way into the log.
pub enum Stored {
    /// Commands, with the envelope they came in.
    Commands(StoredCommands),
    /// Any other record.
    Plain(Body),
}

/// Commands that admission let through.
pub struct StoredCommands {
    /// As they were signed.
    pub envelope: wire::SignedEnvelope,
    /// Places of those that admission refused.
    pub refused: Vec<u32>,
    /// The others, decoded.
    pub commands: Commands,
}

impl Stored {
    /// The bytes that the log holds.
    #[must_use]
    pub fn encode(&self, time: Timestamp) -> Vec<u8> {
        match self {
            Stored::Commands(stored) => record::encode_commands(time, &stored.envelope, &stored.refused),
            Stored::Plain(body) => record::encode(time, body),
        }
    }

    /// The record's body in the core.
    #[must_use]
    pub fn into_body(self) -> Body {
        match self {
            Stored::Commands(stored) => Body::Commands(stored.commands),
            Stored::Plain(body) => body,
        }
    }
}

impl StoredCommands {
    /// About how many bytes the log will hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.envelope.encoded_len() + self.refused.len() * 5
    }
}
