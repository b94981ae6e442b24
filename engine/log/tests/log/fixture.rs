//! Builders with valid defaults, and what every test asks of a log.

use clearlane_log::{
    Appended, Batch, FileLog, Header, Log, LogError, Options, Recovery, SEGMENT_BYTES_MIN, Sequence, SimulatedDisk,
    StoredBatch,
};

pub(crate) const BLOCK: u64 = 4096;
pub(crate) const RING: &str = "headers.ring";
pub(crate) const FIRST: &str = "segment-00000001.log";
pub(crate) const SECOND: &str = "segment-00000002.log";
pub(crate) const SMALL: Options = Options { segment_bytes: SEGMENT_BYTES_MIN };

/// A record that takes about a third of the least segment.
pub(crate) const LARGE: usize = 340_000;

pub(crate) fn small_batch(number: u64) -> Batch {
    batch_of(number, vec![number.to_le_bytes().to_vec(), b"record".to_vec()])
}

pub(crate) fn large_batch(number: u64) -> Batch {
    batch_of(number, vec![vec![number.to_le_bytes()[0] | 1; LARGE]])
}

pub(crate) fn batch_of(number: u64, records: Vec<Vec<u8>>) -> Batch {
    Batch { time_ns: number, epoch: 1, applied_through: number.saturating_sub(1), outcomes_root: [9; 32], records }
}

pub(crate) fn open(disk: &SimulatedDisk) -> Result<(FileLog<SimulatedDisk>, Recovery), LogError> {
    FileLog::open_on(disk.clone(), SMALL)
}

/// Appends behind the log's own last batch.
pub(crate) fn append(log: &mut impl Log, batch: Batch) -> Result<Header, LogError> {
    let last = last(log);
    match log.append(last, batch)? {
        Appended::Appended(header) => Ok(header),
        fenced @ (Appended::Fenced { .. } | Appended::Ambiguous) => panic!("{fenced:?} behind {last:?}"),
    }
}

pub(crate) fn last(log: &impl Log) -> Sequence {
    log.last().map_or(Sequence(0), |header| header.sequence)
}

pub(crate) fn read_all(log: &impl Log) -> Vec<StoredBatch> {
    log.read_from(Sequence(1)).unwrap().map(Result::unwrap).collect()
}

/// A disk with a log of small batches.
pub(crate) fn disk_with(batches: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let (mut log, _) = open(&disk).unwrap();
    for number in 1..=batches {
        append(&mut log, small_batch(number)).unwrap();
    }
    disk
}

/// Where small batch `number` starts, within the first segment.
pub(crate) fn place_of(number: u64) -> u64 {
    (number - 1) * BLOCK
}

pub(crate) fn slot_of(number: u64) -> u64 {
    number % 1024 * BLOCK
}

pub(crate) fn flip(disk: &SimulatedDisk, file: &str, offset: u64) {
    let byte = disk.contents(file).unwrap()[usize::try_from(offset).unwrap()];
    disk.damage(file, offset, &[byte ^ 0x10]);
}

/// Opens a damaged log and returns where and why it refused.
pub(crate) fn refusal(disk: &SimulatedDisk) -> (String, u64, clearlane_log::Damage) {
    match open(disk) {
        Err(LogError::Damaged { file, offset, damage }) => (file, offset, damage),
        Err(other) => panic!("refused without a place: {other}"),
        Ok((_, recovery)) => panic!("started: {recovery:?}"),
    }
}
