//! One flipped bit: refused wherever it is in a record that was durable, by the log's own word; and
//! nothing that a crash can leave is ever taken for it.

use super::memory::*;
use super::*;
use crate::engine::wal::file::LogFile;
use crate::engine::wal::format::{self, CELL};
use proptest::collection::vec;
use proptest::prelude::*;

fn value(bytes: usize) -> Write {
    Write::Put {
        key: b"k".to_vec(),
        value: vec![b'v'; bytes],
    }
}

/// Flips every bit of every record of the log, and says how many of them were durable by the word of
/// a later one.
fn flip_every_bit(file: &Memory, log: &LogFile<Memory>, floor: Option<Lsn>) -> usize {
    let bytes = file.bytes();
    let expected = records(log);
    let places = places(log, &bytes);
    assert_eq!(places.len(), expected.len());
    let mark = places.iter().map(|(_, header)| header.mark).max().unwrap();
    for (number, (at, header)) in places.iter().enumerate() {
        for bit in 0..header.record_bytes() as usize * 8 {
            let mut flipped = bytes.clone();
            flipped[at + bit / 8] ^= 1 << (bit % 8);
            let found = recover(&Memory::of(&flipped), floor, SyncMode::Never);
            let index = header.lsn.index;
            if index <= mark {
                let is_told = matches!(&found, Err(Error::Damaged { at: told, index: i, .. })
                    if *told == *at as u64 && *i == index);
                assert!(is_told, "bit {bit} of record {index}: {found:?}");
            } else {
                assert_eq!(records(&found.unwrap()), expected[..number], "bit {bit}");
            }
        }
    }
    places.iter().filter(|(_, it)| it.lsn.index <= mark).count()
}

#[test]
fn any_flipped_bit_of_a_record_below_the_mark_is_refused_with_its_place() {
    for (sync, durable) in [
        (SyncMode::EveryWrite, 4),
        (every(3), 4),
        (SyncMode::Never, 1),
    ] {
        let (file, mut log) = new_log(sync);
        for bytes in [0, 40, 100, 7, 40] {
            log.append(&[value(bytes), delete("x")]).unwrap();
        }
        assert_eq!(flip_every_bit(&file, &log, None), durable);
    }
}

#[test]
fn a_mark_that_comes_late_tells_of_all_before_it() {
    let (file, mut log) = new_log(SyncMode::Never);
    for _ in 0..6 {
        log.append(&[value(20)]).unwrap();
    }
    assert_eq!(flip_every_bit(&file, &log, None), 1);
    log.sync().unwrap();
    log.append(&[value(20)]).unwrap();
    assert_eq!(flip_every_bit(&file, &log, None), 6);
}

#[test]
fn any_flipped_bit_is_found_in_a_log_that_is_recycled_over_longer_records() {
    let (file, mut log) = new_log(SyncMode::EveryWrite);
    for bytes in [300, 20, 300, 20] {
        log.append(&[value(bytes)]).unwrap();
    }
    log.recycle();
    let floor = log.last();
    for bytes in [20, 100, 20] {
        log.append(&[value(bytes)]).unwrap();
    }
    assert_eq!(flip_every_bit(&file, &log, floor), 2);
}

#[test]
fn a_flipped_bit_in_the_length_of_a_record_larger_than_a_block_is_refused() {
    let (file, mut log) = new_log(SyncMode::EveryWrite);
    for bytes in [20, 9_000, 20] {
        log.append(&[value(bytes)]).unwrap();
    }
    let at = places(&log, &file.bytes())[1].0;
    for bit in 0..64 {
        let mut flipped = file.bytes();
        flipped[at + bit / 8] ^= 1 << (bit % 8);
        let found = recover(&Memory::of(&flipped), None, SyncMode::Never);
        assert!(
            matches!(found, Err(Error::Damaged { index: 2, .. })),
            "{bit}"
        );
    }
}

#[test]
fn what_tables_hold_is_never_called_damaged() {
    let (file, mut log) = new_log(SyncMode::EveryWrite);
    for _ in 0..4 {
        log.append(&[value(20)]).unwrap();
    }
    log.recycle();
    let (bytes, floor) = (file.bytes(), log.last());
    for bit in CELL * 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut log = recover(&Memory::of(&flipped), floor, SyncMode::EveryWrite).unwrap();
        assert!(records(&log).is_empty());
        assert_eq!(log.append(&[value(1)]).unwrap(), lsn(2, 5));
    }
}

#[test]
fn a_log_that_begins_too_late_has_a_hole_before_it() {
    let (file, mut log) = new_log(SyncMode::EveryWrite);
    log.append(&[value(20)]).unwrap();
    log.append(&[value(20)]).unwrap();
    log.recycle();
    log.append(&[value(20)]).unwrap();
    let hole = |floor| match recover(&file, floor, SyncMode::Never) {
        Err(Error::Hole { lo, hi, .. }) => (lo, hi),
        other => panic!("{other:?}"),
    };
    assert_eq!(hole(None), (1, 2));
    assert_eq!(hole(Some(lsn(1, 1))), (2, 2));
    assert!(recover(&file, Some(lsn(1, 2)), SyncMode::Never).is_ok());
}

