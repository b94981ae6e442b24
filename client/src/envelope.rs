//! Envelopes: commands of one party under one signature.

use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use prost::Message as _;

use crate::ids::new_id;
use crate::keys::{KeyError, KeyPair};

/// A command under a given id.
#[must_use]
pub fn command(id: [u8; 16], action: Action) -> wire::Command {
    wire::Command { id: id.to_vec(), action: Some(action) }
}

/// Signs commands for a party; the same commands give the same bytes, so sending them again is safe.
#[must_use]
pub fn envelope(key: &KeyPair, party: &str, commands: &[wire::Command]) -> wire::SignedEnvelope {
    let commands = commands.iter().map(|command| command.encode_to_vec()).collect();
    let envelope = wire::Envelope { party: party.to_owned(), commands };
    key.sign_envelope(envelope.encode_to_vec())
}

/// Gives each action a fresh id of this millisecond and signs them all.
///
/// # Errors
///
/// If the system gives no randomness.
pub fn envelope_of(
    key: &KeyPair,
    party: &str,
    actions: Vec<Action>,
    millis: u64,
) -> Result<wire::SignedEnvelope, KeyError> {
    let commands: Result<Vec<_>, _> = actions.into_iter().map(|action| Ok(command(new_id(millis)?, action))).collect();
    Ok(envelope(key, party, &commands?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_holds_the_party_and_every_command() {
        let key = KeyPair::from_seed([1; 32]);
        let cancel = || Action::Cancel(wire::Cancel { intent: vec![9; 16] });
        let signed = envelope_of(&key, "alice", vec![cancel(), cancel()], 5).expect("randomness");
        let inner = wire::Envelope::decode(signed.payload.as_slice()).expect("an envelope");
        assert_eq!((inner.party.as_str(), inner.commands.len()), ("alice", 2));
        let first = wire::Command::decode(inner.commands[0].as_slice()).expect("a command");
        assert_eq!((first.id[5], first.id[6] >> 4), (5, 7));
    }
}
