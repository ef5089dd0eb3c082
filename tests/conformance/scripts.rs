//! Scripts: random ones, and a fixed one that passes by every call of the log.

use lightsout::conform::{
    Discipline, Engine, Events, Files, FoundFiles, Lines, Pages, Script, Segments, Step, Sync,
    TornLine, Tree, Write,
};
use models::disk::Failure;
use models::profile::NAMES;
use proptest::prelude::*;
use proptest::sample::select;

fn writes() -> impl Strategy<Value = Vec<Write>> {
    // Empty, shorter than a cell, in one sector, across sectors, longer than a block.
    let size = prop_oneof![
        Just(0usize),
        1usize..40,
        40usize..700,
        700usize..1_500,
        Just(4_200usize)
    ];
    let value = prop_oneof![4 => size.prop_map(Some), 1 => Just(None)];
    let write = (0u8..4, value).prop_map(|(key, value)| Write { key, value });
    prop::collection::vec(write, 1..4)
}

fn crash() -> impl Strategy<Value = Step> {
    let cut = (
        prop::collection::vec(any::<bool>(), 0..24),
        prop::collection::vec(0usize..3, 1..6),
    )
        .prop_map(|(keep, fills)| Step::PowerCut { keep, fills });
    prop_oneof![2 => cut, 1 => Just(Step::Kill)]
}

/// What befalls a log; of a tree, with maintenance. `calls`: how many an operation makes at most.
fn step(maintenance: u32, calls: usize) -> impl Strategy<Value = Vec<Step>> {
    let asked = prop_oneof![
        4 => writes().prop_map(Step::Write),
        maintenance => Just(Step::Flush),
        maintenance => Just(Step::Compact),
    ];
    let failure = select(&Failure::ALL[..]);
    prop_oneof![
        10 => writes().prop_map(|writes| vec![Step::Write(writes)]),
        maintenance => Just(vec![Step::Flush]),
        maintenance => Just(vec![Step::Compact]),
        1 => Just(vec![Step::Sync]),
        1 => Just(vec![Step::Close]),
        1 => (0usize..6, failure).prop_map(|(after, kind)| vec![Step::FailBarrierAfter(after, kind)]),
        2 => crash().prop_map(|crash| vec![crash]),
        2 => (0..calls, asked, crash())
            .prop_map(|(calls, asked, crash)| vec![Step::DieAfter(calls), asked, crash]),
        // Dies in a recovery, and once more in the one after it.
        1 => (0..calls, crash(), crash())
            .prop_map(|(calls, one, two)| vec![Step::DieAfter(calls), one, two]),
    ]
}

fn scripts(
    engine: impl Strategy<Value = Engine>,
    discipline: impl Strategy<Value = Discipline>,
    step: impl Strategy<Value = Vec<Step>>,
) -> impl Strategy<Value = Script> {
    let sync = select(vec![
        Sync::Every,
        Sync::EveryN(2),
        Sync::EveryN(5),
        Sync::Never,
    ]);
    let sizes = select(vec![(512, 4096), (64, 128), (16, 32)]);
    let profile = select(NAMES.to_vec());
    let steps = prop::collection::vec(step, 1..40);
    (engine, discipline, sync, sizes, profile, steps).prop_map(
        |(engine, discipline, sync, sizes, profile, steps)| Script {
            engine,
            discipline,
            sync,
            profile: profile.into(),
            sector_bytes: sizes.0,
            block_bytes: sizes.1,
            preallocate: 0,
            keys: vec![0, 1, 7, 300],
            steps: steps.concat(),
        },
    )
}

/// The same with zeros ahead: a chunk of less than a record, of a few, of more than there are.
pub(crate) fn with_zeros_ahead(
    scripts: impl Strategy<Value = Script>,
) -> impl Strategy<Value = Script> {
    (scripts, select(vec![3, 16, 40, 600])).prop_map(|(script, preallocate)| Script {
        preallocate,
        ..script
    })
}

pub(crate) fn durable_scripts() -> impl Strategy<Value = Script> {
    scripts(Just(Engine::Log), Just(Discipline::Durable), step(0, 8))
}