#[test]
fn a_run_that_goes_from_covered_to_live_is_refused() {
    let (file, mut log) = new_log(SyncMode::EveryWrite);
    for _ in 0..3 {
        log.append(&[value(20)]).unwrap();
    }
    let found = recover(&file, Some(lsn(1, 2)), SyncMode::Never);
    assert!(matches!(found, Err(Error::Damaged { index: 3, .. })));
}

#[test]
fn a_value_full_of_headers_does_not_make_the_search_slow() {
    let (file, mut log) = new_log(SyncMode::Never);
    log.append(&[value(20)]).unwrap();
    log.append(&[value(1 << 20)]).unwrap();
    let (at, torn) = places(&log, &file.bytes())[1];
    // At every other cell of the value something that looks like record 3 and takes all the rest.
    let end = file.bytes().len();
    let begin = (at + format::RECORD_HEADER + 10).next_multiple_of(CELL);
    let mut bytes = vec![0; end];
    for place in (begin..end - 64).step_by(2 * CELL) {
        let length = (end - place - format::RECORD_HEADER) as u32;
        bytes[place + 4..][..4].copy_from_slice(&length.to_le_bytes());
        bytes[place + 8..][..8].copy_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0]);
        bytes[place + 16] = 3;
    }
    let mut torn_bytes = file.bytes();
    torn_bytes[begin..].copy_from_slice(&bytes[begin..]);
    assert_eq!(torn.lsn.index, 2);
    let torn = Memory::of(&torn_bytes);
    let log = recover(&torn, None, SyncMode::Never).unwrap();
    assert_eq!(records(&log).len(), 1);
    let times = torn.bytes_read() / torn_bytes.len() as u64;
    assert!(times < 16, "read {times} times");
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    /// A value that holds the whole file as it is, on the grid of cells.
    AppendCopy,
    Sync,
    Recycle,
    Kill,
    Crash,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop_oneof![0usize..120, Just(20)].prop_map(Step::Append),
        2 => Just(Step::AppendCopy),
        1 => Just(Step::Sync),
        2 => Just(Step::Recycle),
        1 => Just(Step::Kill),
        3 => Just(Step::Crash),
    ]
}

/// Where a value begins in its record, behind a key so long that it begins with a cell.
fn copy(file: &Memory) -> Write {
    let mut value = file.bytes();
    value.truncate(4_000);
    Write::Put {
        key: vec![b'c'; 2 * CELL - 9],
        value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn lives_with_power_cuts_are_never_accused_and_then_every_bit_is_watched(
        steps in vec(any_step(), 0..40),
        fates in vec(any::<bool>(), 1..64),
        sync in prop_oneof![Just(SyncMode::EveryWrite), (1u32..4).prop_map(every), Just(SyncMode::Never)],
    ) {
        let (mut file, mut log) = new_log(sync);
        let mut floor = None;
        let mut fates = fates.iter().copied().cycle();
        // All live records in order, and which of them are acknowledged by a barrier.
        let mut live: Vec<Record> = Vec::new();
        for step in steps {
            match step {
                Step::Append(_) | Step::AppendCopy => {
                    let write = match step {
                        Step::Append(bytes) => value(bytes),
                        _ => copy(&file),
                    };
                    let lsn = log.append(std::slice::from_ref(&write)).unwrap();
                    live.push(Record { lsn, writes: vec![write] });
                }
                Step::Sync => log.sync().unwrap(),
                Step::Recycle => {
                    log.sync().unwrap();
                    log.recycle();
                    floor = log.last();
                    live.clear();
                }
                Step::Kill | Step::Crash => {
                    let mark = log.mark();
                    if matches!(step, Step::Crash) {
                        file = file.crash(|| fates.next().unwrap());
                    }
                    log = recover(&file, floor, sync).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    let found = records(&log);
                    prop_assert!(live.starts_with(&found));
                    prop_assert!(live.iter().skip(found.len()).all(|record| record.lsn.index > mark));
                    if matches!(step, Step::Kill) {
                        prop_assert_eq!(found.len(), live.len());
                    }
                    live = found;
                }
            }
            prop_assert_eq!(&records(&log), &live);
        }
        let bytes = file.bytes();
        let places = places(&log, &bytes);
        let mark = places.iter().map(|(_, header)| header.mark).max().unwrap_or(0);
        for (at, header) in places.iter().filter(|(_, header)| header.lsn.index <= mark) {
            for bit in (0..header.record_bytes() as usize * 8).step_by(7) {
                let mut flipped = bytes.clone();
                flipped[at + bit / 8] ^= 1 << (bit % 8);
                let found = recover(&Memory::of(&flipped), floor, sync);
                prop_assert!(
                    matches!(found, Err(Error::Damaged { index, .. }) if index == header.lsn.index),
                    "bit {} of record {}: {:?}", bit, header.lsn.index, found
                );
            }
        }
    }
}
