//! Scans over a memtable and tables, against a map.

use super::*;
use crate::engine::lsm::table::{Meta, build};
use crate::engine::wal::Write;
use crate::storage::os::{OsFile, OsStorage};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};
use tempfile::TempDir;

type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A memtable over tables. The records of the tables have the indexes up to their number.
struct Store {
    _home: TempDir,
    paths: Vec<std::path::PathBuf>,
    tables: Vec<Arc<Table<OsFile>>>,
    memtable: Arc<Memtable>,
}

impl Store {
    fn new(oldest_first: &[Model], writes: &[Write]) -> Store {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store {
            _home: home,
            paths: vec![],
            tables: vec![],
            memtable: Arc::new(Memtable::new()),
        };
        for (model, index) in oldest_first.iter().zip(1..) {
            let path = store._home.path().join(format!("{index}-{index}.sst"));
            let file = OsStorage.create(&path).unwrap();
            let meta = Meta {
                lo: index,
                hi: index,
                generation: 1,
                level: 0,
                entries: 0,
            };
            let entry = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
                Ok(Entry {
                    key: key.clone(),
                    value: value.clone(),
                })
            };
            build(&file, meta, model.iter().map(entry)).unwrap();
            let table = Table::open(file, &path).unwrap();
            store.tables.insert(0, Arc::new(table));
            store.paths.push(path);
        }
        for (write, index) in writes.iter().zip(oldest_first.len() as u64 + 1..) {
            store.memtable.insert(index, write);
        }
        store
    }

    fn scan(&self, at: u64, span: Span) -> Scan<OsStorage> {
        Scan::new(vec![self.memtable.clone()], at, &self.tables, span)
    }
}

/// What a client should see.
fn visible(oldest_first: &[Model], writes: &[Write]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut model = Model::new();
    for table in oldest_first {
        model.extend(table.clone());
    }
    for write in writes {
        match write.clone() {
            Write::Put { key, value } => model.insert(key, Some(value)),
            Write::Delete { key } => model.insert(key, None),
        };
    }
    model
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn any_key() -> impl Strategy<Value = Vec<u8>> {
    vec(0..4u8, 0..4)
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    // So that a table often has several blocks, and a memtable is copied in parts.
    let length = prop_oneof![0..9usize, 900..1900usize, 40_000..50_000usize];
    (any::<u8>(), length).prop_map(|(byte, length)| vec![byte; length])
}

fn any_model() -> impl Strategy<Value = Model> {
    let value = prop_oneof![3 => any_value().prop_map(Some), 1 => Just(None)];
    btree_map(any_key(), value, 0..20)
}

fn any_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        3 => (any_key(), any_value()).prop_map(|(key, value)| Write::Put { key, value }),
        1 => any_key().prop_map(|key| Write::Delete { key }),
    ]
}

fn any_span() -> impl Strategy<Value = Span> {
    let bound = || {
        prop_oneof![
            Just(Unbounded),
            any_key().prop_map(Included),
            any_key().prop_map(Excluded)
        ]
    };
    (bound(), bound()).prop_map(|(lower, upper)| Span { lower, upper })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_ends_meet_without_repeating_or_skipping(
        tables in vec(any_model(), 0..4),
        writes in vec(any_write(), 0..20),
        unseen in vec(any_write(), 0..5),
        span in any_span(),
        from_the_front in vec(any::<bool>(), 100),
    ) {
        let all = [&writes[..], &unseen[..]].concat();
        let store = Store::new(&tables, &all);
        let at = (tables.len() + writes.len()) as u64;
        let mut scan = store.scan(at, span.clone());
        let bounds = (span.lower.clone(), span.upper.clone());
        let mut expected: std::collections::VecDeque<Pair> = visible(&tables, &writes)
            .into_iter()
            .filter(|(key, _)| std::ops::RangeBounds::contains(&bounds, key))
            .collect();
        for is_front in from_the_front {
            let (found, wanted) = if is_front {
                (scan.next(), expected.pop_front())
            } else {
                (scan.next_back(), expected.pop_back())
            };
            prop_assert_eq!(found.transpose().unwrap(), wanted);
        }
    }
}

fn put(key: &str, value: &str) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn keys(scan: impl Iterator<Item = Result<Pair, Error>>) -> Vec<String> {
    let key = |pair: Result<Pair, Error>| String::from_utf8(pair.unwrap().0).unwrap();
    scan.map(key).collect()
}

#[test]
fn a_scan_goes_on_over_what_it_began_with() {
    let store = Store::new(&[], &[put("a", "1"), put("c", "1")]);
    let mut scan = store.scan(2, Span::all());
    assert_eq!(scan.next().unwrap().unwrap().0, b"a");
    store.memtable.insert(3, &put("b", "2"));
    store
        .memtable
        .insert(4, &Write::Delete { key: b"c".into() });
    drop(store);
    assert_eq!(keys(scan), ["c"]);
}

#[test]
fn an_inverted_range_is_empty_at_both_ends() {
    let model = Model::from([(b"b".to_vec(), Some(vec![]))]);
    let store = Store::new(&[model], &[put("b", "1")]);
    for (lower, upper) in [
        (Included("c"), Included("a")),
        (Excluded("b"), Excluded("b")),
        (Included("b"), Excluded("b")),
    ] {
        let own = |bound: std::ops::Bound<&str>| bound.map(|key| key.as_bytes().to_vec());
        let span = Span {
            lower: own(lower),
            upper: own(upper),
        };
        assert!(store.scan(2, span.clone()).next().is_none());
        assert!(store.scan(2, span).next_back().is_none());
    }
}

#[test]
fn an_error_ends_the_scan_at_both_ends() {
    let model: Model = (0..9u8).map(|n| (vec![n], Some(vec![n; 4000]))).collect();
    let store = Store::new(&[model], &[]);
    let mut bytes = std::fs::read(&store.paths[0]).unwrap();
    let middle = 16 + 4 * 4032;
    bytes[middle + 100] ^= 1;
    std::fs::write(&store.paths[0], bytes).unwrap();
    let mut scan = store.scan(1, Span::all());
    let read: Vec<_> = scan.by_ref().take_while(Result::is_ok).collect();
    assert_eq!(read.len(), 4);
    assert!(scan.next_back().is_none() && scan.next().is_none());
    let error = store.scan(1, Span::all()).rev().find_map(Result::err);
    assert!(matches!(error, Some(Error::Damaged { at, .. }) if at == middle as u64));
}