/// The log with several writers: a script, and of each step whether it begins a round, or before which call of the round
/// it comes.
pub(crate) fn durable_together_scripts() -> impl Strategy<Value = (Script, Vec<Option<usize>>)> {
    let asked = prop_oneof![5 => writes().prop_map(Step::Write), 1 => Just(Step::Sync)];
    let failure = select(&Failure::ALL[..]);
    let other = prop_oneof![
        1 => Just(vec![Step::Close]),
        1 => (0usize..4, failure).prop_map(|(after, kind)| vec![Step::FailBarrierAfter(after, kind)]),
        2 => crash().prop_map(|crash| vec![crash]),
        2 => (0usize..8, crash()).prop_map(|(calls, crash)| vec![Step::DieAfter(calls), crash]),
    ];
    let round = prop::collection::vec((asked, 0usize..6), 1..5);
    let part = prop_oneof![
        3 => round.prop_map(|round| {
            let begins = round.into_iter().enumerate();
            begins.map(|(number, (step, call))| (step, (number > 0).then_some(call))).collect()
        }),
        1 => other.prop_map(|steps| steps.into_iter().map(|step| (step, None)).collect::<Vec<_>>()),
    ];
    let parts = prop::collection::vec(part, 1..16);
    let settings = scripts(Just(Engine::Log), Just(Discipline::Durable), step(0, 8));
    (settings, parts).prop_map(|(settings, parts)| {
        let mut parts = parts.concat();
        // A death is planned in a round, which it strikes: the crash that follows it comes after.
        for number in 1..parts.len() {
            if matches!(parts[number - 1].0, Step::DieAfter(_)) && number + 1 < parts.len() {
                parts.swap(number, number + 1);
            }
        }
        let (steps, comes): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        (Script { steps, ..settings }, comes)
    })
}

/// The log in segments, which rotate when asked to and by themselves.
pub(crate) fn durable_segments_scripts() -> impl Strategy<Value = Script> {
    let rotate_at = select(vec![None, Some(64), Some(600), Some(4_000)]);
    let engine = rotate_at.prop_map(|rotate_at| Engine::Segments(Segments { rotate_at }));
    scripts(engine, Just(Discipline::Durable), step(2, 12))
}

/// Bitcask as found.
pub(crate) fn as_found_bitcask_scripts() -> impl Strategy<Value = Script> {
    let settings = (any::<bool>(), any::<bool>(), any::<bool>());
    let engine = settings.prop_map(|(sync_writes, tail_left, named)| {
        Engine::FoundBitcask(FoundFiles {
            sync_writes,
            tail_left,
            named,
        })
    });
    let discipline = Just(Discipline::AsFound {
        split_flush: false,
        tail_left: false,
    });
    // Where the next record goes after a failed barrier is not modelled; a key is written once in an operation.
    let once = without_failures(step(3, 16)).prop_map(|mut steps| {
        for step in &mut steps {
            if let Step::Write(writes) = step {
                let mut seen = std::collections::BTreeSet::new();
                writes.retain(|write| seen.insert(write.key % 4));
            }
        }
        steps
    });
    scripts(engine, discipline, once)
}

/// The B-tree; a flush makes a checkpoint. More keys than a page holds.
pub(crate) fn durable_btree_scripts() -> impl Strategy<Value = Script> {
    let checkpoint_at = select(vec![None, Some(600), Some(2_000)]);
    let engine = checkpoint_at.prop_map(|checkpoint_at| {
        let leaf = None;
        Engine::Btree(Pages {
            leaf,
            checkpoint_at,
        })
    });
    let scripts = scripts(engine, Just(Discipline::Durable), step(2, 16));
    let keys = prop::collection::vec(1usize..8, 12);
    let apart = any::<u8>();
    (scripts, keys, apart).prop_map(|(mut script, keys, apart)| {
        script.keys = keys;
        for (step, number) in script.steps.iter_mut().zip(0u8..) {
            if let Step::Write(writes) = step {
                for write in writes {
                    write.key = write.key.wrapping_mul(3).wrapping_add(number ^ apart);
                }
            }
        }
        script
    })
}

/// Bitcask; a flush rotates.
pub(crate) fn durable_bitcask_scripts() -> impl Strategy<Value = Script> {
    let rotate_at = select(vec![None, Some(64), Some(600), Some(4_000)]);
    let engine = rotate_at.prop_map(|rotate_at| Engine::Bitcask(Files { rotate_at }));
    scripts(engine, Just(Discipline::Durable), step(3, 22))
}

