//! The engines as the study found them.

use super::super::super::contract::{MapWrite, Operation};
use super::super::{
    EventStoreSubject, FoundBitcaskSubject, FoundBtreeSubject, FoundLogSubject, JsonLinesSubject,
    LsmSubject, one, put,
};
use super::{Entry, Finding};
use crate::counterexample::Breach;
use crate::engine::Discipline;
use crate::engine::bitcask::as_found as found_bitcask;
use crate::engine::btree::as_found as found_btree;
use crate::engine::event_store::as_found as json_lines;
use crate::engine::wal::segments::as_found as found_log;
use crate::engine::{lsm, wal};

/// Each with the shortest work that shows what the study found.
pub(super) fn entries() -> Vec<Entry> {
    let found_lsm = |as_found| LsmSubject {
        options: lsm::Options {
            discipline: Discipline::AsFound,
            as_found,
            flush_at: u64::MAX,
            ..lsm::Options::default()
        },
    };
    let log = |options| FoundLogSubject { options };
    let names_cached = found_log::Options {
        names_cached: true,
        ..found_log::Options::default()
    };
    let tree = |leaf_keys| FoundBtreeSubject {
        options: found_btree::Options {
            leaf_keys,
            page_bytes: 1024,
            ..found_btree::Options::default()
        },
    };
    let put_one = || vec![one(put("a", 1, 20))];
    let flushed = || {
        vec![
            one(put("a", 1, 20)),
            Operation::<MapWrite>::maintain("flush"),
        ]
    };
    vec![
        Entry::new(
            (
                "lsm-wal-no-fsync",
                "the LSM tree as found: its log is only flushed",
            ),
            Some(Finding::of(Breach::Lost)),
            found_lsm(lsm::AsFoundOptions::default()),
            put_one(),
        ),
        Entry::new(
            (
                "lsm-truncate-before-sstable-sync",
                "the LSM tree as found, its log synced: the log is truncated before the table is on disk",
            ),
            Some(Finding::of(Breach::Lost)),
            found_lsm(lsm::AsFoundOptions {
                log_synced: true,
                torn_tail: wal::TornTail::Cut,
                ..lsm::AsFoundOptions::default()
            }),
            flushed(),
        ),
        Entry::new(
            (
                "event-store-persist-no-durability",
                "the event store as found: lines of JSON",
            ),
            Some(Finding::of(Breach::Lost)),
            JsonLinesSubject {
                options: json_lines::Options {
                    torn: json_lines::TornLine::Skip,
                    synced: false,
                    named: false,
                },
            },
            EventStoreSubject::workload()[..1].to_vec(),
        ),
        Entry::new(
            (
                "bitcask-conditional-sync",
                "Bitcask as found, with `sync_writes`",
            ),
            Some(Finding::of(Breach::Lost)),
            FoundBitcaskSubject {
                options: found_bitcask::Options {
                    sync_writes: true,
                    tail_left: false,
                    named: false,
                },
            },
            vec![
                one(put("a", 1, 20)),
                Operation::maintain("rotate"),
                one(put("a", 2, 20)),
            ],
        ),
        Entry::new(
            (
                "wal-module-syncs-every-write",
                "the stand-alone log as found, what the study leaves open in its favour",
            ),
            Some(Finding {
                goes_on: true,
                ..Finding::of(Breach::Gap)
            }),
            log(found_log::Options::default()),
            // Its record is as long as the one that the next life writes in its place.
            vec![one(put("a", 1, 13))],
        ),
        Entry::new(
            (
                "wal-module-tail-left",
                "the stand-alone log as found; recovery appends behind a torn tail",
            ),
            Some(Finding {
                goes_on: true,
                ..Finding::of(Breach::Lost)
            }),
            log(found_log::Options {
                tail: found_log::Tail::Left,
                ..found_log::Options::default()
            }),
            put_one(),
        ),
        Entry::new(
            (
                "wal-module-names-cached",
                "the stand-alone log as found; rotation does not sync the directory",
            ),
            Some(Finding::of(Breach::Lost)),
            log(names_cached),
            vec![Operation::maintain("rotate"), one(put("a", 1, 20))],
        ),
        Entry::new(
            (
                "wal-module-names-cached-rewritten",
                "the stand-alone log as found; truncation does not sync the directory",
            ),
            Some(Finding::of(Breach::Lost)),
            log(names_cached),
            vec![Operation::maintain("truncate"), one(put("a", 1, 20))],
        ),
        Entry::new(
            (
                "wal-module-brackets-ignored",
                "the stand-alone log as found; recovery takes each record of a batch for itself",
            ),
            Some(Finding::of(Breach::Partial)),
            log(found_log::Options {
                brackets: found_log::Brackets::Ignored,
                ..found_log::Options::default()
            }),
            vec![Operation::Write(vec![put("a", 1, 20), put("b", 1, 20)])],
        ),
        Entry::new(
            (
                "btree-wal-fsync-pagefile-deferred",
                "the B-tree as found: a split is in the log, and what knows of it is not",
            ),
            Some(Finding::of(Breach::Lost)),
            tree(1),
            vec![one(put("a", 1, 20)), one(put("b", 2, 20))],
        ),
        Entry::new(
            (
                "btree-recovery-interrupted",
                "the B-tree as found; recovery writes in place what is cached only",
            ),
            Some(Finding {
                kills: 1,
                ..Finding::of(Breach::Unopenable)
            }),
            tree(8),
            // It fills a sector, so that its page can be torn.
            vec![one(put("a", 1, 600))],
        ),
    ]
}
