//! What can go wrong with a log, and what damage looks like.
//!
//! `Damage` names the broken rule; `LogError::Damaged` adds the file and the offset, so that an operator can look.
//! Nothing here is ever answered by cutting the log silently.

use std::io;

use crate::header::Sequence;

/// The rule that stored bytes break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The place of a batch starts with other bytes than the magic.
    #[error("no batch starts here")]
    Magic,
    /// The batch was written by a format this program does not know.
    #[error("unknown format version {found}, this program knows {known}")]
    UnknownVersion {
        /// The version stored.
        found: u16,
        /// The version this program reads and writes.
        known: u16,
    },
    /// The header differs from its own checksum.
    #[error("header checksum does not match")]
    HeaderChecksum,
    /// The header names a kind that format 1 does not have.
    #[error("unknown batch kind {found}")]
    UnknownKind {
        /// The kind stored.
        found: u8,
    },
    /// The header announces more bytes or records than a batch or its segment may hold.
    #[error("batch of {bytes} bytes and {records} records does not fit its bounds")]
    Bounds {
        /// Body length announced.
        bytes: u32,
        /// Record count announced.
        records: u32,
    },
    /// The body differs from its checksum.
    #[error("body checksum does not match")]
    BodyChecksum,
    /// The body does not divide into the records announced.
    #[error("body does not divide into {records} records")]
    Records {
        /// Record count announced.
        records: u32,
    },
    /// The records do not hash to the root in the header.
    #[error("records root does not match")]
    RecordsRoot,
    /// Bytes that must be zero are not.
    #[error("expected zeros, found other bytes")]
    NotZero,
    /// Another batch is stored where this one belongs.
    #[error("expected batch {}, found batch {}", expected.0, found.0)]
    Sequence {
        /// The batch that belongs here.
        expected: Sequence,
        /// The batch found.
        found: Sequence,
    },
    /// The batch does not name its predecessor's hash.
    #[error("previous hash does not match")]
    Chain,
    /// The batch does not continue the numbering of records.
    #[error("expected first record {expected}, found {found}")]
    FirstRecord {
        /// The global index that comes next.
        expected: u64,
        /// The global index stored.
        found: u64,
    },
    /// The epoch falls, or the kind disagrees with whether it rises.
    #[error("epoch {found} does not follow epoch {previous}")]
    Epoch {
        /// The epoch before this batch.
        previous: u64,
        /// The epoch stored.
        found: u64,
    },
    /// The header's history root is not that of the headers before it.
    #[error("history root does not match")]
    HistoryRoot,
    /// The header ring proves that a batch was acknowledged, and no good batch is where it belongs.
    #[error("acknowledged batch {} expected here, found none; the header ring reaches batch {}", expected.0, ring.0)]
    AcknowledgedLost {
        /// The first batch that is missing.
        expected: Sequence,
        /// The highest batch in the header ring.
        ring: Sequence,
    },
    /// Neither the batch nor its ring slot can be read, so that nobody can tell a torn write from damage.
    #[error("neither batch {} nor its header ring slot can be read", expected.0)]
    Undecidable {
        /// The batch that may or may not have been acknowledged.
        expected: Sequence,
    },
    /// A ring slot holds another header than the segment does.
    #[error("header ring disagrees with the segment on batch {}", sequence.0)]
    RingMismatch {
        /// The batch in question.
        sequence: Sequence,
    },
    /// A ring slot that no batch has used holds something.
    #[error("header ring slot holds something other than its last header")]
    RingSlot,
    /// A file that must exist does not.
    #[error("file is missing")]
    Missing,
    /// A file has a length that this program never writes.
    #[error("file length {found} is not one this log writes")]
    FileLength {
        /// Length in bytes.
        found: u64,
    },
}

/// Why a log operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk refused an operation; after a failed write the log is halted.
    #[error("could not {operation} {file}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file it was tried on.
        file: String,
        /// What the disk answered.
        source: io::Error,
    },
    /// An earlier write or sync failed, so what is on disk is unknown until the log is opened again.
    #[error("log is halted after a failed write; open it again")]
    Halted,
    /// The log was opened for reading alone.
    #[error("log is open read-only")]
    ReadOnly,
    /// Another process writes this log.
    #[error("log folder {folder} is locked by another writer")]
    Locked {
        /// The folder.
        folder: String,
    },
    /// The batch exceeds `BATCH_BYTES_MAX`; nothing was written.
    #[error("batch of {found} bytes exceeds {max}")]
    BatchTooLarge {
        /// Bytes with header.
        found: u64,
        /// Bytes allowed.
        max: u64,
    },
    /// The batch exceeds `RECORDS_MAX`; nothing was written.
    #[error("batch of {found} records exceeds {max}")]
    TooManyRecords {
        /// Records handed in.
        found: u64,
        /// Records allowed.
        max: u64,
    },
    /// The log holds as many batches or segments as it can name.
    #[error("log is full at {max} {what}")]
    Full {
        /// What ran out.
        what: &'static str,
        /// How many there may be.
        max: u64,
    },
    /// `Options::segment_bytes` is not a power of two within its bounds.
    #[error("segment length {found} is not a power of two from {min} to {max}")]
    SegmentBytes {
        /// The length asked for.
        found: u64,
        /// Least length.
        min: u64,
        /// Greatest length.
        max: u64,
    },
    /// A read starts outside of the log.
    #[error("batch {} is outside of the log, whose last is {}", requested.0, last.0)]
    OutOfRange {
        /// The batch asked for.
        requested: Sequence,
        /// The last batch of the log.
        last: Sequence,
    },
    /// Stored bytes break a rule; the log refuses to start rather than lose an acknowledged batch.
    #[error("{file} at offset {offset}: {damage}")]
    Damaged {
        /// The file.
        file: String,
        /// Where the batch, slot or stray byte starts.
        offset: u64,
        /// The rule broken.
        damage: Damage,
    },
}

impl LogError {
    pub(crate) fn damaged(file: &str, offset: u64, damage: Damage) -> LogError {
        LogError::Damaged { file: file.to_owned(), offset, damage }
    }
}