/// An event store; a flush takes a snapshot.
pub(crate) fn durable_events_scripts() -> impl Strategy<Value = Script> {
    let engine = Just(Engine::EventStore(Events::default()));
    scripts(engine, Just(Discipline::Durable), step(2, 12))
}

/// An event store as found.
pub(crate) fn as_found_events_scripts() -> impl Strategy<Value = Script> {
    let torn = select(vec![TornLine::Skip, TornLine::Refuse, TornLine::Cut]);
    let engine = (torn, any::<bool>(), any::<bool>(), 5usize..8);
    let engine = engine.prop_map(|(torn, synced, named, cells)| {
        Engine::JsonLines(Lines {
            cells,
            torn,
            synced,
            named,
        })
    });
    let discipline = Just(Discipline::AsFound {
        split_flush: false,
        tail_left: false,
    });
    // Where the next line goes after a failed barrier is not modelled.
    scripts(engine, discipline, without_failures(step(0, 8)))
}

fn without_failures(step: impl Strategy<Value = Vec<Step>>) -> impl Strategy<Value = Vec<Step>> {
    step.prop_map(|mut steps| {
        steps.retain(|step| !matches!(step, Step::FailBarrierAfter(..)));
        steps
    })
}

/// An LSM tree that flushes and merges when asked to and by itself.
fn trees() -> impl Strategy<Value = Tree> {
    let flush_at = select(vec![None, Some(64), Some(600), Some(4_000)]);
    let synced = (any::<bool>(), any::<bool>(), any::<bool>());
    (flush_at, 2usize..5, synced).prop_map(|(flush_at, fanout, synced)| Tree {
        flush_at,
        fanout,
        log_synced: synced.0,
        table_synced: synced.1,
        truncation_synced: synced.2,
        ..Tree::default()
    })
}

pub(crate) fn durable_tree_scripts() -> impl Strategy<Value = Script> {
    let engine = trees().prop_map(Engine::Lsm);
    let step = prop_oneof![
        9 => step(3, 24),
        2 => Just(vec![Step::Work]),
        2 => (0usize..8, crash())
            .prop_map(|(calls, crash)| vec![Step::DieAfter(calls), Step::Work, crash]),
    ];
    scripts(engine, Just(Discipline::Durable), step)
}

pub(crate) fn as_found_tree_scripts() -> impl Strategy<Value = Script> {
    let engine = trees().prop_map(Engine::Lsm);
    let discipline = any::<bool>().prop_map(|tail_left| Discipline::AsFound {
        split_flush: false,
        tail_left,
    });
    // The study has no barrier that could fail.
    scripts(engine, discipline, without_failures(step(2, 8)))
}

pub(crate) fn as_found_scripts() -> impl Strategy<Value = Script> {
    let assumed = (any::<bool>(), any::<bool>());
    let discipline = assumed.prop_map(|(split_flush, tail_left)| Discipline::AsFound {
        split_flush,
        tail_left,
    });
    scripts(Just(Engine::Log), discipline, step(0, 8))
}

/// Initialisation, appends, a batch, a sync, a close; recoveries after a power cut, after a failed
/// barrier and a kill, and after an interrupted recovery.
pub(crate) fn fixed(sync: Sync, profile: &str) -> Script {
    let put = |key, value| {
        Step::Write(vec![Write {
            key,
            value: Some(value),
        }])
    };
    let write = |key, value| Write { key, value };
    let cut = |keep: &[bool]| Step::PowerCut {
        keep: keep.to_vec(),
        fills: vec![0],
    };
    Script {
        engine: Engine::Log,
        discipline: Discipline::Durable,
        sync,
        profile: profile.into(),
        sector_bytes: 64,
        block_bytes: 128,
        preallocate: 0,
        keys: vec![1, 2, 3],
        steps: vec![
            put(0, 20),
            put(1, 90),
            Step::Write(vec![write(0, None), write(2, Some(30)), write(1, Some(9))]),
            Step::Sync,
            put(1, 5),
            cut(&[true, false]),
            put(2, 40),
            put(0, 11),
            Step::Close,
            put(1, 25),
            Step::FailBarrierAfter(0, Failure::DataStays),
            put(1, 26),
            Step::Sync,
            Step::Kill,
            put(0, 33),
            cut(&[]),
            Step::DieAfter(2),
            cut(&[true]),
            Step::Kill,
            put(2, 12),
            Step::FailBarrierAfter(0, Failure::DataReverts),
            put(2, 13),
            Step::Sync,
            Step::Kill,
            cut(&[false]),
        ],
    }
}

