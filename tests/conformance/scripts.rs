//! Scripts: random ones, and a fixed one that passes by every call of the log.

use lightsout::conform::{Discipline, Engine, Script, Step, Sync, Write};
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

fn step() -> impl Strategy<Value = Vec<Step>> {
    let failure = select(&Failure::ALL[..]);
    prop_oneof![
        10 => writes().prop_map(|writes| vec![Step::Write(writes)]),
        1 => Just(vec![Step::Sync]),
        1 => Just(vec![Step::Close]),
        1 => (0usize..6, failure).prop_map(|(after, kind)| vec![Step::FailBarrierAfter(after, kind)]),
        2 => crash().prop_map(|crash| vec![crash]),
        2 => (0usize..8, writes(), crash())
            .prop_map(|(calls, writes, crash)| vec![Step::DieAfter(calls), Step::Write(writes), crash]),
        // Dies in a recovery, and once more in the one after it.
        1 => (0usize..8, crash(), crash())
            .prop_map(|(calls, one, two)| vec![Step::DieAfter(calls), one, two]),
    ]
}

fn scripts(discipline: impl Strategy<Value = Discipline>) -> impl Strategy<Value = Script> {
    let sync = select(vec![
        Sync::Every,
        Sync::EveryN(2),
        Sync::EveryN(5),
        Sync::Never,
    ]);
    let sizes = select(vec![(512, 4096), (64, 128), (16, 32)]);
    let profile = select(NAMES.to_vec());
    let steps = prop::collection::vec(step(), 1..40);
    (discipline, sync, sizes, profile, steps).prop_map(
        |(discipline, sync, sizes, profile, steps)| Script {
            engine: Engine::Log,
            discipline,
            sync,
            profile: profile.into(),
            sector_bytes: sizes.0,
            block_bytes: sizes.1,
            keys: vec![0, 1, 7, 300],
            steps: steps.concat(),
        },
    )
}

pub(crate) fn durable_scripts() -> impl Strategy<Value = Script> {
    scripts(Just(Discipline::Durable))
}

pub(crate) fn as_found_scripts() -> impl Strategy<Value = Script> {
    let assumed = (any::<bool>(), any::<bool>());
    scripts(
        assumed.prop_map(|(split_flush, tail_left)| Discipline::AsFound {
            split_flush,
            tail_left,
        }),
    )
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
