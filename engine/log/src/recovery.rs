//! Opening a log: reading every batch, and deciding what the bytes behind the last good one are.
//!
//! The decision follows one table (batch good: keep; batch bad and acknowledged: refuse; batch bad and never
//! acknowledged: cut; undecidable: refuse). This module only reads; `Recovered::repair` is the one that writes.

use std::collections::VecDeque;

use crate::chain::Chain;
use crate::disk::{BLOCK_BYTES, Disk, failed, nonzero_blocks};
use crate::error::{Damage, LogError};
use crate::frame::{self, FRAME_BYTES_MAX};
use crate::header::{Header, Sequence};
use crate::ring::{self, RING_FILE, Ring, SLOTS, Slot};
use crate::segment::{self, Found, Segment};

/// How often a tail that a living writer goes on writing is read again before it is judged: each time only what came
/// since, so that a reader beside a busy writer soon finds a quiet moment.
const CATCH_UPS_MAX: usize = 64;

/// What opening a log found and, unless it was opened read-only, mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Good batches.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// The last good batch.
    pub last_sequence: Sequence,
    /// Segments, a prepared one included.
    pub segments: u64,
    /// Bytes of a write that was never acknowledged: cut, or merely found by a read-only open.
    pub torn_bytes: u64,
    /// Header ring slots that lagged behind the segments: rewritten, or merely found by a read-only open.
    pub ring_slots_behind: u64,
}

/// Everything known after the table has allowed the log to start.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) chain: Chain,
    pub(crate) segments: Vec<Segment>,
    /// Index of the segment in use.
    pub(crate) active: usize,
    /// Where the next batch goes in it.
    pub(crate) offset: u64,
    pub(crate) recovery: Recovery,
    behind: Vec<Header>,
    torn: Option<Torn>,
}

/// Remains of a write that was never acknowledged.
#[derive(Debug)]
struct Torn {
    name: String,
    from: u64,
    bytes: usize,
}

/// Reads a log that has its ring and at least one segment.
///
/// The ring is read first: beside a living writer it is then never ahead of the segments.
pub(crate) fn recover(disk: &impl Disk) -> Result<Recovered, LogError> {
    let ring = Ring::load(disk)?;
    let mut scan = Scan::default();
    scan.read_segments(disk)?;
    scan.refuse_foreign_tail()?;
    scan.refuse_lost_batch(disk, &ring)?;
    scan.refuse_unexpected_slots(&ring)?;
    let torn = scan.find_torn_behind_writer(disk)?;
    let behind = scan.slots_behind(&ring)?;
    let recovery = Recovery {
        batches: scan.chain.sequence().0,
        records: scan.chain.records(),
        last_sequence: scan.chain.sequence(),
        segments: scan.segments.len() as u64,
        torn_bytes: torn.as_ref().map_or(0, |torn| torn.bytes as u64),
        ring_slots_behind: behind.len() as u64,
    };
    let Scan { chain, segments, active, tail, .. } = scan;
    Ok(Recovered { chain, segments, active, offset: tail.offset, recovery, behind, torn })
}

impl Recovered {
    /// Rewrites lagging ring slots and zeroes torn remains; interrupted, it can start over.
    pub(crate) fn repair(&self, disk: &mut impl Disk) -> Result<(), LogError> {
        for header in &self.behind {
            ring::write(disk, header)?;
        }
        if let Some(torn) = &self.torn {
            disk.write_durable_at(&torn.name, torn.from, &vec![0; torn.bytes]).map_err(failed("zero", &torn.name))?;
        }
        Ok(())
    }
}

/// Why reading a segment ended.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// Zeros, or the end of the segment.
    Nothing,
    /// Bytes that a torn write may have left.
    Bad,
    /// Something no torn write leaves: a whole batch that does not belong here, or one of another version.
    Foreign(Damage),
}

/// Where reading a segment ended.
#[derive(Debug)]
struct Tail {
    offset: u64,
    stop: Stop,
}

#[derive(Debug)]
struct Scan {
    chain: Chain,
    // The last `SLOTS` headers, oldest first.
    recent: VecDeque<Header>,
    segments: Vec<Segment>,
    active: usize,
    tail: Tail,
    // The tail of the segment behind the active one, which holds no good batch.
    spare: Option<Tail>,
}