/// Initialisation, rotations when a segment is full and when asked for, truncations; deaths in a rotation,
/// in a truncation and among its removals, and recoveries from them; failed barriers of a segment, of
/// a header and of a directory.
pub(crate) fn fixed_segments(sync: Sync) -> Script {
    let put = |key, value| {
        Step::Write(vec![Write {
            key,
            value: Some(value),
        }])
    };
    let cut = |keep: &[bool]| Step::PowerCut {
        keep: keep.to_vec(),
        fills: vec![0],
    };
    let die = |calls, step: Step, crash: Step| vec![Step::DieAfter(calls), step, crash];
    let fail = |barriers, failure| Step::FailBarrierAfter(barriers, failure);
    let steps = [
        vec![put(0, 20), put(1, 90), Step::Flush, put(2, 30), put(0, 31)],
        vec![Step::Sync, put(1, 200), put(1, 7), put(2, 5), Step::Flush],
        die(2, Step::Flush, cut(&[true])),
        vec![put(2, 8), put(1, 8)],
        die(4, Step::Flush, cut(&[true, false])),
        vec![put(0, 9), put(0, 10), Step::Compact, put(1, 11)],
        vec![Step::Flush, put(2, 12), Step::Flush, put(2, 13)],
        die(3, Step::Compact, cut(&[true, false])),
        vec![put(1, 14), Step::Flush, put(0, 15), Step::Flush, put(0, 16)],
        die(3, Step::Compact, Step::Kill),
        vec![put(1, 17), Step::Close, put(2, 18)],
        vec![fail(0, Failure::DataStays), put(1, 4), Step::Flush],
        vec![Step::Sync, Step::Kill, put(2, 4)],
        vec![fail(1, Failure::DataReverts), put(0, 4), Step::Flush],
        vec![Step::Kill, Step::DieAfter(2), cut(&[false, true])],
        vec![cut(&[true]), put(2, 5), put(1, 6)],
        vec![fail(2, Failure::Abort), Step::Flush, cut(&[false])],
        vec![put(0, 6), Step::Compact, cut(&[false])],
    ];
    Script {
        engine: Engine::Segments(Segments {
            rotate_at: Some(300),
        }),
        discipline: Discipline::Durable,
        sync,
        profile: "posix".into(),
        sector_bytes: 64,
        block_bytes: 128,
        preallocate: 0,
        keys: vec![1, 2, 3],
        steps: steps.concat(),
    }
}

/// Initialisation, flushes by themselves and when asked for, merges that are due and one of all; deaths in
/// a flush, in a merge and in its removals, and recoveries from them; failed barriers of the log,
/// of a table and of a directory.
pub(crate) fn fixed_tree(sync: Sync) -> Script {
    let put = |key, value| {
        Step::Write(vec![Write {
            key,
            value: Some(value),
        }])
    };
    let delete = |key| Step::Write(vec![Write { key, value: None }]);
    let cut = |keep: &[bool]| Step::PowerCut {
        keep: keep.to_vec(),
        fills: vec![0],
    };
    let die = |calls, step: Step, crash: Step| [Step::DieAfter(calls), step, crash];
    let steps = [
        vec![put(0, 20), put(1, 90), Step::Flush, put(2, 30), put(0, 31)],
        vec![delete(1), Step::Sync, put(1, 7), Step::Flush, put(1, 5)],
        die(5, Step::Flush, cut(&[true])).to_vec(),
        vec![put(2, 8), Step::Compact, delete(0), put(1, 40)],
        die(12, Step::Compact, cut(&[true, false])).to_vec(),
        vec![
            put(0, 200),
            put(1, 200),
            put(2, 200),
            Step::Close,
            put(0, 3),
        ],
        die(13, Step::Compact, Step::Kill).to_vec(),
        vec![put(0, 4), Step::FailBarrierAfter(1, Failure::DataStays)],
        vec![put(1, 4), Step::Flush, Step::Sync, Step::Kill, put(2, 4)],
        vec![
            Step::DieAfter(2),
            cut(&[false, true]),
            cut(&[true]),
            put(2, 5),
        ],
        vec![Step::FailBarrierAfter(1, Failure::Abort), Step::Flush],
        vec![Step::Flush, cut(&[false]), put(0, 6), Step::Compact],
        vec![cut(&[false])],
        // Both logs are live: a table is made beside, by a writer who would have to wait, and by the next life.
        vec![put(0, 500), put(1, 40), Step::Work, Step::Work, put(2, 500)],
        vec![put(0, 500), put(1, 500), put(2, 7), Step::Kill, Step::Work],
        vec![put(0, 500), put(1, 7), Step::DieAfter(3), Step::Work],
        vec![cut(&[true, false]), put(0, 8), Step::Work, put(1, 500)],
        vec![put(0, 9), Step::FailBarrierAfter(0, Failure::DataReverts)],
        vec![Step::Work, put(1, 9), Step::Kill, put(1, 10), Step::Work],
    ];
    Script {
        engine: Engine::Lsm(Tree {
            flush_at: Some(500),
            fanout: 2,
            ..Tree::default()
        }),
        discipline: Discipline::Durable,
        sync,
        profile: "posix".into(),
        sector_bytes: 64,
        block_bytes: 128,
        preallocate: 0,
        keys: vec![1, 2, 3],
        steps: steps.concat(),
    }
}

