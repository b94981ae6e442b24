//! The log in memory: the twin that tests compare the file log against. Nothing survives it.

use crate::batch::{Appended, Batch, Batches, Log, StoredBatch};
use crate::chain::Chain;
use crate::error::LogError;
use crate::header::{Header, Sequence};

/// Batches in a memory log: more than any test writes, so that a runaway writer is refused before memory ends.
pub const MEMORY_BATCHES_MAX: usize = 1 << 20;

/// A log that keeps its batches in memory.
#[derive(Debug, Default)]
pub struct MemoryLog {
    chain: Chain,
    batches: Vec<StoredBatch>,
}

impl MemoryLog {
    /// Creates an empty log.
    #[must_use]
    pub fn new() -> MemoryLog {
        MemoryLog::default()
    }
}

impl Log for MemoryLog {
    fn append(&mut self, expected_last: Sequence, batch: Batch) -> Result<Appended, LogError> {
        if self.chain.fences(expected_last, batch.epoch) {
            return Ok(Appended::Fenced { found: self.chain.sequence() });
        }
        if self.batches.len() == MEMORY_BATCHES_MAX {
            return Err(LogError::Full { what: "batches", max: MEMORY_BATCHES_MAX as u64 });
        }
        let (header, _) = self.chain.seal(&batch)?;
        self.batches.push(StoredBatch { header: header.clone(), records: batch.records });
        self.chain.push(header.clone());
        Ok(Appended::Appended(header))
    }

    fn last(&self) -> Option<&Header> {
        self.chain.last()
    }

    fn read_from(&self, sequence: Sequence) -> Result<Batches<'_>, LogError> {
        let out_of_range = LogError::OutOfRange { requested: sequence, last: self.chain.sequence() };
        let skipped = sequence.0.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let Some(rest) = skipped.and_then(|index| self.batches.get(index..)) else { return Err(out_of_range) };
        Ok(Box::new(rest.iter().cloned().map(Ok)))
    }
}
