//! Reading batches back in order, each verified again: the disk may have changed since the log was opened.

use crate::batch::StoredBatch;
use crate::disk::{BLOCK_BYTES, Disk, read};
use crate::error::{Damage, LogError};
use crate::frame;
use crate::header::Sequence;
use crate::merkle::Hash;
use crate::segment::{self, Found, Segment};

/// Walks segments from one batch to another; ends after the first error.
#[derive(Debug)]
pub(crate) struct Reader<'log, D: Disk> {
    disk: &'log D,
    segments: &'log [Segment],
    offset: u64,
    next: Sequence,
    wanted: Sequence,
    last: Sequence,
    previous_hash: Option<Hash>,
    failed: bool,
}

impl<'log, D: Disk> Reader<'log, D> {
    /// Reads `wanted` up to `last`, starting at the segment that holds `wanted`.
    pub(crate) fn new(disk: &'log D, segments: &'log [Segment], wanted: Sequence, last: Sequence) -> Self {
        let after = segments.partition_point(|segment| segment.first <= wanted);
        let segments = segments.get(after.saturating_sub(1)..).unwrap_or_default();
        let next = segments.first().map_or(wanted, |segment| segment.first);
        Reader { disk, segments, offset: 0, next, wanted, last, previous_hash: None, failed: false }
    }

    /// Passes over the batches before the wanted one by their headers alone.
    fn skip_to_wanted(&mut self) -> Result<(), LogError> {
        while self.next < self.wanted {
            let Some(segment) = self.segments.first() else { return Ok(()) };
            let mut block = vec![0; BLOCK_BYTES];
            read(self.disk, &segment.name, self.offset, &mut block)?;
            let header =
                frame::decode_header(&block).map_err(|damage| LogError::damaged(&segment.name, self.offset, damage))?;
            self.offset += frame::padded_bytes(&header) as u64;
            self.next = self.next.next();
        }
        Ok(())
    }

    fn read_next(&mut self) -> Result<StoredBatch, LogError> {
        self.skip_to_wanted()?;
        if let [_, following, ..] = self.segments
            && following.first == self.next
        {
            self.segments = &self.segments[1..];
            self.offset = 0;
        }
        let Some(segment) = self.segments.first() else {
            return Err(LogError::OutOfRange { requested: self.next, last: self.last });
        };
        let batch = match segment::read_batch(self.disk, &segment.name, segment.length, self.offset)? {
            Found::Batch(batch) => batch,
            Found::Nothing => return Err(LogError::damaged(&segment.name, self.offset, Damage::Magic)),
            Found::Bad(damage) => return Err(LogError::damaged(&segment.name, self.offset, damage)),
        };
        self.verify(&batch).map_err(|damage| LogError::damaged(&segment.name, self.offset, damage))?;
        self.offset += frame::padded_bytes(&batch.header) as u64;
        self.next = self.next.next();
        self.previous_hash = Some(batch.header.hash());
        Ok(batch)
    }

    fn verify(&self, batch: &StoredBatch) -> Result<(), Damage> {
        if batch.header.sequence != self.next {
            return Err(Damage::Sequence { expected: self.next, found: batch.header.sequence });
        }
        match self.previous_hash {
            Some(hash) if hash != batch.header.previous_hash => Err(Damage::Chain),
            Some(_) | None => Ok(()),
        }
    }
}

impl<D: Disk> Iterator for Reader<'_, D> {
    type Item = Result<StoredBatch, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.wanted > self.last || self.next > self.last {
            return None;
        }
        let batch = self.read_next();
        self.failed = batch.is_err();
        Some(batch)
    }
}
