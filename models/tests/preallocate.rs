//! A log that grows by chunks: which append changes the size, what recovery makes of the zeros behind the tail, and
//! that the contract holds.

use models::cells::Token;
use models::contract::{Event, Operation, Promise, Terms, Write};
use models::disk::Failure;
use models::disk::image::Fates;
use models::machine::bounds::Bounds;
use models::machine::process::Ground;
use models::machine::script::{Move, Run};
use models::machine::{Machine, Setup};
use models::profile::Profile;
use models::protocol::Protocol;
use models::wal::segments::{self, Segments};
use models::wal::{LOG, Layout, SyncMode, Variant, Wal};
use stateright::{Checker, Model};

fn log(preallocate: usize) -> Wal {
    Wal {
        variant: Variant::Durable,
        sync: SyncMode::Every,
        layout: Layout::Small { head: 1, write: 1 },
        preallocate,
    }
}

fn in_segments(preallocate: usize) -> Segments {
    Segments {
        variant: segments::Variant::Durable,
        log: log(preallocate),
        rotate_at: None,
    }
}

fn setup<P: Protocol>(protocol: P) -> Setup<P> {
    Setup {
        ground: Ground {
            protocol,
            profile: Profile::posix(),
            without: None,
            guarded: false,
            forget: true,
        },
        terms: Terms {
            judged: Promise::CONTRACT.to_vec(),
            every: None,
            kills_only: false,
        },
        bounds: Bounds {
            operations: 2,
            keys: 1,
            deletes: 0,
            batches: 0,
            syncs: 0,
            closes: 0,
            flushes: 1,
            compactions: 1,
            writers: 1,
            crashes: 2,
            failures: 1,
            power_cut: true,
            kill: true,
            failure_kinds: Failure::ALL.to_vec(),
            start_empty: false,
            keys_in_order: true,
            fresh_keys: false,
            count_refused: false,
        },
    }
}

/// Takes steps until the process waits for its client.
fn until_idle<P: Protocol>(run: &mut Run<P>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(more) = run.make(&Move::Step) {
        events.extend(more);
    }
    assert_eq!(run.breach, None);
    events
}

fn invoke<P: Protocol>(run: &mut Run<P>, operation: Operation) {
    let done = run.make(&Move::Invoke(operation));
    done.expect("nobody is served");
    until_idle(run);
}

fn put() -> Operation {
    let (key, delete) = (0, false);
    Operation::Write(vec![Write { key, delete }])
}

/// How long a file is after each of so many puts.
fn lengths<P: Protocol>(run: &mut Run<P>, file: &str, puts: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    for _ in 0..puts {
        invoke(run, put());
        lengths.push(run.disk.view().file(file).expect("the file").len());
    }
    lengths
}

#[test]
fn the_append_that_needs_the_next_chunk_writes_all_of_it() {
    let by_record = lengths(&mut Run::new(&setup(log(0))), LOG, 4);
    assert_eq!(by_record, [3, 5, 7, 9]);
    let by_chunk = lengths(&mut Run::new(&setup(log(4))), LOG, 4);
    assert_eq!(by_chunk, [4, 8, 8, 12]);
}

#[test]
fn recovery_takes_the_length_that_it_finds_and_zeros_behind_the_tail_are_nothing_odd() {
    let mut run = Run::new(&setup(log(8)));
    invoke(&mut run, put());
    run.make(&Move::PowerCut(Fates::default()));
    let served = until_idle(&mut run);
    let odd = served
        .iter()
        .any(|event| matches!(event, Event::Served { odd: true, .. }));
    assert!(!odd);
    assert_eq!(run.process.memory.allocated, 8);
    assert_eq!(lengths(&mut run, LOG, 3), [8, 8, 16]);
}

#[test]
fn a_new_segment_has_its_header_only_and_its_first_append_makes_it_longer() {
    let mut run = Run::new(&setup(in_segments(8)));
    invoke(&mut run, put());
    invoke(&mut run, Operation::Flush);
    let file = segments::path_of(2);
    assert_eq!(run.disk.view().file(&file), Some(&[Token::Header][..]));
    assert_eq!(lengths(&mut run, &file, 2), [8, 8]);
    let first = run.disk.view().file(&segments::path_of(1));
    assert_eq!(
        first.map(<[Token]>::len),
        Some(8),
        "zeros behind a closed one"
    );
    run.make(&Move::Kill);
    until_idle(&mut run);
    assert_eq!(run.process.memory.records().count(), 3);
}

fn assert_holds<P: Protocol>(protocol: P) {
    let case = format!("{protocol:?}");
    let checker = Machine::new(setup(protocol)).checker().spawn_dfs().join();
    assert!(checker.discovery("contract").is_none(), "{case}");
}

#[test]
fn a_log_that_grows_by_chunks_keeps_the_contract() {
    assert_holds(log(4));
    assert_holds(in_segments(4));
}
