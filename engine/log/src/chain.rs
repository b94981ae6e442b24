//! The state that makes the next batch follow from the last: sealing a new batch and verifying a stored one.
//!
//! Every home of a log uses this one chain, so that equal batches give equal headers wherever they are kept.

use crate::batch::Batch;
use crate::error::{Damage, LogError};
use crate::frame;
use crate::header::{Header, Kind, Sequence, VERSION};
use crate::merkle::{self, Hash, MountainRange};

/// The end of a log, or of the part read so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    last: Option<Header>,
    last_hash: Hash,
    records: u64,
    history: MountainRange,
}

impl Chain {
    pub(crate) fn last(&self) -> Option<&Header> {
        self.last.as_ref()
    }

    pub(crate) fn sequence(&self) -> Sequence {
        self.last.as_ref().map_or(Sequence(0), |header| header.sequence)
    }

    /// Counts the records of all batches so far.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    fn epoch(&self) -> u64 {
        self.last.as_ref().map_or(0, |header| header.epoch)
    }

    /// Says whether a writer that knows `expected_last` and leads `epoch` is stale.
    pub(crate) fn fences(&self, expected_last: Sequence, epoch: u64) -> bool {
        expected_last != self.sequence() || epoch < self.epoch()
    }

    /// Computes the header and body that continue the chain, which does not move yet.
    pub(crate) fn seal(&self, batch: &Batch) -> Result<(Header, Vec<u8>), LogError> {
        let body = frame::encode_body(&batch.records)?;
        let (count, length) = (bounded(batch.records.len())?, bounded(body.len())?);
        let header = Header {
            version: VERSION,
            kind: if batch.epoch > self.epoch() { Kind::Epoch } else { Kind::Records },
            sequence: self.sequence().next(),
            epoch: batch.epoch,
            time_ns: batch.time_ns,
            previous_hash: self.last_hash,
            first_record: self.records,
            count,
            length,
            crc32c: crc32c::crc32c(&body),
            records_root: frame::records_root(&batch.records),
            applied_through: batch.applied_through,
            outcomes_root: batch.outcomes_root,
            history_root: self.history.root(),
        };
        Ok((header, body))
    }

    /// Checks that a stored header continues the chain.
    pub(crate) fn verify(&self, header: &Header) -> Result<(), Damage> {
        let expected = self.sequence().next();
        if header.sequence != expected {
            return Err(Damage::Sequence { expected, found: header.sequence });
        }
        if header.previous_hash != self.last_hash {
            return Err(Damage::Chain);
        }
        if header.first_record != self.records {
            return Err(Damage::FirstRecord { expected: self.records, found: header.first_record });
        }
        let epoch_holds = match header.kind {
            Kind::Records => header.epoch == self.epoch(),
            Kind::Epoch => header.epoch > self.epoch(),
        };
        if !epoch_holds {
            return Err(Damage::Epoch { previous: self.epoch(), found: header.epoch });
        }
        if header.history_root != self.history.root() {
            return Err(Damage::HistoryRoot);
        }
        Ok(())
    }

    /// Moves past a header that `seal` made or `verify` accepted.
    pub(crate) fn push(&mut self, header: Header) {
        self.last_hash = header.hash();
        self.history.push(merkle::leaf(&self.last_hash));
        self.records += u64::from(header.count);
        self.last = Some(header);
    }
}

/// Narrows a size that `encode_body` has bounded.
fn bounded(size: usize) -> Result<u32, LogError> {
    u32::try_from(size).map_err(|_| LogError::BatchTooLarge { found: size as u64, max: u64::from(u32::MAX) })
}
