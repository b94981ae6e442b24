//! The log in a folder: pre-written segments, one durable write a batch, then its header in the ring.
//!
//! `append` returns only after both writes are durable. A failed write halts the log for good, since nobody knows
//! what is on disk until it is opened again.

use std::path::Path;

use crate::batch::{Appended, Batch, Batches, Log};
use crate::chain::Chain;
use crate::disk::{Disk, failed};
use crate::error::{Damage, LogError};
use crate::folder::FolderDisk;
use crate::frame;
use crate::header::{Header, Sequence};
use crate::reader::Reader;
use crate::recovery::{self, Recovery};
use crate::ring::{self, RING_BYTES, RING_FILE};
use crate::segment::{self, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENTS_MAX, Segment};

/// How a log lays out its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of each new segment: a power of two, so that a cut file is noticed by its length.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: 16 << 20 }
    }
}

/// Whether the log still takes batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Writing,
    Reading,
    Halted,
}

/// A log on a disk.
#[derive(Debug)]
pub struct FileLog<D: Disk = FolderDisk> {
    disk: D,
    options: Options,
    mode: Mode,
    chain: Chain,
    segments: Vec<Segment>,
    active: usize,
    offset: u64,
}

impl FileLog<FolderDisk> {
    /// Opens a folder's log for its one writer, creating what is not there yet.
    ///
    /// # Errors
    /// Another writer, damage, or an operation the disk refused.
    pub fn open(folder: &Path, options: Options) -> Result<(FileLog, Recovery), LogError> {
        FileLog::open_on(FolderDisk::open(folder)?, options)
    }

    /// Opens a folder's log for reading what it holds now; neither locks nor changes anything.
    ///
    /// # Errors
    /// No log, damage, or an operation the disk refused.
    pub fn open_read_only(folder: &Path) -> Result<(FileLog, Recovery), LogError> {
        FileLog::open_read_only_on(FolderDisk::open_read_only(folder))
    }
}

