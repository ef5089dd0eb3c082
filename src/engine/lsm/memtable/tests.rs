//! Versions of keys, seen as of an index, by readers that run beside the writer.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::thread;

fn put(key: &[u8], value: &[u8]) -> Write {
    Write::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn delete(key: &[u8]) -> Write {
    Write::Delete { key: key.into() }
}

fn any_write() -> impl Strategy<Value = Write> {
    let key = || vec(0..3u8, 0..3);
    prop_oneof![
        3 => (key(), vec(any::<u8>(), 0..4)).prop_map(|(key, value)| Write::Put { key, value }),
        1 => key().prop_map(|key| Write::Delete { key }),
    ]
}

proptest! {
    #[test]
    fn each_index_sees_what_the_records_up_to_it_left(records in vec(vec(any_write(), 1..4), 0..20)) {
        let memtable = Memtable::new();
        let mut model = BTreeMap::new();
        let mut models = vec![model.clone()];
        for (record, index) in records.iter().zip(1..) {
            for write in record {
                memtable.insert(index, write);
                match write.clone() {
                    Write::Put { key, value } => model.insert(key, Some(value)),
                    Write::Delete { key } => model.insert(key, None),
                };
            }
            models.push(model.clone());
        }
        for (at, model) in (0..).zip(&models) {
            for a in 0..4 {
                for key in [vec![], vec![a], vec![a, 1]] {
                    prop_assert_eq!(memtable.get(&key, at), model.get(&key).cloned());
                }
            }
        }
        let newest: Vec<_> = memtable.newest().map(|entry| (entry.key, entry.value)).collect();
        prop_assert_eq!(newest, model.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn it_grows_with_what_is_inserted() {
    let memtable = Memtable::new();
    assert_eq!(memtable.bytes(), 0);
    memtable.insert(1, &put(b"key", &[0; 1000]));
    assert!((1003..1300).contains(&memtable.bytes()));
    memtable.insert(2, &delete(b"key"));
    assert!(memtable.bytes() > 1003);
}

#[test]
fn a_reader_beside_the_writer_sees_each_index_whole_and_for_good() {
    const RECORDS: u64 = 20_000;
    let memtable = Memtable::new();
    let published = AtomicU64::new(0);
    let value = |index: u64| index.to_be_bytes();
    thread::scope(|scope| {
        scope.spawn(|| {
            for index in 1..=RECORDS {
                // A batch: both keys or none.
                memtable.insert(index, &put(b"a", &value(index)));
                memtable.insert(index, &put(b"b", &value(index)));
                published.store(index, Ordering::Release);
            }
        });
        loop {
            let at = published.load(Ordering::Acquire);
            let expected = (at > 0).then(|| Some(value(at).to_vec()));
            assert_eq!(memtable.get(b"a", at), expected);
            assert_eq!(memtable.get(b"b", at), expected);
            if at == RECORDS {
                break;
            }
        }
    });
}