impl Default for Scan {
    fn default() -> Scan {
        Scan {
            chain: Chain::default(),
            recent: VecDeque::new(),
            segments: Vec::new(),
            active: 0,
            tail: Tail { offset: 0, stop: Stop::Nothing },
            spare: None,
        }
    }
}

impl Scan {
    fn read_segments(&mut self, disk: &impl Disk) -> Result<(), LogError> {
        for (index, (name, length)) in segment::list(disk)?.into_iter().enumerate() {
            let segment = Segment { name, length, first: self.chain.sequence().next() };
            if self.spare.is_some() {
                return Err(LogError::damaged(&segment.name, 0, self.lost(segment.first)));
            }
            let tail = self.read_segment(disk, &segment, 0)?;
            let holds_batch = self.chain.sequence() >= segment.first;
            self.segments.push(segment);
            if index > 0 && !holds_batch {
                self.spare = Some(tail);
                continue;
            }
            if index > 0 {
                self.refuse_unclean_end(disk)?;
            }
            self.active = index;
            self.tail = tail;
        }
        Ok(())
    }

    fn read_segment(&mut self, disk: &impl Disk, segment: &Segment, from: u64) -> Result<Tail, LogError> {
        let mut offset = from;
        loop {
            let batch = match segment::read_batch(disk, &segment.name, segment.length, offset)? {
                Found::Batch(batch) => batch,
                Found::Nothing => return Ok(Tail { offset, stop: Stop::Nothing }),
                Found::Bad(damage @ Damage::UnknownVersion { .. }) => {
                    return Ok(Tail { offset, stop: Stop::Foreign(damage) });
                }
                Found::Bad(_) => return Ok(Tail { offset, stop: Stop::Bad }),
            };
            if let Err(damage) = self.chain.verify(&batch.header) {
                return Ok(Tail { offset, stop: Stop::Foreign(damage) });
            }
            offset += frame::padded_bytes(&batch.header) as u64;
            self.remember(batch.header);
        }
    }

    fn remember(&mut self, header: Header) {
        if self.recent.len() as u64 == SLOTS {
            self.recent.pop_front();
        }
        self.recent.push_back(header.clone());
        self.chain.push(header);
    }

    /// Once a later segment has a batch, nothing may follow the last batch of the one before.
    fn refuse_unclean_end(&self, disk: &impl Disk) -> Result<(), LogError> {
        let Some(segment) = self.segments.get(self.active) else { return Ok(()) };
        match nonzero_blocks(disk, &segment.name, self.tail.offset, segment.length)? {
            Some((first, _)) => Err(LogError::damaged(&segment.name, first, Damage::NotZero)),
            None => Ok(()),
        }
    }

    /// Behind a bad batch every later one is foreign, so a spare segment counts only where the active one ends clean.
    fn refuse_foreign_tail(&self) -> Result<(), LogError> {
        let tails = match self.tail.stop {
            Stop::Bad => vec![],
            Stop::Nothing | Stop::Foreign(_) => [Some(&self.tail), self.spare.as_ref()].into_iter().flatten().collect(),
        };
        for (segment, tail) in self.segments.iter().skip(self.active).zip(tails) {
            match tail.stop {
                Stop::Foreign(damage) => return Err(LogError::damaged(&segment.name, tail.offset, damage)),
                Stop::Nothing | Stop::Bad => {}
            }
        }
        Ok(())
    }

    fn refuse_lost_batch(&self, disk: &impl Disk, ring: &Ring) -> Result<(), LogError> {
        let expected = self.chain.sequence().next();
        let lap_before = self.recent.front().filter(|header| header.sequence.0 + SLOTS == expected.0);
        let damage = match (ring.slot(expected), lap_before) {
            _ if ring.highest() >= expected => self.lost(ring.highest()),
            (Slot::Zeros, None) => return Ok(()),
            (Slot::Header(found), Some(known)) if **found == *known => return Ok(()),
            (Slot::Header(_), _) => {
                let damage = Damage::RingMismatch { sequence: expected };
                return Err(LogError::damaged(RING_FILE, ring::slot_offset(expected), damage));
            }
            (Slot::Zeros | Slot::Unreadable, _) => Damage::Undecidable { expected },
        };
        let (name, offset) = self.expected_place(disk)?;
        Err(LogError::damaged(name, offset, damage))
    }