impl<D: Disk> FileLog<D> {
    /// Opens a disk's log for its one writer, creating what is not there yet.
    ///
    /// # Errors
    /// Options out of bounds, damage, or an operation the disk refused.
    pub fn open_on(mut disk: D, options: Options) -> Result<(FileLog<D>, Recovery), LogError> {
        if !segment::is_segment_length(options.segment_bytes) {
            let (min, max) = (SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
            return Err(LogError::SegmentBytes { found: options.segment_bytes, min, max });
        }
        create_missing(&mut disk, options)?;
        FileLog::recover(disk, options, Mode::Writing)
    }

    /// Opens a disk's log for reading what it holds now.
    ///
    /// # Errors
    /// No log, damage, or an operation the disk refused.
    pub fn open_read_only_on(disk: D) -> Result<(FileLog<D>, Recovery), LogError> {
        let names = disk.list().map_err(failed("list", "folder"))?;
        for expected in [RING_FILE, &segment::name(1)] {
            if !names.iter().any(|name| name == expected) {
                return Err(LogError::damaged(expected, 0, Damage::Missing));
            }
        }
        FileLog::recover(disk, Options::default(), Mode::Reading)
    }

    /// Creates the next segment ahead of need, so that no append waits for its zeros to be written.
    ///
    /// # Errors
    /// A log that is full, halted or read-only, or a failed write, which halts it.
    pub fn prepare_segment(&mut self) -> Result<(), LogError> {
        self.refuse_unless_writing()?;
        if self.active + 1 < self.segments.len() {
            return Ok(());
        }
        let number = self.segments.len() as u64 + 1;
        if number > SEGMENTS_MAX {
            return Err(LogError::Full { what: "segments", max: SEGMENTS_MAX });
        }
        let (name, length) = (segment::name(number), self.options.segment_bytes);
        let created = self.disk.create_zeroed(&name, length).map_err(failed("create", &name));
        self.halt_on_error(created)?;
        self.segments.push(Segment { name, length, first: self.chain.sequence().next() });
        Ok(())
    }

    fn recover(mut disk: D, options: Options, mode: Mode) -> Result<(FileLog<D>, Recovery), LogError> {
        let recovered = recovery::recover(&disk)?;
        if mode == Mode::Writing {
            recovered.repair(&mut disk)?;
        }
        let recovery = recovered.recovery;
        let recovery::Recovered { chain, segments, active, offset, .. } = recovered;
        Ok((FileLog { disk, options, mode, chain, segments, active, offset }, recovery))
    }

    fn refuse_unless_writing(&self) -> Result<(), LogError> {
        match self.mode {
            Mode::Writing => Ok(()),
            Mode::Reading => Err(LogError::ReadOnly),
            Mode::Halted => Err(LogError::Halted),
        }
    }

    fn halt_on_error<T>(&mut self, result: Result<T, LogError>) -> Result<T, LogError> {
        if result.is_err() {
            self.mode = Mode::Halted;
        }
        result
    }

    /// Moves on to the next segment where the frame does not fit behind the last batch.
    fn make_room(&mut self, frame_bytes: u64) -> Result<(), LogError> {
        let fits = |segment: &Segment| frame_bytes <= segment.length - self.offset;
        if self.segments.get(self.active).is_some_and(fits) {
            return Ok(());
        }
        self.prepare_segment()?;
        self.active += 1;
        self.offset = 0;
        if let Some(segment) = self.segments.get_mut(self.active) {
            segment.first = self.chain.sequence().next();
        }
        Ok(())
    }

    /// Writes body, then ring slot; only both together acknowledge the batch.
    fn write(&mut self, frame: &[u8], header: &Header) -> Result<(), LogError> {
        if let Some(segment) = self.segments.get(self.active) {
            let written = self.disk.write_durable_at(&segment.name, self.offset, frame);
            written.map_err(failed("write", &segment.name))?;
        }
        ring::write(&mut self.disk, header)
    }
}

impl<D: Disk> Log for FileLog<D> {
    fn append(&mut self, expected_last: Sequence, batch: Batch) -> Result<Appended, LogError> {
        self.refuse_unless_writing()?;
        if self.chain.fences(expected_last, batch.epoch) {
            return Ok(Appended::Fenced { found: self.chain.sequence() });
        }
        let (header, body) = self.chain.seal(&batch)?;
        let frame = frame::encode(&header, &body);
        self.make_room(frame.len() as u64)?;
        let written = self.write(&frame, &header);
        self.halt_on_error(written)?;
        self.offset += frame.len() as u64;
        self.chain.push(header.clone());
        Ok(Appended::Appended(header))
    }

    fn last(&self) -> Option<&Header> {
        self.chain.last()
    }

    fn read_from(&self, sequence: Sequence) -> Result<Batches<'_>, LogError> {
        let last = self.chain.sequence();
        if sequence == Sequence(0) || sequence > last.next() {
            return Err(LogError::OutOfRange { requested: sequence, last });
        }
        let written = self.segments.get(..=self.active).unwrap_or_default();
        Ok(Box::new(Reader::new(&self.disk, written, sequence, last)))
    }
}

/// Creates ring and first segment, in this order, so that a segment without a ring is always damage.
fn create_missing(disk: &mut impl Disk, options: Options) -> Result<(), LogError> {
    let names = disk.list().map_err(failed("list", "folder"))?;
    let first = segment::name(1);
    let has_ring = names.iter().any(|name| name == RING_FILE);
    let has_segments = !segment::list(disk)?.is_empty();
    if has_segments {
        return if has_ring { Ok(()) } else { Err(LogError::damaged(RING_FILE, 0, Damage::Missing)) };
    }
    if !has_ring {
        disk.create_zeroed(RING_FILE, RING_BYTES).map_err(failed("create", RING_FILE))?;
    } else if !ring::Ring::load(disk)?.is_unused() {
        return Err(LogError::damaged(&first, 0, Damage::Missing));
    }
    disk.create_zeroed(&first, options.segment_bytes).map_err(failed("create", &first))
}
