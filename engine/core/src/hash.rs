//! Hashes with domain separation, and the canonical byte form that is hashed.

/// A BLAKE3 hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Hashes values in a canonical form: integers big-endian at fixed width, bytes after their length.
#[derive(Clone, Debug)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts a hash in `domain`, so that equal bytes of different kinds never collide.
    #[must_use]
    pub fn new(domain: &str) -> Hasher {
        Hasher(blake3::Hasher::new_derive_key(domain))
    }

    /// Adds one byte.
    pub fn byte(&mut self, value: u8) -> &mut Hasher {
        self.0.update(&[value]);
        self
    }

    /// Adds a 64-bit integer.
    pub fn number(&mut self, value: u64) -> &mut Hasher {
        self.0.update(&value.to_be_bytes());
        self
    }

    /// Adds an amount.
    pub fn atoms(&mut self, value: u128) -> &mut Hasher {
        self.0.update(&value.to_be_bytes());
        self
    }

    /// Adds a count or an index.
    pub fn count(&mut self, value: usize) -> &mut Hasher {
        self.number(u64::try_from(value).unwrap_or(u64::MAX))
    }

    /// Adds bytes of any length.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Hasher {
        self.count(value.len());
        self.0.update(value);
        self
    }

    /// Adds another hash.
    pub fn hash(&mut self, value: Hash) -> &mut Hasher {
        self.0.update(&value.0);
        self
    }

    /// The hash of everything added so far.
    #[must_use]
    pub fn finish(&self) -> Hash {
        Hash(*self.0.finalize().as_bytes())
    }
}
