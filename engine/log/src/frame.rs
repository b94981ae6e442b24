//! The bytes of a batch on disk: header, body, zeros up to the next block.
//!
//! A body is each record behind its length in four little-endian bytes. Decoding checks every length before it
//! allocates or slices, since the bytes may be anything.

use crate::batch::{BATCH_BYTES_MAX, RECORDS_MAX, StoredBatch};
use crate::disk::{BLOCK_BYTES, is_zero};
use crate::error::{Damage, LogError};
use crate::header::{HEADER_BYTES, Header};
use crate::merkle;

const LENGTH_BYTES: usize = 4;

/// The longest frame, padding included.
pub(crate) const FRAME_BYTES_MAX: usize = BATCH_BYTES_MAX.next_multiple_of(BLOCK_BYTES);

/// Concatenates records behind their lengths.
pub(crate) fn encode_body(records: &[Vec<u8>]) -> Result<Vec<u8>, LogError> {
    if records.len() > RECORDS_MAX {
        return Err(LogError::TooManyRecords { found: records.len() as u64, max: RECORDS_MAX as u64 });
    }
    let length: usize = records.iter().map(|record| LENGTH_BYTES + record.len()).sum();
    let too_large = || LogError::BatchTooLarge { found: (HEADER_BYTES + length) as u64, max: BATCH_BYTES_MAX as u64 };
    if HEADER_BYTES + length > BATCH_BYTES_MAX {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(length);
    for record in records {
        let record_length = u32::try_from(record.len()).map_err(|_| too_large())?;
        body.extend_from_slice(&record_length.to_le_bytes());
        body.extend_from_slice(record);
    }
    Ok(body)
}

/// Joins header and body and pads them to whole blocks.
pub(crate) fn encode(header: &Header, body: &[u8]) -> Vec<u8> {
    let length = HEADER_BYTES + body.len();
    let mut frame = Vec::with_capacity(length.next_multiple_of(BLOCK_BYTES));
    frame.extend_from_slice(&header.encode());
    frame.extend_from_slice(body);
    frame.resize(length.next_multiple_of(BLOCK_BYTES), 0);
    frame
}

/// Decodes the header at the start of a block and bounds the frame it announces.
pub(crate) fn decode_header(block: &[u8]) -> Result<Header, Damage> {
    let bytes = block.first_chunk::<HEADER_BYTES>().ok_or(Damage::Magic)?;
    let header = Header::decode(bytes)?;
    let bounds = Damage::Bounds { bytes: header.length, records: header.count };
    let length = usize::try_from(header.length).map_err(|_| bounds)?;
    let count = usize::try_from(header.count).map_err(|_| bounds)?;
    if HEADER_BYTES + length > BATCH_BYTES_MAX || count > RECORDS_MAX || count * LENGTH_BYTES > length {
        return Err(bounds);
    }
    Ok(header)
}

/// Returns the bytes that a bounded header's frame takes, padding included.
pub(crate) fn padded_bytes(header: &Header) -> usize {
    let length = usize::try_from(header.length).unwrap_or(BATCH_BYTES_MAX);
    (HEADER_BYTES + length).next_multiple_of(BLOCK_BYTES)
}

/// Verifies a whole frame against its own header.
pub(crate) fn decode(header: Header, frame: &[u8]) -> Result<StoredBatch, Damage> {
    let bounds = Damage::Bounds { bytes: header.length, records: header.count };
    let length = usize::try_from(header.length).map_err(|_| bounds)?;
    let rest = frame.get(HEADER_BYTES..).ok_or(bounds)?;
    let (body, padding) = rest.split_at_checked(length).ok_or(bounds)?;
    if crc32c::crc32c(body) != header.crc32c {
        return Err(Damage::BodyChecksum);
    }
    if !is_zero(padding) {
        return Err(Damage::NotZero);
    }
    let records = decode_body(body, header.count)?;
    if records_root(&records) != header.records_root {
        return Err(Damage::RecordsRoot);
    }
    Ok(StoredBatch { header, records })
}

/// Computes the Merkle root with a leaf per record.
pub(crate) fn records_root(records: &[Vec<u8>]) -> merkle::Hash {
    let leaves: Vec<merkle::Hash> = records.iter().map(|record| merkle::leaf(record)).collect();
    merkle::root(&leaves)
}

fn decode_body(body: &[u8], count: u32) -> Result<Vec<Vec<u8>>, Damage> {
    let mut records = Vec::new();
    let mut rest = body;
    for _ in 0..count {
        let (record, after) = split_record(rest).ok_or(Damage::Records { records: count })?;
        records.push(record.to_vec());
        rest = after;
    }
    if rest.is_empty() { Ok(records) } else { Err(Damage::Records { records: count }) }
}

fn split_record(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk::<LENGTH_BYTES>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_round_trips() {
        let records = vec![vec![], vec![7; 5], b"record".to_vec()];
        let body = encode_body(&records).unwrap();
        assert_eq!(decode_body(&body, 3), Ok(records));
        assert_eq!(decode_body(&body, 2), Err(Damage::Records { records: 2 }));
        assert_eq!(decode_body(&body, 4), Err(Damage::Records { records: 4 }));
    }

    #[test]
    fn a_record_longer_than_the_body_is_damage() {
        assert_eq!(decode_body(&u32::MAX.to_le_bytes(), 1), Err(Damage::Records { records: 1 }));
    }
}
