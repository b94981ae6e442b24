//! The fixed-size header that names, dates and chains a batch.
//!
//! Encoding is little-endian and carries its own checksum; a header's hash is what the next header points at, so
//! changing a byte of this layout means a new version. Decoding never trusts a field before the checksum holds,
//! except for magic and version, which say how to read the rest.

use crate::error::Damage;
use crate::merkle::Hash;

/// Bytes of an encoded header; below one 512-byte sector, so that a header is never half written.
pub const HEADER_BYTES: usize = 196;

/// The format this program reads and writes.
pub const VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"CLRLNLOG";
const HASH_DOMAIN: &str = "clearlane log header v1";
const CHECKED_BYTES: usize = HEADER_BYTES - 4;

/// The number of a batch, from 1; 0 stands for the end of an empty log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Names the batch after this one.
    #[must_use]
    pub fn next(self) -> Sequence {
        Sequence(self.0.saturating_add(1))
    }
}

/// What a batch does to the log's leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Carries records within the epoch of its predecessor.
    Records,
    /// Raises the epoch, which fences every writer of an earlier one; may carry records as well.
    Epoch,
}

/// What is known of a batch without its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Format version.
    pub version: u16,
    /// Whether the batch raises the epoch.
    pub kind: Kind,
    /// Place in the log, from 1.
    pub sequence: Sequence,
    /// The writer's epoch; never falls.
    pub epoch: u64,
    /// The writer's clock in nanoseconds; the log does not judge it.
    pub time_ns: u64,
    /// Hash of the previous header, zeros in the first.
    pub previous_hash: Hash,
    /// Global index of the first record, from 0.
    pub first_record: u64,
    /// Number of records.
    pub count: u32,
    /// Bytes of the body.
    pub length: u32,
    /// CRC-32C of the body.
    pub crc32c: u32,
    /// Merkle root with a leaf per record.
    pub records_root: Hash,
    /// How far the writer had applied the log; the log does not judge it.
    pub applied_through: u64,
    /// The writer's commitment to all outcomes up to `applied_through`.
    pub outcomes_root: Hash,
    /// Mountain range root over the hashes of all earlier headers.
    pub history_root: Hash,
}

impl Header {
    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.version.to_le_bytes());
        bytes[10] = kind_byte(self.kind);
        bytes[12..16].copy_from_slice(&self.count.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.time_ns.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.first_record.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.applied_through.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.length.to_le_bytes());
        bytes[60..64].copy_from_slice(&self.crc32c.to_le_bytes());
        bytes[64..96].copy_from_slice(&self.previous_hash);
        bytes[96..128].copy_from_slice(&self.records_root);
        bytes[128..160].copy_from_slice(&self.outcomes_root);
        bytes[160..192].copy_from_slice(&self.history_root);
        let checksum = crc32c::crc32c(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Decodes a header; bounds on `length` and `count` are the caller's to check.
    ///
    /// # Errors
    /// The first of magic, version, checksum, reserved byte and kind that does not hold.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Header, Damage> {
        if bytes[0..8] != MAGIC {
            return Err(Damage::Magic);
        }
        let version = u16::from_le_bytes(array(bytes, 8));
        if version != VERSION {
            return Err(Damage::UnknownVersion { found: version, known: VERSION });
        }
        if crc32c::crc32c(&bytes[..CHECKED_BYTES]) != u32::from_le_bytes(array(bytes, CHECKED_BYTES)) {
            return Err(Damage::HeaderChecksum);
        }
        if bytes[11] != 0 {
            return Err(Damage::NotZero);
        }
        Ok(Header {
            version,
            kind: kind_from(bytes[10])?,
            count: u32::from_le_bytes(array(bytes, 12)),
            sequence: Sequence(u64::from_le_bytes(array(bytes, 16))),
            epoch: u64::from_le_bytes(array(bytes, 24)),
            time_ns: u64::from_le_bytes(array(bytes, 32)),
            first_record: u64::from_le_bytes(array(bytes, 40)),
            applied_through: u64::from_le_bytes(array(bytes, 48)),
            length: u32::from_le_bytes(array(bytes, 56)),
            crc32c: u32::from_le_bytes(array(bytes, 60)),
            previous_hash: array(bytes, 64),
            records_root: array(bytes, 96),
            outcomes_root: array(bytes, 128),
            history_root: array(bytes, 160),
        })
    }

    /// Hashes the encoded header in its own BLAKE3 domain.
    #[must_use]
    pub fn hash(&self) -> Hash {
        blake3::derive_key(HASH_DOMAIN, &self.encode())
    }
}

fn kind_byte(kind: Kind) -> u8 {
    match kind {
        Kind::Records => 1,
        Kind::Epoch => 2,
    }
}

fn kind_from(byte: u8) -> Result<Kind, Damage> {
    match byte {
        1 => Ok(Kind::Records),
        2 => Ok(Kind::Epoch),
        found => Err(Damage::UnknownKind { found }),
    }
}

/// Copies the N bytes at a fixed place of the layout.
fn array<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Header {
        Header {
            version: VERSION,
            kind: Kind::Epoch,
            sequence: Sequence(7),
            epoch: 3,
            time_ns: 1_700_000_000_000_000_000,
            previous_hash: [1; 32],
            first_record: 40,
            count: 2,
            length: 99,
            crc32c: 0xdead_beef,
            records_root: [2; 32],
            applied_through: 6,
            outcomes_root: [3; 32],
            history_root: [4; 32],
        }
    }

    #[test]
    fn encoding_round_trips() {
        assert_eq!(Header::decode(&example().encode()), Ok(example()));
    }

    /// A changed hash means that old logs can no longer be read: raise the version instead.
    #[test]
    fn header_hash_is_pinned() {
        assert_eq!(hex(&example().hash()), "e7334b8c4fa54945dfb1e0077857c4c120de16c5c2339ad608bb27d2b54a6cd2");
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = example().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let bytes = Header { version: 2, ..example() }.encode();
        assert_eq!(Header::decode(&bytes), Err(Damage::UnknownVersion { found: 2, known: 1 }));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
