//! A store and a map, side by side, through random operations.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Write>),
    Flush,
    Compact,
    Sync,
    Work,
    Close,
    Drop,
    Snapshot,
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(Vec::new()), vec(0u8..4, 1..3), Just(vec![0xFF; 40])]
}

fn any_write() -> impl Strategy<Value = Write> {
    let value = prop_oneof![8 => vec(any::<u8>(), 0..40), 1 => Just(vec![b'v'; 6_000])];
    prop_oneof![
        3 => (any_key(), value).prop_map(|(key, value)| Write::Put { key, value }),
        1 => any_key().prop_map(|key| Write::Delete { key }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => vec(any_write(), 1..4).prop_map(Step::Write),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Sync),
        2 => Just(Step::Work),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
        2 => Just(Step::Snapshot),
    ]
}

fn any_options() -> impl Strategy<Value = Options> {
    let sync = prop_oneof![
        Just(SyncMode::EveryWrite),
        Just(SyncMode::EveryN(std::num::NonZeroU32::new(3).unwrap())),
        Just(SyncMode::Never)
    ];
    let background = prop_oneof![Just(Background::Threads), Just(Background::Callers)];
    let flush_at = prop_oneof![0u64..300, 300u64..2_000];
    let options = |(flush_at, fanout, sync, background)| Options {
        sync,
        background,
        ..options(flush_at, fanout)
    };
    (flush_at, 0usize..4, sync, background).prop_map(options)
}

fn apply(map: &mut Map, writes: &[Write]) {
    for write in writes {
        match write {
            Write::Put { key, value } => map.insert(key.clone(), value.clone()),
            Write::Delete { key } => map.remove(key),
        };
    }
}

/// Whatever can be read, in every way that it can be read.
fn compare(read: &dyn Fn(&[u8]) -> Option<Vec<u8>>, scans: [Pairs; 4], map: &Map) {
    let expected: Pairs = map.clone().into_iter().collect();
    let reversed: Pairs = map.clone().into_iter().rev().collect();
    let [all, back, some, both] = scans;
    assert_eq!(all, expected);
    assert_eq!(back, reversed);
    let bounds = (Bound::Excluded(vec![0]), Bound::Included(vec![2, 1]));
    let within: Pairs = map
        .range(bounds)
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    assert_eq!(some, within);
    let mut sorted = both;
    sorted.sort();
    assert_eq!(sorted, expected);
    for key in [&b""[..], &[0], &[1, 2], &[3], &[9], &[0xFF; 40]] {
        assert_eq!(read(key).as_ref(), map.get(key));
    }
}

fn compare_snapshot<S: Storage>(snapshot: &super::super::Snapshot<S>, map: &Map) {
    let all = || snapshot.scan::<[u8]>(..);
    let some = snapshot.scan::<[u8]>((Bound::Excluded(&[0][..]), Bound::Included(&[2, 1][..])));
    let (mut from_both, mut ends) = (all(), Vec::new());
    while let Some(pair) = from_both.next() {
        ends.push(pair.unwrap());
        ends.extend(from_both.next_back().map(Result::unwrap));
    }
    let pairs = [
        all().map(Result::unwrap).collect(),
        all().rev().map(Result::unwrap).collect(),
        some.map(Result::unwrap).collect(),
        ends,
    ];
    compare(&|key| snapshot.get(key).unwrap(), pairs, map);
}

fn run<S: Storage>(storage: S, dir: &Path, options: Options, steps: &[Step]) {
    let open = || Store::open(storage.clone(), dir, options).unwrap();
    let (mut store, mut map) = (open(), Map::new());
    let (mut snapshots, mut last) = (Vec::new(), None);
    for step in steps {
        match step {
            Step::Write(writes) => {
                let lsn = store.write(writes).unwrap();
                assert!(last < Some(lsn));
                last = Some(lsn);
                apply(&mut map, writes);
            }
            Step::Flush => store.flush().unwrap(),
            Step::Compact => store.compact().unwrap(),
            Step::Sync => store.sync().unwrap(),
            Step::Work => drop(store.run_one().unwrap()),
            Step::Close => {
                store.close().unwrap();
                store = open();
            }
            Step::Drop => {
                drop(store);
                store = open();
            }
            Step::Snapshot => snapshots.push((store.snapshot(), map.clone())),
        }
        compare_snapshot(&store.snapshot(), &map);
        let stats = store.stats().unwrap();
        let intervals: Vec<_> = stats.tables.iter().rev().map(|it| (it.lo, it.hi)).collect();
        let next = intervals
            .iter()
            .try_fold(1, |next, it| (it.0 == next).then_some(it.1 + 1));
        assert!(next.is_some(), "{intervals:?}");
        assert_eq!(stats.last, last);
    }
    for (snapshot, map) in snapshots {
        compare_snapshot(&snapshot, &map);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a_store_is_a_map_on_the_simulated_disk(options in any_options(), steps in vec(any_step(), 0..40)) {
        run(machine(), Path::new("store"), options, &steps);
    }

    #[test]
    fn a_store_is_a_map_on_real_files(options in any_options(), steps in vec(any_step(), 0..40)) {
        run(OsStorage, &Home::new().store(), options, &steps);
    }
}
