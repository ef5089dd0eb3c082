//! Bytes that are not as they were written: torn and stale ones are the end of the log, damage is
//! refused where it shows, and nothing that was not written is ever served.

use super::*;
use crate::engine::wal::format::{self, CELL};

const RECORD: usize = 64;

fn value(key: &str) -> Write {
    put(key, "a value of 22 bytes...")
}

/// A log of records a, b, c of 64 bytes each, closed.
fn three_records(sync: SyncMode) -> Home {
    let home = Home::new();
    let log = home.open_with(&Faulty::default(), sync).unwrap();
    for key in ["a", "b", "c"] {
        log.append(&value(key)).unwrap();
    }
    assert_eq!(home.bytes().len(), CELL + 3 * RECORD);
    drop(log);
    home
}

#[test]
fn damage_below_a_durable_mark_is_refused_and_nothing_is_touched() {
    let home = three_records(SyncMode::EveryWrite);
    let mut bytes = home.bytes();
    let at = CELL + RECORD;
    bytes[at + 50] ^= 1;
    home.set_bytes(&bytes);
    let error = home.open().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Damaged {
                index: 2,
                at: 80,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(home.bytes(), bytes);
}

#[test]
fn the_same_bytes_above_the_durable_mark_are_a_torn_tail() {
    let home = three_records(SyncMode::Never);
    let mut bytes = home.bytes();
    bytes[CELL + RECORD + 50] ^= 1;
    home.set_bytes(&bytes);
    assert_eq!(keys(&home.recovered()), ["a"]);
}

#[test]
fn a_record_with_a_right_checksum_that_makes_no_sense_is_refused() {
    let home = three_records(SyncMode::EveryWrite);
    let mut bytes = home.bytes();
    let crc_of = |record: usize| bytes[CELL + record * RECORD..][..4].to_vec();
    let chain = [crc_of(1), crc_of(0)].concat();
    let last = &mut bytes[CELL + 2 * RECORD..];
    last[format::RECORD_HEADER] = 9;
    let crc = crc32fast::hash(&[&chain, &last[4..]].concat());
    last[..4].copy_from_slice(&crc.to_le_bytes());
    home.set_bytes(&bytes);
    assert!(matches!(home.open(), Err(Error::Damaged { index: 3, .. })));
    assert_eq!(home.bytes(), bytes);
}

#[test]
fn whatever_bit_flips_a_prefix_is_served_or_nothing() {
    let home = three_records(SyncMode::EveryWrite);
    let (whole, expected) = (home.bytes(), home.recovered());
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        home.set_bytes(&bytes);
        match home.open() {
            Ok(log) => assert!(expected.starts_with(&all(&log)), "bit {bit}"),
            Err(error) => {
                assert!(
                    !matches!(error, Error::Poisoned { .. } | Error::Io { .. }),
                    "{error}"
                );
                assert_eq!(home.bytes(), bytes);
            }
        }
    }
}

#[test]
fn wherever_the_file_ends_a_prefix_is_served() {
    let home = three_records(SyncMode::EveryWrite);
    let (whole, expected) = (home.bytes(), home.recovered());
    for len in CELL..whole.len() {
        home.set_bytes(&whole[..len]);
        assert_eq!(home.recovered(), expected[..(len - CELL) / RECORD]);
    }
}

/// Unsynced cells may be lost in any combination: what is left is a prefix, and never called
/// damage.
#[test]
fn whichever_unsynced_cells_are_lost_a_prefix_is_served() {
    let home = three_records(SyncMode::Never);
    let (whole, expected) = (home.bytes(), home.recovered());
    let unsynced = CELL + RECORD;
    for lost in 0..1u32 << (2 * RECORD / CELL) {
        let mut bytes = whole.clone();
        for (cell, bytes) in bytes[unsynced..].chunks_mut(CELL).enumerate() {
            if lost >> cell & 1 == 1 {
                bytes.fill(0);
            }
        }
        home.set_bytes(&bytes);
        let cells_kept = if lost == 0 {
            8
        } else {
            lost.trailing_zeros() as usize
        };
        assert_eq!(
            home.recovered(),
            expected[..1 + cells_kept.min(8) * CELL / RECORD]
        );
    }
}

#[test]
fn a_record_of_an_earlier_life_is_not_found_behind_the_next() {
    let home = three_records(SyncMode::Never);
    let mut bytes = home.bytes();
    bytes[CELL + RECORD..CELL + 2 * RECORD].fill(0);
    home.set_bytes(&bytes);
    let log = home.open().unwrap();
    assert_eq!(keys(&all(&log)), ["a"]);
    // d takes the place of b, to the byte, and c lies whole behind it.
    assert_eq!(log.append(&value("d")).unwrap(), lsn(2, 2));
    drop(log);
    assert_eq!(keys(&home.recovered()), ["a", "d"]);
}

