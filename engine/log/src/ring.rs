//! The header ring: a pre-written file in which the header of batch n overwrites that of batch n - 1024.
//!
//! A batch is acknowledged only after its header is durable here, so the ring tells a torn write from damage: where
//! a batch is unreadable and its slot still holds the batch a lap before, nobody was ever told of it.

use crate::disk::{BLOCK_BYTES, CHUNK_BYTES, Disk, failed, is_zero, read};
use crate::error::{Damage, LogError};
use crate::header::{HEADER_BYTES, Header, Sequence};

/// Name of the ring's file.
pub const RING_FILE: &str = "headers.ring";

/// Slots in the ring: how many of the last batches have their headers twice.
pub const SLOTS: u64 = 1024;

pub(crate) const RING_BYTES: u64 = SLOTS * BLOCK_BYTES as u64;

// The ring is read in whole chunks.
const _: () = assert!(RING_BYTES.is_multiple_of(CHUNK_BYTES as u64));

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Zeros,
    Header(Box<Header>),
    Unreadable,
}

/// All slots, as they were when the log was opened.
#[derive(Debug)]
pub(crate) struct Ring {
    slots: Vec<Slot>,
}

impl Ring {
    /// Reads the ring, refusing a wrong length or an unknown version.
    pub(crate) fn load(disk: &impl Disk) -> Result<Ring, LogError> {
        let length = disk.length(RING_FILE).map_err(failed("measure", RING_FILE))?;
        if length != RING_BYTES {
            return Err(LogError::damaged(RING_FILE, 0, Damage::FileLength { found: length }));
        }
        let mut slots = Vec::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        for start in (0..RING_BYTES).step_by(CHUNK_BYTES) {
            read(disk, RING_FILE, start, &mut chunk)?;
            for block in chunk.as_chunks::<BLOCK_BYTES>().0 {
                let index = slots.len() as u64;
                let named = |damage| LogError::damaged(RING_FILE, index * BLOCK_BYTES as u64, damage);
                slots.push(decode(block, index).map_err(named)?);
            }
        }
        Ok(Ring { slots })
    }

    /// Returns the slot of a batch.
    pub(crate) fn slot(&self, sequence: Sequence) -> &Slot {
        usize::try_from(sequence.0 % SLOTS).ok().and_then(|index| self.slots.get(index)).unwrap_or(&Slot::Unreadable)
    }

    /// Says whether no slot was ever written, as far as anybody can tell.
    pub(crate) fn is_unused(&self) -> bool {
        self.slots.iter().all(|slot| *slot == Slot::Zeros)
    }

    /// Returns the highest batch that the ring proves to have been written.
    pub(crate) fn highest(&self) -> Sequence {
        self.slots.iter().map(slot_sequence).max().unwrap_or_default()
    }
}

/// Locates the slot of a batch in the ring's file.
pub(crate) fn slot_offset(sequence: Sequence) -> u64 {
    sequence.0 % SLOTS * BLOCK_BYTES as u64
}

/// Writes a header durably to its slot.
pub(crate) fn write(disk: &mut impl Disk, header: &Header) -> Result<(), LogError> {
    let mut block = [0; BLOCK_BYTES];
    block[..HEADER_BYTES].copy_from_slice(&header.encode());
    disk.write_durable_at(RING_FILE, slot_offset(header.sequence), &block).map_err(failed("write", RING_FILE))
}

/// Only an unknown version is an error: any other nonsense is for recovery to weigh against the segments.
fn decode(block: &[u8; BLOCK_BYTES], index: u64) -> Result<Slot, Damage> {
    if is_zero(block) {
        return Ok(Slot::Zeros);
    }
    let (header, padding) = block.split_at(HEADER_BYTES);
    let Some(header) = header.first_chunk::<HEADER_BYTES>() else { return Ok(Slot::Unreadable) };
    match Header::decode(header) {
        Ok(header) if is_zero(padding) && header.sequence.0 % SLOTS == index => Ok(Slot::Header(Box::new(header))),
        Ok(_) => Ok(Slot::Unreadable),
        Err(damage @ Damage::UnknownVersion { .. }) => Err(damage),
        Err(_) => Ok(Slot::Unreadable),
    }
}

fn slot_sequence(slot: &Slot) -> Sequence {
    match slot {
        Slot::Header(header) => header.sequence,
        Slot::Zeros | Slot::Unreadable => Sequence(0),
    }
}