/// Initialisation, appends of one and of several events, snapshots, the second over the first; deaths in a snapshot
/// and in recoveries from it; failed barriers of the log, of a snapshot and of a directory.
pub(crate) fn fixed_events(sync: Sync) -> Script {
    let append = |events: usize, bytes| {
        let event = Write {
            key: 0,
            value: Some(bytes),
        };
        Step::Write(vec![event; events])
    };
    let cut = |keep: &[bool]| Step::PowerCut {
        keep: keep.to_vec(),
        fills: vec![0],
    };
    let die = |calls, step: Step, crash: Step| vec![Step::DieAfter(calls), step, crash];
    let fail = |barriers, failure| Step::FailBarrierAfter(barriers, failure);
    let steps = [
        vec![append(1, 20), append(3, 9), Step::Flush, append(1, 90)],
        vec![Step::Sync, append(2, 5), Step::Flush, append(1, 7)],
        die(3, Step::Flush, cut(&[true])),
        vec![append(1, 8), append(1, 9), Step::Close, append(2, 30)],
        die(4, Step::Flush, cut(&[true, false])),
        vec![append(1, 60), Step::Flush, append(1, 3)],
        die(5, Step::Flush, Step::Kill),
        vec![append(1, 11), Step::Flush, Step::Flush, append(1, 12)],
        vec![fail(0, Failure::DataStays), append(1, 4), Step::Flush],
        vec![Step::Sync, Step::Kill, append(1, 13)],
        vec![fail(1, Failure::DataReverts), append(1, 4), Step::Flush],
        vec![Step::Kill, Step::DieAfter(2), cut(&[false, true])],
        vec![cut(&[true]), append(1, 14), append(1, 15), Step::Flush],
        vec![
            append(1, 16),
            fail(2, Failure::Abort),
            Step::Flush,
            cut(&[false]),
        ],
        vec![append(1, 17), cut(&[false])],
    ];
    Script {
        engine: Engine::EventStore(Events::default()),
        discipline: Discipline::Durable,
        sync,
        profile: "posix".into(),
        sector_bytes: 64,
        block_bytes: 128,
        preallocate: 0,
        keys: vec![1, 2, 3],
        steps: steps.concat(),
    }
}