    /// Before the first lap ends, slots that no batch has reached are zero.
    fn refuse_unexpected_slots(&self, ring: &Ring) -> Result<(), LogError> {
        for sequence in (self.chain.sequence().0 + 1..=SLOTS).map(Sequence) {
            if *ring.slot(sequence) != Slot::Zeros {
                return Err(LogError::damaged(RING_FILE, ring::slot_offset(sequence), Damage::RingSlot));
            }
        }
        Ok(())
    }

    /// Collects headers that the segments prove and the ring lacks: the last after a crash, others after damage.
    fn slots_behind(&self, ring: &Ring) -> Result<Vec<Header>, LogError> {
        let mut behind = Vec::new();
        for header in &self.recent {
            let sequence = header.sequence;
            match ring.slot(sequence) {
                Slot::Header(found) if **found == *header => {}
                Slot::Header(found) if found.sequence == sequence => {
                    let damage = Damage::RingMismatch { sequence };
                    return Err(LogError::damaged(RING_FILE, ring::slot_offset(sequence), damage));
                }
                Slot::Header(_) | Slot::Zeros | Slot::Unreadable => behind.push(header.clone()),
            }
        }
        Ok(behind)
    }

    /// Judges the tail; a living writer may have put whole batches there since it was read, which are read first.
    fn find_torn_behind_writer(&mut self, disk: &impl Disk) -> Result<Option<Torn>, LogError> {
        for _ in 0..CATCH_UPS_MAX {
            let found = self.find_torn(disk);
            if found.is_ok() || !self.read_on(disk)? {
                return found;
            }
        }
        self.find_torn(disk)
    }

    /// Reads batches behind the tail, in the active segment and then in the spare one; says whether there were any.
    fn read_on(&mut self, disk: &impl Disk) -> Result<bool, LogError> {
        let known = self.chain.sequence();
        let segments = self.segments.iter().skip(self.active).take(2).cloned().collect::<Vec<_>>();
        for (at, segment) in segments.iter().enumerate() {
            let (from, before) = (if at == 0 { self.tail.offset } else { 0 }, self.chain.sequence());
            let tail = self.read_segment(disk, segment, from)?;
            if at == 0 {
                self.tail = tail;
            } else if self.chain.sequence() > before {
                self.active += 1;
                (self.tail, self.spare) = (tail, None);
                if let Some(segment) = self.segments.get_mut(self.active) {
                    segment.first = before.next();
                }
            }
        }
        self.refuse_foreign_tail()?;
        Ok(self.chain.sequence() > known)
    }

    /// Finds what a torn write left behind the last batch: at most one frame, in one segment.
    fn find_torn(&self, disk: &impl Disk) -> Result<Option<Torn>, LogError> {
        let mut torn = None;
        for (segment, start) in self.tails() {
            let Some((first, last)) = nonzero_blocks(disk, &segment.name, start, segment.length)? else { continue };
            let end = last + BLOCK_BYTES as u64;
            if torn.is_some() || end - start > FRAME_BYTES_MAX as u64 {
                return Err(LogError::damaged(&segment.name, last, Damage::NotZero));
            }
            let bytes = usize::try_from(end - first).unwrap_or(FRAME_BYTES_MAX);
            torn = Some(Torn { name: segment.name.clone(), from: first, bytes });
        }
        Ok(torn)
    }

    fn lost(&self, ring: Sequence) -> Damage {
        Damage::AcknowledgedLost { expected: self.chain.sequence().next(), ring }
    }

    /// Points at where the batch after the last belongs: at the first tail with bytes, else behind the last batch.
    fn expected_place(&self, disk: &impl Disk) -> Result<(&str, u64), LogError> {
        for (segment, start) in self.tails() {
            if nonzero_blocks(disk, &segment.name, start, segment.length)?.is_some() {
                return Ok((&segment.name, start));
            }
        }
        Ok(self.tails().next().map_or((RING_FILE, 0), |(segment, start)| (segment.name.as_str(), start)))
    }

    /// Lists the places where the next batch may have been written: the active segment's end, the spare's start.
    fn tails(&self) -> impl Iterator<Item = (&Segment, u64)> {
        let starts = [Some(self.tail.offset), self.spare.as_ref().map(|_| 0)];
        self.segments.iter().skip(self.active).zip(starts.into_iter().flatten())
    }
}
