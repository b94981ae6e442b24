//! Client ids: UUIDv7 from the engine's clock and the system's randomness.

use crate::keys::{KeyError, from_hex, to_hex};

/// Nanoseconds in a millisecond: engine times count the former, ids the latter.
pub const NANOS_PER_MILLI: u64 = 1_000_000;

/// The largest time that fits the 48 bits of an id.
const MILLIS_MAX: u64 = (1 << 48) - 1;

/// A fresh UUIDv7 of this millisecond since 1970; a later time than 48 bits hold is cut to the last one.
///
/// # Errors
///
/// If the system gives no randomness.
pub fn new_id(millis: u64) -> Result<[u8; 16], KeyError> {
    let mut random = [0_u8; 10];
    getrandom::fill(&mut random).map_err(KeyError::Randomness)?;
    Ok(id_of(millis, random))
}

/// The UUIDv7 of a time and 74 random bits, taken from 80.
#[must_use]
pub fn id_of(millis: u64, random: [u8; 10]) -> [u8; 16] {
    let [_, _, t0, t1, t2, t3, t4, t5] = millis.min(MILLIS_MAX).to_be_bytes();
    let [a, b, c, rest @ ..] = random;
    let [d, e, f, g, h, i, j] = rest;
    [t0, t1, t2, t3, t4, t5, 0x70 | (a & 0x0f), b, 0x80 | (c & 0x3f), d, e, f, g, h, i, j]
}

/// The milliseconds since 1970 in an id; `None` if it is no UUIDv7.
#[must_use]
pub fn millis_of(id: &[u8; 16]) -> Option<u64> {
    let [t0, t1, t2, t3, t4, t5, version, _, variant, ..] = *id;
    let is_uuid7 = version >> 4 == 7 && variant >> 6 == 0b10;
    is_uuid7.then(|| u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]))
}

/// An id as people read it: `01234567-89ab-7cde-8f01-23456789abcd`; other lengths as plain hex.
#[must_use]
pub fn id_text(id: &[u8]) -> String {
    let hex = to_hex(id);
    let parts = [hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..32)];
    match parts {
        [Some(a), Some(b), Some(c), Some(d), Some(e)] if hex.len() == 32 => format!("{a}-{b}-{c}-{d}-{e}"),
        _ => hex,
    }
}

/// Reads an id with or without its hyphens.
#[must_use]
pub fn parse_id(text: &str) -> Option<[u8; 16]> {
    from_hex(&text.replace('-', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_the_version_and_the_variant_are_where_rfc_9562_puts_them() {
        let id = id_of(0x0001_0203_0405, [0xff; 10]);
        assert_eq!(id[..6], [0, 1, 2, 3, 4, 5]);
        assert_eq!((id[6], id[7], id[8]), (0x7f, 0xff, 0xbf));
        assert_eq!(millis_of(&id), Some(0x0001_0203_0405));
        assert_eq!(millis_of(&[0xff; 16]), None);
        assert_eq!(id_of(u64::MAX, [0; 10])[..7], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x70]);
    }

    #[test]
    fn ids_differ_and_read_back_from_their_text() {
        let first = new_id(1_700_000_000_000).expect("randomness");
        let second = new_id(1_700_000_000_000).expect("randomness");
        assert_ne!(first, second);
        assert_eq!(parse_id(&id_text(&first)), Some(first));
        assert_eq!(id_text(&first).len(), 36);
        assert_eq!(parse_id("abc"), None);
    }
}
