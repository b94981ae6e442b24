//! The exact bytes that keys sign, each kind in its own domain.

/// Ed25519 under the rule of ZIP-215.
pub const ALGORITHM_ED25519: u32 = 1;

const ENVELOPE_DOMAIN: &[u8] = b"clearlane.v1.envelope\0";
const REGISTER_DOMAIN: &[u8] = b"clearlane.v1.register\0";

/// What the signature of an envelope covers.
#[must_use]
pub fn envelope_bytes(payload: &[u8]) -> Vec<u8> {
    [ENVELOPE_DOMAIN, payload].concat()
}

/// What the signature of a solver's registration covers.
#[must_use]
pub fn register_bytes(nonce: &[u8]) -> Vec<u8> {
    [REGISTER_DOMAIN, nonce].concat()
}
