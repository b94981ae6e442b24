//! The recovery table, row by row: what is kept, cut and refused.

use clearlane_log::{Damage, HEADER_BYTES, SEGMENT_BYTES_MIN, Sequence, SimulatedDisk};

use crate::fixture::{
    BLOCK, FIRST, RING, SECOND, append, disk_with, flip, large_batch, open, place_of, read_all, refusal, slot_of,
    small_batch,
};

const ZEROS: [u8; 4096] = [0; 4096];

#[derive(Debug)]
enum Body {
    Good,
    FlippedByte,
    FlippedHeader,
    Zeros,
}

#[derive(Debug)]
enum SlotHolds {
    Header,
    LapBefore,
    Noise,
}

#[derive(Debug)]
enum Verdict {
    Keep,
    Cut,
    Lost,
    Undecidable,
}

/// Batches in the log: within the first lap of the ring, and beyond it.
const LENGTHS: [u64; 2] = [3, 1026];

#[test]
fn last_batch_follows_the_table() {
    let table = [
        (Body::Good, SlotHolds::Header, Verdict::Keep),
        (Body::Good, SlotHolds::LapBefore, Verdict::Keep),
        (Body::Good, SlotHolds::Noise, Verdict::Keep),
        (Body::FlippedByte, SlotHolds::Header, Verdict::Lost),
        (Body::FlippedHeader, SlotHolds::Header, Verdict::Lost),
        (Body::Zeros, SlotHolds::Header, Verdict::Lost),
        (Body::FlippedByte, SlotHolds::LapBefore, Verdict::Cut),
        (Body::FlippedHeader, SlotHolds::LapBefore, Verdict::Cut),
        (Body::Zeros, SlotHolds::LapBefore, Verdict::Cut),
        (Body::FlippedByte, SlotHolds::Noise, Verdict::Undecidable),
        (Body::FlippedHeader, SlotHolds::Noise, Verdict::Undecidable),
        (Body::Zeros, SlotHolds::Noise, Verdict::Undecidable),
    ];
    for last in LENGTHS {
        let written = disk_with(last);
        for (body, slot, verdict) in &table {
            let disk = written.copy();
            damage_body(&disk, last, body);
            damage_slot(&disk, last, slot);
            println!("batch {last}, body {body:?}, slot {slot:?}: {verdict:?}");
            check(&disk, last, verdict);
        }
    }
}

fn damage_body(disk: &SimulatedDisk, last: u64, body: &Body) {
    let (file, place) = file_and_place(last);
    match body {
        Body::Good => {}
        Body::FlippedByte => flip(disk, &file, place + HEADER_BYTES as u64 + 5),
        Body::FlippedHeader => flip(disk, &file, place + 40),
        Body::Zeros => disk.damage(&file, place, &ZEROS),
    }
}

fn damage_slot(disk: &SimulatedDisk, last: u64, slot: &SlotHolds) {
    match slot {
        SlotHolds::Header => {}
        SlotHolds::LapBefore if last <= 1024 => disk.damage(RING, slot_of(last), &ZEROS),
        SlotHolds::LapBefore => {
            let (file, place) = file_and_place(last - 1024);
            let start = usize::try_from(place).unwrap();
            disk.damage(RING, slot_of(last), &disk.contents(&file).unwrap()[start..start + HEADER_BYTES]);
        }
        SlotHolds::Noise => disk.damage(RING, slot_of(last), &[0xa5; 512]),
    }
}

fn check(disk: &SimulatedDisk, last: u64, verdict: &Verdict) {
    let (file, place) = file_and_place(last);
    let expected = Sequence(last);
    match verdict {
        Verdict::Keep => assert_starts(disk, last),
        Verdict::Cut => assert_starts(disk, last - 1),
        Verdict::Lost => {
            assert_eq!(refusal(disk), (file, place, Damage::AcknowledgedLost { expected, ring: expected }));
        }
        Verdict::Undecidable => assert_eq!(refusal(disk), (file, place, Damage::Undecidable { expected })),
    }
}

/// Whatever was repaired stays repaired, and the log goes on from there.
fn assert_starts(disk: &SimulatedDisk, last: u64) {
    assert_eq!(open(disk).unwrap().1.last_sequence, Sequence(last));
    let (mut log, recovery) = open(disk).unwrap();
    assert_eq!((recovery.torn_bytes, recovery.ring_slots_behind), (0, 0));
    append(&mut log, small_batch(last + 1)).unwrap();
    assert_eq!(open(disk).unwrap().1.last_sequence, Sequence(last + 1));
}

/// A least segment holds 256 small batches.
fn file_and_place(number: u64) -> (String, u64) {
    let index = place_of(number) / SEGMENT_BYTES_MIN;
    (format!("segment-{:08}.log", index + 1), place_of(number) % SEGMENT_BYTES_MIN)
}

#[test]
fn a_torn_first_batch_of_a_new_segment_is_cut_there() {
    let disk = SimulatedDisk::new();
    let (mut log, _) = open(&disk).unwrap();
    for number in 1..=3 {
        append(&mut log, large_batch(number)).unwrap();
    }
    log.prepare_segment().unwrap();
    disk.damage(SECOND, 2 * BLOCK, &[1, 2, 3]);
    let (log, recovery) = open(&disk).unwrap();
    assert_eq!((recovery.batches, recovery.torn_bytes), (3, BLOCK));
    assert_eq!(read_all(&log).len(), 3);
    assert!(disk.contents(SECOND).unwrap().iter().all(|byte| *byte == 0));
}

#[test]
fn damage_before_the_last_batch_is_refused_at_its_place() {
    let written = disk_with(5);
    for number in 1..5 {
        for offset in [3, 60, HEADER_BYTES as u64 + 5, 4000] {
            let disk = written.copy();
            flip(&disk, FIRST, place_of(number) + offset);
            let (file, place, damage) = refusal(&disk);
            assert_eq!((file.as_str(), place), (FIRST, place_of(number)));
            let (expected, ring) = (Sequence(number), Sequence(5));
            assert_eq!(damage, Damage::AcknowledgedLost { expected, ring });
        }
    }
}

#[test]
fn a_lost_end_is_noticed_by_the_ring() {
    let disk = disk_with(5);
    for number in 3..=5 {
        disk.damage(FIRST, place_of(number), &ZEROS);
    }
    let lost = Damage::AcknowledgedLost { expected: Sequence(3), ring: Sequence(5) };
    assert_eq!(refusal(&disk), (FIRST.to_owned(), place_of(3), lost));
}

#[test]
fn an_unknown_version_is_refused_by_name() {
    let unknown = Damage::UnknownVersion { found: 2, known: 1 };
    for number in [1, 3] {
        let disk = disk_with(3);
        disk.damage(FIRST, place_of(number) + 8, &[2]);
        assert_eq!(refusal(&disk), (FIRST.to_owned(), place_of(number), unknown));
    }
    let disk = disk_with(3);
    disk.damage(RING, slot_of(2) + 8, &[2]);
    assert_eq!(refusal(&disk), (RING.to_owned(), slot_of(2), unknown));
}

#[test]
fn a_ring_of_another_history_is_refused() {
    let (disk, other) = (disk_with(3), SimulatedDisk::new());
    let (mut log, _) = open(&other).unwrap();
    for number in 1..=3 {
        append(&mut log, small_batch(number + 50)).unwrap();
    }
    disk.damage(RING, 0, &other.contents(RING).unwrap());
    let mismatch = Damage::RingMismatch { sequence: Sequence(1) };
    assert_eq!(refusal(&disk), (RING.to_owned(), slot_of(1), mismatch));
}
