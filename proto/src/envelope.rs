//! Envelopes: opened strictly, each command by itself; whether the signature is right is checked elsewhere.

use clearlane_core::command::{COMMANDS_MAX, Command};
use clearlane_core::names::{CommandId, Name, PublicKey};
use clearlane_core::refusal::{Reason, Refusal};
use prost::Message as _;

use crate::field::{at_most, fixed, name, refuse, strict};
use crate::{ALGORITHM_ED25519, ENVELOPE_BYTES_MAX, Scales, command, wire};

/// What an envelope holds; nothing here is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// For whom the key says it acts.
    pub party: Name,
    /// The key.
    pub key: PublicKey,
    /// The commands, in order, or why one can't be read.
    pub commands: Vec<Result<Command, Refusal>>,
    /// The id of each command; zero where not even that can be read.
    pub ids: Vec<CommandId>,
}

/// Opens an envelope without verifying its signature.
///
/// # Errors
///
/// `TOO_LARGE` for the payload, `NOT_SUPPORTED` for the algorithm, `MISSING` or `MALFORMED` for key and signature,
/// then what is wrong with the payload; a command that can't be read is no error.
pub fn open(envelope: &wire::SignedEnvelope, scales: &impl Scales) -> Result<Opened, Refusal> {
    at_most(envelope.payload.len(), ENVELOPE_BYTES_MAX, "payload")?;
    if envelope.algorithm != ALGORITHM_ED25519 {
        let message = format!("expected {ALGORITHM_ED25519} for Ed25519, found {}", envelope.algorithm);
        return refuse(Reason::NotSupported, "algorithm", message);
    }
    let key = PublicKey(fixed(&envelope.key, "key")?);
    fixed::<64>(&envelope.signature, "signature")?;
    let inner: wire::Envelope = strict(&envelope.payload, "payload")?;
    let party = name(&inner.party, "party")?;
    if inner.commands.is_empty() {
        return refuse(Reason::Missing, "commands", "expected at least one command, found none");
    }
    at_most(inner.commands.len(), COMMANDS_MAX, "commands")?;
    let commands: Vec<_> = inner.commands.iter().map(|bytes| command::to_core(bytes, scales)).collect();
    let ids = commands.iter().zip(&inner.commands).map(|(command, bytes)| id_of(command, bytes)).collect();
    Ok(Opened { party, key, commands, ids })
}

fn id_of(command: &Result<Command, Refusal>, bytes: &[u8]) -> CommandId {
    match command {
        Ok(command) => command.id,
        Err(_) => wire::Command::decode(bytes)
            .ok()
            .and_then(|command| fixed(&command.id, "id").ok())
            .map_or_else(CommandId::default, CommandId),
    }
}