#[test]
fn a_record_found_absent_stays_absent_when_what_it_missed_comes_back() {
    let home = three_records(SyncMode::Never);
    let whole = home.bytes();
    home.set_bytes(
        &[
            &whole[..CELL + RECORD + 40],
            &[0xAA; 24],
            &whole[CELL + 2 * RECORD..],
        ]
        .concat(),
    );
    assert_eq!(keys(&home.recovered()), ["a"]);
    let mut bytes = home.bytes();
    bytes[CELL + RECORD + CELL..].copy_from_slice(&whole[CELL + RECORD + CELL..]);
    home.set_bytes(&bytes);
    assert_eq!(keys(&home.recovered()), ["a"]);
}

#[test]
fn what_is_damaged_under_an_open_log_is_not_served() {
    let home = three_records(SyncMode::EveryWrite);
    let log = home.open().unwrap();
    let mut bytes = home.bytes();
    bytes[CELL + RECORD + 50] ^= 1;
    home.set_bytes(&bytes);
    let mut records = log.records();
    assert!(records.next().unwrap().is_ok());
    assert!(matches!(
        records.next(),
        Some(Err(Error::Damaged { index: 2, .. }))
    ));
    assert!(records.next().is_none());
}

#[test]
fn a_log_whose_generations_are_used_up_can_only_be_read() {
    let home = Home::new();
    let mut record = Vec::new();
    let start = format::Chain::start();
    format::encode(start, lsn(u32::MAX, 1), 0, &[value("a")], &mut record).unwrap();
    home.set_bytes(&[&format::file_header()[..], &record].concat());
    let log = home.open().unwrap();
    assert!(matches!(
        log.append(&value("b")),
        Err(Error::Exhausted {
            what: "generations",
            ..
        })
    ));
    assert_eq!(keys(&all(&log)), ["a"]);
}

/// The bytes of records, each behind the one before, as a client could know them who has a copy of
/// this log's header.
fn copied(lsns: &[Lsn], mark: u64) -> Vec<u8> {
    let (mut chain, mut bytes, mut record) = (format::Chain::start(), Vec::new(), Vec::new());
    for lsn in lsns {
        chain = format::encode(chain, *lsn, mark, &[value("x")], &mut record).unwrap();
        bytes.extend_from_slice(&record);
    }
    bytes
}

/// A log with record a, and a torn record in whose bared value stand those bytes, right behind the
/// place of a record of 64 bytes.
fn bared(bytes: &[u8]) -> Home {
    let home = Home::new();
    let log = home.open_with(&Faulty::default(), SyncMode::Never).unwrap();
    log.append(&value("a")).unwrap();
    let before_the_value = format::RECORD_HEADER + 9;
    let mut big = vec![7; RECORD - before_the_value];
    big.extend_from_slice(bytes);
    log.append(&Write::Put {
        key: vec![],
        value: big,
    })
    .unwrap();
    drop(log);
    let mut image = home.bytes();
    assert_eq!(image[CELL + 2 * RECORD..][..bytes.len()], *bytes);
    image[CELL + RECORD..][..RECORD].fill(0);
    home.set_bytes(&image);
    home
}

#[test]
fn a_value_that_mimics_a_record_is_not_read_behind_a_record_of_a_later_life() {
    let home = bared(&copied(&[lsn(2, 3)], 0));
    let log = home.open().unwrap();
    assert_eq!(log.append(&value("d")).unwrap(), lsn(2, 2));
    drop(log);
    assert_eq!(keys(&home.recovered()), ["a", "d"]);
}

#[test]
fn a_value_that_mimics_a_record_and_its_witness_is_not_damage() {
    let mut mimics = copied(&[lsn(2, 3), lsn(2, 4)], 3);
    mimics[RECORD - CELL] ^= 1;
    let home = bared(&mimics);
    home.open().unwrap().append(&value("d")).unwrap();
    assert_eq!(keys(&home.recovered()), ["a", "d"]);
}

/// Begin, commit and checkpoint are for a log in segments: no other engine acts on them, so none serves them.
#[test]
fn a_mark_of_the_client_in_the_log_of_an_engine_that_has_none_is_refused() {
    use crate::engine::wal::format::{Chain, Note, Owner};
    use crate::engine::wal::recovery::scan;
    use crate::storage::simulated::Simulated;
    use crate::storage::{File, Storage};
    for owner in [
        Owner::Log,
        Owner::Lsm,
        Owner::Btree,
        Owner::EventStore,
        Owner::Bitcask,
    ] {
        let path = std::path::Path::new("log");
        let file = Simulated::named("strict").unwrap().create(path).unwrap();
        let lsn = Lsn {
            generation: 1,
            index: 1,
        };
        let mut record = Vec::new();
        let note = Note::Checkpoint(0);
        format::encode_note(Chain::start_of(owner), lsn, 0, note, &mut record);
        file.append(&owner.file_header()).unwrap();
        file.append(&record).unwrap();
        let takes_notes = [Owner::Log, Owner::Bitcask].contains(&owner);
        match scan(&file, path, owner, None) {
            Ok(scan) => assert!(takes_notes && scan.has_records(), "{owner:?}"),
            Err(error) => {
                let damaged = matches!(error, Error::Damaged { index: 1, .. });
                assert!(!takes_notes && damaged, "{owner:?}: {error}");
            }
        }
    }
}
