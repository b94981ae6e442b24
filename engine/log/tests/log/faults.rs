//! Crashes and failed operations at every point of a log's life.

use clearlane_log::{Fault, FaultKind, Log, LogError, SimulatedDisk, StoredBatch, Unsynced};

use crate::fixture::{append, large_batch, last, open, read_all, small_batch};

const MODES: [Unsynced; 4] = [Unsynced::Dropped, Unsynced::Kept, Unsynced::Torn, Unsynced::Garbage];
const SEEDS: u64 = 4;
const BATCHES: u64 = 6;

/// Opens a log and appends until something fails; returns what was acknowledged and the first error.
fn live(disk: &SimulatedDisk) -> (u64, Option<LogError>) {
    let mut log = match open(disk) {
        Ok((log, _)) => log,
        Err(error) => return (0, Some(error)),
    };
    for number in last(&log).0 + 1..=BATCHES {
        let batch = if number % 2 == 0 { large_batch(number) } else { small_batch(number) };
        if let Err(error) = append(&mut log, batch) {
            assert!(matches!(append(&mut log, small_batch(number)), Err(LogError::Halted)));
            assert!(matches!(log.prepare_segment(), Err(LogError::Halted)));
            return (number - 1, Some(error));
        }
    }
    (BATCHES, None)
}

fn untroubled() -> (u64, Vec<StoredBatch>) {
    let disk = SimulatedDisk::new();
    assert_eq!(live(&disk).0, BATCHES);
    let operations = disk.operations();
    (operations, read_all(&open(&disk).unwrap().0))
}

/// After a restart, the log holds what was acknowledged and at most the one batch in flight.
fn assert_survives(disk: &SimulatedDisk, acknowledged: u64, whole: &[StoredBatch], fault: Fault) {
    disk.restart();
    let (log, _) = open(disk).unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    let found = last(&log).0;
    assert!(
        (acknowledged..=acknowledged + 1).contains(&found),
        "{fault:?}: {acknowledged} acknowledged, {found} found"
    );
    assert_eq!(read_all(&log), whole[..usize::try_from(found).unwrap()], "{fault:?}");
    drop(log);
    assert_eq!(live(disk).0, BATCHES, "{fault:?}");
    assert_eq!(read_all(&open(disk).unwrap().0), whole, "{fault:?}");
}

fn sweep(kind: FaultKind, check: impl Fn(&SimulatedDisk, u64, Option<LogError>, Fault)) {
    let (operations, _) = untroubled();
    // Opening reads each ring slot, which changes nothing: one fault among those reads stands for all.
    let interesting = (1..=operations).filter(|at| *at < 12 || *at > 1000 || at % 100 == 0);
    for at_operation in interesting {
        for unsynced in MODES {
            for seed in 0..SEEDS {
                let fault = Fault { at_operation, kind, unsynced, seed: seed * 1_000_003 + at_operation };
                let disk = SimulatedDisk::new();
                disk.plan(fault);
                let (acknowledged, error) = live(&disk);
                check(&disk, acknowledged, error, fault);
            }
        }
    }
}

#[test]
fn every_acknowledged_batch_survives_a_crash_at_every_operation() {
    let (_, whole) = untroubled();
    sweep(FaultKind::Crash, |disk, acknowledged, error, fault| {
        assert!(error.is_some(), "{fault:?}");
        assert_survives(disk, acknowledged, &whole, fault);
    });
}

#[test]
fn a_failed_operation_halts_the_log_and_loses_nothing() {
    let (_, whole) = untroubled();
    sweep(FaultKind::Fail, |disk, acknowledged, error, fault| {
        assert!(matches!(error, Some(LogError::Io { .. })), "{fault:?}: {error:?}");
        assert_survives(disk, acknowledged, &whole, fault);
    });
}

#[test]
fn a_crash_during_recovery_leaves_recovery_to_the_next_start() {
    let (operations, whole) = untroubled();
    for unsynced in MODES {
        let first = Fault { at_operation: operations - 3, kind: FaultKind::Crash, unsynced: Unsynced::Torn, seed: 11 };
        let torn = SimulatedDisk::new();
        torn.plan(first);
        let (acknowledged, _) = live(&torn);
        torn.restart();
        let opening = operations_to_open(&torn);
        for at_operation in opening.saturating_sub(8)..=opening {
            let disk = torn.copy();
            let fault = Fault { at_operation, kind: FaultKind::Crash, unsynced, seed: at_operation };
            disk.plan(fault);
            assert!(open(&disk).is_err(), "{fault:?}");
            assert_survives(&disk, acknowledged, &whole, fault);
        }
    }
}

fn operations_to_open(disk: &SimulatedDisk) -> u64 {
    let disk = disk.copy();
    open(&disk).unwrap();
    disk.operations()
}

/// The canary: a log whose ring were not written would lose its last batch here, and the sweep would be worthless.
#[test]
fn canary_without_its_ring_slot_a_damaged_last_batch_is_cut() {
    let disk = crate::fixture::disk_with(3);
    disk.damage(crate::fixture::RING, crate::fixture::slot_of(3), &[0; 4096]);
    crate::fixture::flip(&disk, crate::fixture::FIRST, crate::fixture::place_of(3) + 300);
    let (log, recovery) = open(&disk).unwrap();
    assert_eq!(log.last().map(|header| header.sequence.0), Some(2));
    assert_eq!(recovery.torn_bytes, 4096);
}