/// Initialisation, rotations when a file is full and when asked for, merges, the second over the first; deaths in a
/// merge, at its name, at its checkpoint and among its removals, and recoveries from them; failed barriers of a data
/// file, of a merged file and of a directory.
pub(crate) fn fixed_bitcask(sync: Sync) -> Script {
    let put = |key, value| {
        Step::Write(vec![Write {
            key,
            value: Some(value),
        }])
    };
    let delete = |key| Step::Write(vec![Write { key, value: None }]);
    let cut = |keep: &[bool]| Step::PowerCut {
        keep: keep.to_vec(),
        fills: vec![0],
    };
    let die = |calls, step: Step, crash: Step| vec![Step::DieAfter(calls), step, crash];
    let fail = |barriers, failure| Step::FailBarrierAfter(barriers, failure);
    let steps = [
        vec![
            put(0, 20),
            put(1, 90),
            Step::Flush,
            put(2, 30),
            Step::Compact,
        ],
        vec![
            delete(1),
            Step::Sync,
            put(1, 7),
            Step::Flush,
            put(1, 5),
            Step::Compact,
        ],
        vec![put(0, 8), Step::Flush, delete(2), Step::Flush],
        die(4, Step::Compact, cut(&[true])),
        vec![put(2, 8), Step::Flush],
        die(8, Step::Compact, cut(&[true, false])),
        vec![put(1, 200), put(2, 9)],
        die(10, Step::Compact, cut(&[true])),
        vec![Step::Compact, put(0, 40), Step::Flush],
        die(12, Step::Compact, Step::Kill),
        vec![
            put(1, 17),
            Step::Close,
            put(2, 18),
            Step::Flush,
            Step::Compact,
        ],
        vec![
            put(2, 19),
            fail(0, Failure::DataStays),
            put(1, 4),
            Step::Flush,
        ],
        vec![Step::Sync, Step::Kill, put(2, 4), Step::Flush],
        vec![fail(1, Failure::DataReverts), Step::Compact, put(0, 4)],
        vec![Step::Kill, Step::DieAfter(2), cut(&[false, true])],
        vec![cut(&[true]), put(2, 5), put(1, 6), Step::Flush],
        vec![fail(2, Failure::Abort), Step::Compact, cut(&[false])],
        vec![put(0, 6), Step::Flush, Step::Compact, cut(&[false])],
    ];
    Script {
        engine: Engine::Bitcask(Files {
            rotate_at: Some(300),
        }),
        discipline: Discipline::Durable,
        sync,
        profile: "posix".into(),
        sector_bytes: 64,
        block_bytes: 128,
        preallocate: 0,
        keys: vec![1, 2, 3],
        steps: steps.concat(),
    }
}

/// Initialisation, splits, deletes that merge, checkpoints when the log is full and when asked for; deaths among the pages
/// of a checkpoint, before and behind its slot, and in recoveries from them; failed barriers of the log, of the pages
/// and of a slot.
pub(crate) fn fixed_btree(sync: Sync) -> Script {
    let put = |key: u8| {
        Step::Write(vec![Write {
            key,
            value: Some(35),
        }])
    };
    let puts = |keys: std::ops::Range<u8>| keys.map(put).collect::<Vec<_>>();
    let delete = |key| Write { key, value: None };
    let cut = |keep: &[bool]| Step::PowerCut {
        keep: keep.to_vec(),
        fills: vec![0],
    };
    let die = |calls, step: Step, crash: Step| vec![Step::DieAfter(calls), step, crash];
    let fail = |barriers, failure| Step::FailBarrierAfter(barriers, failure);
    let steps = [
        puts(0..8),
        vec![Step::Flush, put(8), Step::Sync, put(9), Step::Flush],
        vec![Step::Write((0..5).map(delete).collect()), put(10)],
        die(2, Step::Flush, cut(&[true, false])),
        puts(0..3),
        die(4, Step::Flush, cut(&[true])),
        vec![put(4), Step::Flush, put(5)],
        die(5, Step::Flush, Step::Kill),
        vec![put(6), Step::Close, put(7)],
        vec![fail(0, Failure::DataStays), put(1), Step::Flush],
        vec![Step::Sync, Step::Kill, put(2)],
        vec![fail(1, Failure::DataReverts), put(3), Step::Flush],
        vec![Step::Kill, Step::DieAfter(3), cut(&[false, true])],
        vec![cut(&[true]), put(5), put(11), Step::Flush],
        vec![
            put(0),
            fail(2, Failure::DataReverts),
            Step::Flush,
            Step::Kill,
        ],
        vec![put(1), put(2), cut(&[true]), put(3)],
        vec![Step::Flush, put(6), Step::Flush, cut(&[false])],
    ];
    Script {
        engine: Engine::Btree(Pages {
            leaf: None,
            checkpoint_at: Some(3_000),
        }),
        discipline: Discipline::Durable,
        sync,
        profile: "posix".into(),
        sector_bytes: 64,
        block_bytes: 128,
        preallocate: 0,
        keys: vec![3; 12],
        steps: steps.concat(),
    }
}
