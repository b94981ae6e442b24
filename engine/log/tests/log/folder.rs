//! The log in a real folder: lock, read-only opening, files that are not its own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use clearlane_log::{Damage, Disk, FileLog, LogError, Options, Sequence, SimulatedDisk};

use crate::fixture::{BLOCK, FIRST, RING, SMALL, append, large_batch, place_of, read_all, small_batch};

#[test]
fn a_folder_is_created_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deeper/log");
    let (mut log, recovery) = FileLog::open(&path, SMALL).unwrap();
    assert_eq!(recovery.last_sequence, Sequence(0));
    for number in 1..=4 {
        append(&mut log, large_batch(number)).unwrap();
    }
    let written = read_all(&log);
    drop(log);
    let (log, recovery) = FileLog::open(&path, SMALL).unwrap();
    assert_eq!((recovery.batches, recovery.segments), (4, 2));
    assert_eq!(read_all(&log), written);
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = FileLog::open(folder.path(), SMALL).unwrap();
    append(&mut log, small_batch(1)).unwrap();
    assert!(matches!(FileLog::open(folder.path(), SMALL), Err(LogError::Locked { .. })));
    let (mut reader, recovery) = FileLog::open_read_only(folder.path()).unwrap();
    assert_eq!(recovery.batches, 1);
    assert!(matches!(append(&mut reader, small_batch(2)), Err(LogError::ReadOnly)));
    drop(log);
    assert!(FileLog::open(folder.path(), SMALL).is_ok());
}

#[test]
fn a_read_only_open_leaves_every_byte_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = FileLog::open(folder.path(), SMALL).unwrap();
    append(&mut log, small_batch(1)).unwrap();
    drop(log);
    let mut segment = fs::read(folder.path().join(FIRST)).unwrap();
    segment[usize::try_from(place_of(2)).unwrap() + 700] = 1;
    fs::write(folder.path().join(FIRST), &segment).unwrap();

    let before = files(folder.path());
    let (reader, recovery) = FileLog::open_read_only(folder.path()).unwrap();
    assert_eq!((recovery.batches, recovery.torn_bytes), (1, 4096));
    assert_eq!(read_all(&reader).len(), 1);
    assert_eq!(files(folder.path()), before);
    assert_eq!(FileLog::open(folder.path(), SMALL).unwrap().1.torn_bytes, 4096);
    assert_eq!(FileLog::open(folder.path(), SMALL).unwrap().1.torn_bytes, 0);
}

#[test]
fn a_read_only_open_creates_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let missing = FileLog::open_read_only(folder.path());
    assert!(matches!(missing, Err(LogError::Damaged { file, damage: Damage::Missing, .. }) if file == RING));
    assert!(files(folder.path()).is_empty());
    assert!(matches!(FileLog::open_read_only(&folder.path().join("none")), Err(LogError::Io { .. })));
}

#[test]
fn unfinished_and_foreign_files_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("segment-00000001.log.new"), [7; 100]).unwrap();
    fs::write(folder.path().join("headers.ring.new"), [7; 100]).unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let (mut log, _) = FileLog::open(folder.path(), SMALL).unwrap();
    append(&mut log, small_batch(1)).unwrap();
    assert_eq!(fs::read(folder.path().join("notes.txt")).unwrap(), b"mine");
}

#[test]
fn segment_lengths_out_of_bounds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for segment_bytes in [0, 4096, (1 << 20) + 4096, 1 << 31] {
        let refused = FileLog::open(folder.path(), Options { segment_bytes });
        assert!(matches!(refused, Err(LogError::SegmentBytes { .. })), "{segment_bytes}");
    }
}

/// A disk whose writer appends as soon as a reader looks behind the last batch it has read.
struct Busy {
    disk: SimulatedDisk,
    writer: Mutex<Option<FileLog<SimulatedDisk>>>,
}

impl Disk for Busy {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create_zeroed(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.disk.create_zeroed(name, length)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.disk.length(name)
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let is_behind = name == FIRST && buffer.len() as u64 > BLOCK;
        let writer = if is_behind { self.writer.lock().unwrap().take() } else { None };
        if let Some(mut writer) = writer {
            for number in 3..=7 {
                append(&mut writer, large_batch(number)).unwrap();
            }
        }
        self.disk.read_at(name, offset, buffer)
    }

    fn write_durable_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_durable_at(name, offset, bytes)
    }
}

#[test]
fn a_reader_beside_a_busy_writer_reads_on_and_finds_no_damage() {
    for segment_bytes in [1 << 20, 4 << 20] {
        let disk = SimulatedDisk::new();
        let (mut writer, _) = FileLog::open_on(disk.clone(), Options { segment_bytes }).unwrap();
        for number in 1..=2 {
            append(&mut writer, small_batch(number)).unwrap();
        }
        writer.prepare_segment().unwrap();
        let busy = Busy { disk, writer: Mutex::new(Some(writer)) };
        let (reader, recovery) = FileLog::open_read_only_on(busy).unwrap();
        assert!(recovery.batches >= 4, "{recovery:?}");
        assert_eq!(read_all(&reader).len() as u64, recovery.batches);
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}
