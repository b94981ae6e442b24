//! Key pairs: made from the system's randomness, kept as a hex seed in a file, used to sign.
//!
//! Nothing here prints or logs the seed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clearlane_proto::{ALGORITHM_ED25519, envelope_bytes, register_bytes, wire};
use ed25519_zebra::{SigningKey, VerificationKey};

/// An Ed25519 key pair.
#[derive(Clone)]
pub struct KeyPair {
    seed: [u8; 32],
    signing: SigningKey,
}

/// Why there is no key pair.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gave no randomness.
    #[error("expected randomness from the system: {0}")]
    Randomness(getrandom::Error),
    /// The key file can't be read.
    #[error("can't read the key file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key file can't be written.
    #[error("can't write the key file {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no seed.
    #[error("{path}: expected a seed of 64 hex digits, found {found} other bytes")]
    NotASeed {
        /// The file.
        path: PathBuf,
        /// How many bytes it holds.
        found: usize,
    },
}

impl KeyPair {
    /// A new pair.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn generate() -> Result<KeyPair, KeyError> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(KeyError::Randomness)?;
        Ok(KeyPair::from_seed(seed))
    }

    /// The pair of a secret seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> KeyPair {
        KeyPair { seed, signing: SigningKey::from(seed) }
    }

    /// Reads the seed from a file of 64 hex digits.
    ///
    /// # Errors
    ///
    /// If the file can't be read or holds anything else.
    pub fn read(path: &Path) -> Result<KeyPair, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
        let not_a_seed = || KeyError::NotASeed { path: path.to_owned(), found: text.len() };
        let seed = from_hex::<32>(text.trim()).ok_or_else(not_a_seed)?;
        Ok(KeyPair::from_seed(seed))
    }

    /// Writes the seed to a new file that only its owner may read.
    ///
    /// # Errors
    ///
    /// If the file exists already or can't be written.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let failed = |source| KeyError::Write { path: path.to_owned(), source };
        let mut file = options.open(path).map_err(failed)?;
        writeln!(file, "{}", to_hex(&self.seed)).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    /// The secret seed, for a session that signs by itself.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        VerificationKey::from(&self.signing).into()
    }

    /// Signs the encoded payload of an envelope.
    #[must_use]
    pub fn sign_envelope(&self, payload: Vec<u8>) -> wire::SignedEnvelope {
        let signature = self.sign(&envelope_bytes(&payload));
        wire::SignedEnvelope { key: self.public().to_vec(), signature, payload, algorithm: ALGORITHM_ED25519 }
    }

    /// Answers the hello of an engine.
    #[must_use]
    pub fn sign_registration(&self, nonce: &[u8], strategy: &str) -> wire::Register {
        let signature = self.sign(&register_bytes(nonce));
        let (key, strategy) = (self.public().to_vec(), strategy.to_owned());
        wire::Register { key, signature, strategy, ..wire::Register::default() }
    }

    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.signing.sign(bytes).to_bytes().to_vec()
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "KeyPair({})", to_hex(&self.public()))
    }
}

/// Bytes as lowercase hex digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly `N` bytes from hex digits.
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0_u8; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file_and_signs_what_its_public_key_verifies() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let made = KeyPair::generate().expect("randomness");
        made.write_new(&path).expect("a new file");
        assert!(made.write_new(&path).is_err(), "an existing key is never overwritten");
        let read = KeyPair::read(&path).expect("a seed");
        assert_eq!(read.public(), made.public());
        let envelope = read.sign_envelope(b"payload".to_vec());
        let key = VerificationKey::try_from(envelope.key.as_slice()).expect("a key");
        let signature = ed25519_zebra::Signature::try_from(envelope.signature.as_slice()).expect("64 bytes");
        assert!(key.verify(&signature, &envelope_bytes(b"payload")).is_ok());
        assert!(key.verify(&signature, b"payload").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_seed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        KeyPair::from_seed([7; 32]).write_new(&path).expect("a new file");
        let mode = std::fs::metadata(&path).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn hex_is_exact() {
        assert_eq!(from_hex::<2>("0aFf"), Some([10, 255]));
        assert_eq!(from_hex::<2>("0aF"), None);
        assert_eq!(from_hex::<2>("+a+f"), None);
    }
}
