//! What goes into a log and comes out of it, and the trait that every home of a log implements.

use crate::error::LogError;
use crate::header::{Header, Sequence};
use crate::merkle::Hash;

/// Bytes of a batch with its header and each record's length: one durable write stays within a few milliseconds,
/// and a replicated home takes it as one message.
pub const BATCH_BYTES_MAX: usize = 1_000_000;

/// Records in a batch: bounds the leaves that recovery hashes before it knows whether a batch is good.
pub const RECORDS_MAX: usize = 65_536;

/// What a writer hands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The writer's clock in nanoseconds.
    pub time_ns: u64,
    /// The writer's epoch; a higher one than the log's turns the batch into an epoch batch.
    pub epoch: u64,
    /// How far the writer has applied the log.
    pub applied_through: u64,
    /// The writer's commitment to all outcomes up to `applied_through`.
    pub outcomes_root: Hash,
    /// The records in order; none at all is a valid batch.
    pub records: Vec<Vec<u8>>,
}

/// A batch as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Its place in the chain.
    pub header: Header,
    /// Its records in order.
    pub records: Vec<Vec<u8>>,
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The batch is durable under this header.
    Appended(Header),
    /// Nothing was written: the log's last batch or epoch is not the one the writer knows.
    Fenced {
        /// The log's last batch.
        found: Sequence,
    },
    /// The home cannot tell whether the batch was written; the writer reads before it goes on.
    Ambiguous,
}

/// Batches in order of sequence.
pub type Batches<'log> = Box<dyn Iterator<Item = Result<StoredBatch, LogError>> + 'log>;

/// A home for batches with one writer at a time.
pub trait Log: Send {
    /// Makes a batch durable behind `expected_last`.
    ///
    /// A log that cannot write answers with an error first; then a stale writer is fenced; then bounds are checked.
    ///
    /// # Errors
    /// A batch beyond its bounds, a log that is full, halted or read-only, or a failed write.
    fn append(&mut self, expected_last: Sequence, batch: Batch) -> Result<Appended, LogError>;

    /// Returns the header of the last batch, or none for an empty log.
    fn last(&self) -> Option<&Header>;

    /// Reads batches from `sequence` to the last; one past the last reads nothing.
    ///
    /// # Errors
    /// A sequence of 0 or further than one past the last; each batch read may bring its own damage.
    fn read_from(&self, sequence: Sequence) -> Result<Batches<'_>, LogError>;
}
