//! Damage anywhere: a log starts with exactly what was acknowledged, or refuses and names a place.

use clearlane_log::{Damage, HEADER_BYTES, LogError, SimulatedDisk, StoredBatch};

use crate::fixture::{
    BLOCK, FIRST, RING, SECOND, append, disk_with, flip, large_batch, open, place_of, read_all, refusal, slot_of,
    small_batch,
};

const BATCHES: u64 = 4;

/// The two outcomes allowed; anything else, a panic included, fails the sweep.
fn assert_identical_or_refused(disk: &SimulatedDisk, whole: &[StoredBatch], what: &str) {
    match open(disk) {
        Ok((log, _)) => assert_eq!(read_all(&log), whole, "{what}"),
        Err(LogError::Damaged { .. }) => {}
        Err(other) => panic!("{what}: refused without a place: {other}"),
    }
}

fn whole(disk: &SimulatedDisk) -> Vec<StoredBatch> {
    read_all(&open(&disk.copy()).unwrap().0)
}

#[test]
fn a_flipped_byte_anywhere_is_harmless_or_refused() {
    let written = disk_with(BATCHES);
    let whole = whole(&written);
    let within_block: Vec<u64> =
        (0..HEADER_BYTES as u64).chain((HEADER_BYTES as u64..260).step_by(3)).chain([511, 512, 2000, 4095]).collect();
    // One place behind the last batch, where a flipped bit can pass for a torn write.
    for number in 1..=BATCHES + 1 {
        for within in &within_block {
            let disk = written.copy();
            let offset = place_of(number) + within;
            disk.damage(FIRST, offset, &[disk_byte(&written, number, *within) ^ 0x10]);
            assert_identical_or_refused(&disk, &whole, &format!("{FIRST} at {offset}"));
        }
    }
}

/// Reads from the batch's encoding and not from the file, which would copy a whole segment each time.
fn disk_byte(disk: &SimulatedDisk, number: u64, within: u64) -> u8 {
    thread_local! { static SEGMENT: std::cell::OnceCell<Vec<u8>> = const { std::cell::OnceCell::new() }; }
    SEGMENT.with(|cell| {
        let bytes = cell.get_or_init(|| disk.contents(FIRST).unwrap());
        bytes[usize::try_from(place_of(number) + within).unwrap()]
    })
}

#[test]
fn a_flipped_byte_in_the_ring_is_harmless_or_refused() {
    let written = disk_with(BATCHES);
    let whole = whole(&written);
    for number in [1, BATCHES, BATCHES + 1, BATCHES + 2, 1023, 1024] {
        for within in [0, 8, 9, 10, 16, 100, 195, 196, 600, 4095] {
            let disk = written.copy();
            flip(&disk, RING, slot_of(number) + within);
            assert_identical_or_refused(&disk, &whole, &format!("slot of {number} at {within}"));
        }
    }
}

#[test]
fn a_truncated_file_is_harmless_or_refused() {
    let written = disk_with(BATCHES);
    let whole = whole(&written);
    for file in [FIRST, RING] {
        for length in [0, 1, 4095, 4096, 4097, 2 * BLOCK, place_of(BATCHES), place_of(BATCHES + 1), 1 << 19] {
            let disk = written.copy();
            disk.truncate(file, length);
            let (refused, _, damage) = refusal(&disk);
            assert_eq!((refused.as_str(), damage), (file, Damage::FileLength { found: length }));
            assert_identical_or_refused(&disk, &whole, &format!("{file} cut to {length}"));
        }
    }
}

#[test]
fn zeroed_duplicated_and_swapped_batches_are_harmless_or_refused() {
    let written = disk_with(BATCHES);
    let whole = whole(&written);
    let segment = written.contents(FIRST).unwrap();
    let block = |number: u64| {
        let start = usize::try_from(place_of(number)).unwrap();
        segment[start..start + 4096].to_vec()
    };
    for left in 1..=BATCHES + 1 {
        for right in 1..=BATCHES + 1 {
            let duplicated = written.copy();
            duplicated.damage(FIRST, place_of(left), &block(right));
            assert_identical_or_refused(&duplicated, &whole, &format!("{right} copied over {left}"));
            duplicated.damage(FIRST, place_of(right), &block(left));
            assert_identical_or_refused(&duplicated, &whole, &format!("{left} and {right} swapped"));
        }
    }
}

#[test]
fn missing_and_swapped_files_are_refused() {
    let written = SimulatedDisk::new();
    let (mut log, _) = open(&written).unwrap();
    for number in 1..=7 {
        append(&mut log, large_batch(number)).unwrap();
    }
    for file in [RING, FIRST, SECOND] {
        let disk = written.copy();
        disk.remove(file);
        assert_eq!(refusal(&disk), (file.to_owned(), 0, Damage::Missing));
    }
    let third = "segment-00000003.log";
    let disk = written.copy();
    disk.remove(third);
    assert!(matches!(refusal(&disk).2, Damage::AcknowledgedLost { .. }));
    for (left, right) in [(FIRST, SECOND), (SECOND, third), (FIRST, third)] {
        let disk = written.copy();
        disk.swap(left, right);
        refusal(&disk);
    }
    let disk = written.copy();
    for file in [FIRST, SECOND, third] {
        disk.remove(file);
    }
    assert_eq!(refusal(&disk), (FIRST.to_owned(), 0, Damage::Missing));
}

#[test]
fn noise_far_behind_the_last_batch_is_refused() {
    let disk = disk_with(2);
    let far = place_of(3) + 1_003_520;
    disk.damage(FIRST, far, &[1]);
    assert_eq!(refusal(&disk), (FIRST.to_owned(), far, Damage::NotZero));
}

#[test]
fn a_batch_that_goes_bad_under_an_open_log_is_named() {
    let disk = disk_with(3);
    let (mut log, _) = open(&disk).unwrap();
    append(&mut log, small_batch(4)).unwrap();
    flip(&disk, FIRST, place_of(2) + 200);
    let read: Vec<_> = clearlane_log::Log::read_from(&log, clearlane_log::Sequence(1)).unwrap().collect();
    assert_eq!(read.len(), 2);
    assert!(matches!(&read[1], Err(LogError::Damaged { offset, .. }) if *offset == place_of(2)));
}

#[test]
fn a_ring_that_was_written_and_cannot_be_read_does_not_pass_for_new() {
    let disk = disk_with(2);
    for number in 0..1024 {
        disk.damage(RING, slot_of(number), &[7; 64]);
    }
    disk.remove(FIRST);
    assert_eq!(refusal(&disk), (FIRST.to_owned(), 0, Damage::Missing));
}
