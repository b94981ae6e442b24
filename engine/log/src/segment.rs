//! Segments: the files that hold batches one after another, each batch on a block boundary.

use crate::batch::StoredBatch;
use crate::disk::{BLOCK_BYTES, Disk, failed, is_zero, read};
use crate::error::{Damage, LogError};
use crate::frame;
use crate::header::Sequence;

/// Least length of a segment: the first power of two that holds the longest batch.
pub const SEGMENT_BYTES_MIN: u64 = 1 << 20;

/// Greatest length of a segment: writing its zeros must not take seconds.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Segments in a log: as many as eight digits can name.
pub const SEGMENTS_MAX: u64 = 99_999_999;

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".log";
const DIGITS: usize = 8;

/// A segment that recovery has checked.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) length: u64,
    /// The first batch it holds, or the one it will hold.
    pub(crate) first: Sequence,
}

/// What stands where a batch may start.
#[derive(Debug)]
pub(crate) enum Found {
    /// A batch that agrees with itself; whether it continues the chain is another question.
    Batch(StoredBatch),
    /// A block of zeros, or the end of the segment.
    Nothing,
    /// Bytes that are no batch.
    Bad(Damage),
}

/// Says whether a length is one that segments may have.
pub(crate) fn is_segment_length(length: u64) -> bool {
    length.is_power_of_two() && (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&length)
}

/// Names the segment of a number from 1.
pub(crate) fn name(number: u64) -> String {
    format!("{PREFIX}{number:0DIGITS$}{SUFFIX}")
}

/// Lists segments with their lengths, refusing gaps and lengths that are never written.
pub(crate) fn list(disk: &impl Disk) -> Result<Vec<(String, u64)>, LogError> {
    let mut names: Vec<String> = disk.list().map_err(failed("list", "folder"))?;
    names.retain(|name| is_segment_name(name));
    names.sort();
    let mut segments = Vec::new();
    for (number, found) in (1..).zip(names) {
        let expected = name(number);
        if found != expected {
            return Err(LogError::damaged(&expected, 0, Damage::Missing));
        }
        let length = disk.length(&found).map_err(failed("measure", &found))?;
        if !is_segment_length(length) {
            return Err(LogError::damaged(&found, 0, Damage::FileLength { found: length }));
        }
        segments.push((found, length));
    }
    Ok(segments)
}

/// Reads what stands at an offset of a segment.
pub(crate) fn read_batch(disk: &impl Disk, name: &str, length: u64, offset: u64) -> Result<Found, LogError> {
    if offset >= length {
        return Ok(Found::Nothing);
    }
    let mut frame = vec![0; BLOCK_BYTES];
    read(disk, name, offset, &mut frame)?;
    if is_zero(&frame) {
        return Ok(Found::Nothing);
    }
    let header = match frame::decode_header(&frame) {
        Ok(header) => header,
        Err(damage) => return Ok(Found::Bad(damage)),
    };
    let padded = frame::padded_bytes(&header);
    if padded as u64 > length - offset {
        return Ok(Found::Bad(Damage::Bounds { bytes: header.length, records: header.count }));
    }
    frame.resize(padded, 0);
    read(disk, name, offset + BLOCK_BYTES as u64, &mut frame[BLOCK_BYTES..])?;
    Ok(match frame::decode(header, &frame) {
        Ok(batch) => Found::Batch(batch),
        Err(damage) => Found::Bad(damage),
    })
}

fn is_segment_name(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
