//! Crashes and failed operations at every point of a log's life.

use std::io;

use clearlane_log::{Disk, Fault, FaultKind, FileLog, LogError, SimulatedDisk, StoredBatch, Unsynced};

use crate::fixture::{SMALL, append, disk_with, large_batch, last, open, read_all, small_batch};

/// Each mode with the number of seeds it deserves: the first two leave nothing to chance.
const MODES: [(Unsynced, u64); 4] =
    [(Unsynced::Dropped, 1), (Unsynced::Kept, 1), (Unsynced::Torn, 2), (Unsynced::Garbage, 2)];
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

fn keeps_the_acknowledged(acknowledged: u64, found: u64) -> bool {
    (acknowledged..=acknowledged + 1).contains(&found)
}

fn sweep(kind: FaultKind, check: impl Fn(&SimulatedDisk, u64, Option<LogError>, Fault)) {
    let (operations, _) = untroubled();
    for at_operation in 1..=operations {
        for (unsynced, seeds) in MODES {
            for seed in 0..seeds {
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
    for (unsynced, _) in MODES {
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

/// Beyond the first lap a slot holds an older header, which a crash may keep, replace or ruin.
#[test]
fn a_crash_beyond_the_first_lap_of_the_ring_loses_nothing() {
    let written = disk_with(1025);
    let opening = operations_to_open(&written);
    for at_operation in opening + 1..=opening + 4 {
        for (unsynced, seeds) in MODES {
            for seed in 0..seeds {
                let fault = Fault { at_operation, kind: FaultKind::Crash, unsynced, seed };
                let disk = written.copy();
                disk.plan(fault);
                let mut log = open(&disk).unwrap().0;
                assert!(append(&mut log, large_batch(1026)).is_err(), "{fault:?}");
                disk.restart();
                let found = last(&open(&disk).unwrap_or_else(|error| panic!("{fault:?}: {error}")).0).0;
                assert!(keeps_the_acknowledged(1025, found), "{fault:?}: {found} found");
            }
        }
    }
}

/// A disk that says it wrote and forgets every write after the first few.
struct LyingDisk {
    truth: SimulatedDisk,
    honest_writes: u64,
}

impl Disk for LyingDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.truth.list()
    }

    fn create_zeroed(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.truth.create_zeroed(name, length)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.truth.length(name)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.truth.read_at(name, offset, buffer)
    }

    fn write_durable_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.honest_writes == 0 {
            return Ok(());
        }
        self.honest_writes -= 1;
        self.truth.write_durable_at(name, offset, bytes)
    }
}

/// Were the sweep's question blind to a lost batch, it would accept this disk.
#[test]
fn canary_a_lying_disk_does_not_pass_for_a_durable_one() {
    let truth = SimulatedDisk::new();
    let (mut log, _) = FileLog::open_on(LyingDisk { truth: truth.clone(), honest_writes: 6 }, SMALL).unwrap();
    for number in 1..=BATCHES {
        append(&mut log, small_batch(number)).unwrap();
    }
    let found = last(&open(&truth).unwrap().0).0;
    assert_eq!(found, 3);
    assert!(!keeps_the_acknowledged(BATCHES, found));
}
