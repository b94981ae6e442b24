//! Appending and reading back, against the log in memory as a twin.

use clearlane_log::merkle::{MountainRange, leaf};
use clearlane_log::{
    Appended, BATCH_BYTES_MAX, Batch, Kind, Log, LogError, MemoryLog, RECORDS_MAX, Sequence, SimulatedDisk,
};

use crate::fixture::{append, batch_of, disk_with, large_batch, open, read_all, small_batch};

#[test]
fn a_reopened_log_reads_what_its_twin_holds() {
    let disk = SimulatedDisk::new();
    let mut twin = MemoryLog::new();
    for number in 1..=5 {
        let (mut log, recovery) = open(&disk).unwrap();
        assert_eq!(recovery.batches, number - 1);
        let stored = append(&mut log, small_batch(number)).unwrap();
        assert_eq!(stored, append(&mut twin, small_batch(number)).unwrap());
    }
    let (log, recovery) = open(&disk).unwrap();
    assert_eq!((recovery.batches, recovery.records, recovery.torn_bytes), (5, 10, 0));
    assert_eq!(read_all(&log), read_all(&twin));
    assert_eq!(log.last(), twin.last());
}

#[test]
fn headers_chain_and_commit_to_their_history() {
    let (log, _) = open(&disk_with(9)).unwrap();
    let mut history = MountainRange::default();
    let (mut previous_hash, mut first_record) = ([0; 32], 0);
    for batch in read_all(&log) {
        assert_eq!(batch.header.previous_hash, previous_hash);
        assert_eq!(batch.header.history_root, history.root());
        assert_eq!(batch.header.first_record, first_record);
        previous_hash = batch.header.hash();
        first_record += u64::from(batch.header.count);
        history.push(leaf(&previous_hash));
    }
}

#[test]
fn segments_roll_over_where_a_batch_does_not_fit() {
    let disk = SimulatedDisk::new();
    let (mut log, _) = open(&disk).unwrap();
    let mut twin = MemoryLog::new();
    for number in 1..=10 {
        append(&mut log, large_batch(number)).unwrap();
        append(&mut twin, large_batch(number)).unwrap();
        if number == 5 {
            log.prepare_segment().unwrap();
            log.prepare_segment().unwrap();
        }
    }
    let (reopened, recovery) = open(&disk).unwrap();
    assert_eq!((recovery.batches, recovery.segments), (10, 4));
    for log in [&log, &reopened] {
        for from in 1..=11 {
            let read =
                |log: &dyn Log| -> Vec<_> { log.read_from(Sequence(from)).unwrap().map(Result::unwrap).collect() };
            assert_eq!(read(log), read(&twin), "from {from}");
        }
    }
}

#[test]
fn the_ring_wraps_without_losing_a_batch() {
    let disk = disk_with(1030);
    let (mut log, recovery) = open(&disk).unwrap();
    assert_eq!((recovery.batches, recovery.ring_slots_behind), (1030, 0));
    append(&mut log, small_batch(1031)).unwrap();
    let (log, _) = open(&disk).unwrap();
    assert_eq!(log.read_from(Sequence(1029)).unwrap().count(), 3);
}

#[test]
fn a_stale_writer_is_fenced_and_writes_nothing() {
    let mut file = open(&disk_with(2)).unwrap().0;
    let mut memory = MemoryLog::new();
    append(&mut memory, small_batch(1)).unwrap();
    append(&mut memory, small_batch(2)).unwrap();
    let logs: [&mut dyn Log; 2] = [&mut file, &mut memory];
    for log in logs {
        let fenced = Appended::Fenced { found: Sequence(2) };
        for (expected_last, epoch) in [(1, 1), (3, 1), (0, 9), (2, 0)] {
            let batch = Batch { epoch, ..small_batch(3) };
            assert_eq!(log.append(Sequence(expected_last), batch).unwrap(), fenced, "{expected_last} {epoch}");
        }
        let raised = log.append(Sequence(2), Batch { epoch: 4, ..small_batch(3) }).unwrap();
        let Appended::Appended(header) = raised else { panic!("{raised:?}") };
        assert_eq!(header.kind, Kind::Epoch);
        assert_eq!(log.append(Sequence(3), small_batch(4)).unwrap(), Appended::Fenced { found: Sequence(3) });
    }
}

#[test]
fn batches_beyond_their_bounds_are_refused_before_writing() {
    let disk = disk_with(1);
    let (mut log, _) = open(&disk).unwrap();
    let before = disk.operations();
    let too_large = append(&mut log, batch_of(2, vec![vec![1; BATCH_BYTES_MAX]]));
    assert!(matches!(too_large, Err(LogError::BatchTooLarge { .. })));
    let too_many = append(&mut log, batch_of(2, vec![vec![]; RECORDS_MAX + 1]));
    assert!(matches!(too_many, Err(LogError::TooManyRecords { .. })));
    assert_eq!(disk.operations(), before);

    append(&mut log, batch_of(2, vec![vec![1; BATCH_BYTES_MAX - 200]])).unwrap();
    append(&mut log, batch_of(3, vec![vec![]; RECORDS_MAX])).unwrap();
    append(&mut log, batch_of(4, vec![])).unwrap();
    assert_eq!(open(&disk).unwrap().1.batches, 4);
}

#[test]
fn reads_start_within_the_log() {
    let (log, _) = open(&disk_with(2)).unwrap();
    assert!(matches!(log.read_from(Sequence(0)), Err(LogError::OutOfRange { .. })));
    assert!(matches!(log.read_from(Sequence(4)), Err(LogError::OutOfRange { .. })));
    assert_eq!(log.read_from(Sequence(3)).unwrap().count(), 0);
}
