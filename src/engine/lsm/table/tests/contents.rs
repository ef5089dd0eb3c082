//! What is put into a table comes out of it, by key and in order, and from several tables at once.

use super::*;
use crate::engine::lsm::table::{Merge, build, merge_tables};
use crate::engine::wal::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

proptest! {
    #[test]
    fn a_table_holds_what_it_was_built_of(model in any_model(), others in vec(any_key(), 20)) {
        let table = table(&model);
        prop_assert_eq!(table.meta().entries, model.len() as u64);
        for key in model.keys().chain(&others) {
            prop_assert_eq!(table.get(key).unwrap(), model.get(key).cloned());
        }
    }

    #[test]
    fn a_table_is_read_up_and_down_within_any_span(model in any_model(), span in any_span()) {
        let table = table(&model);
        let mut expected = entries(&model);
        expected.retain(|entry| holds(&span, &entry.key));
        prop_assert_eq!(&read(&table, &span, Direction::Up).unwrap(), &expected);
        expected.reverse();
        prop_assert_eq!(read(&table, &span, Direction::Down).unwrap(), expected);
    }

    #[test]
    fn a_merge_holds_the_newest_of_each_key(models in vec(any_model(), 0..5), keep in any::<bool>()) {
        let tables: Vec<_> = models.iter().rev().map(table).collect();
        let mut expected = Model::new();
        for model in models {
            expected.extend(model);
        }
        expected.retain(|_, value| keep || value.is_some());
        let merged: Result<Vec<_>, _> = merge_tables(&tables, keep).collect();
        prop_assert_eq!(merged.unwrap(), entries(&expected));
    }

    #[test]
    fn what_is_built_in_a_file_is_what_is_encoded(model in any_model()) {
        let file = MemoryFile::default();
        let meta = build(&file, META, entries(&model).into_iter().map(Ok)).unwrap();
        prop_assert_eq!(file.bytes(), bytes_of(&model));
        prop_assert_eq!(meta, *try_open(&file).unwrap().meta());
        prop_assert_eq!(meta, Meta { entries: model.len() as u64, ..META });
    }
}

#[test]
fn an_empty_table_is_a_table() {
    let table = table(&Model::new());
    assert_eq!(table.get(b"").unwrap(), None);
    assert!(read_all(&table).unwrap().is_empty());
    assert_eq!(table.file_bytes(), 16 + 80);
}

#[test]
fn keys_and_values_may_be_as_large_as_their_limits_and_as_small_as_nothing() {
    let model = Model::from([
        (vec![], Some(vec![])),
        (vec![7; KEY_BYTES_MAX], Some(vec![1; VALUE_BYTES_MAX])),
        (vec![8; KEY_BYTES_MAX], None),
        (vec![9], Some(vec![2; VALUE_BYTES_MAX])),
    ]);
    let table = table(&model);
    for (key, value) in &model {
        assert_eq!(table.get(key).unwrap().as_ref(), Some(value));
    }
    let keys = read(&table, &Span::all(), Direction::Down).unwrap();
    assert!(keys.iter().map(|entry| &entry.key).eq(model.keys().rev()));
}

#[test]
fn a_chunk_is_at_most_64_kib_and_all_but_the_last_are_full() {
    let value = Some(vec![5; 100_000]);
    let entries = (0..9u8).map(|key| Entry {
        key: vec![key],
        value: value.clone(),
    });
    let file = MemoryFile::default();
    build(&file, META, entries.map(Ok)).unwrap();
    let writes = file.writes();
    let (last, full) = writes.split_last().unwrap();
    assert!(full.len() == 13 && full.iter().all(|(_, bytes)| *bytes == 64 << 10));
    assert!(last.1 <= 64 << 10);
}

#[test]
fn a_missing_key_mostly_costs_no_read_and_a_present_one_costs_one() {
    let key = |n: u32| n.to_be_bytes().to_vec();
    let model = (0..2000).map(|n| (key(2 * n), Some(vec![1; 50]))).collect();
    let file = MemoryFile::of(bytes_of(&model));
    let table = try_open(&file).unwrap();
    file.take_reads();
    for n in 0..2000 {
        assert!(table.get(&key(2 * n)).unwrap().is_some());
    }
    assert_eq!(file.take_reads(), 2000);
    for n in 0..2000 {
        assert_eq!(table.get(&key(2 * n + 1)).unwrap(), None);
    }
    let reads = file.take_reads();
    assert!(reads < 40, "{reads} of 2000, where 16 are expected");
}

#[test]
fn a_cursor_reads_a_block_only_when_it_gets_there() {
    let model: Model = (0..200u8).map(|n| (vec![n], Some(vec![n; 1000]))).collect();
    let file = MemoryFile::of(bytes_of(&model));
    let table = try_open(&file).unwrap();
    file.take_reads();
    let span = Arc::new(Span::of::<[u8]>(&(
        std::ops::Bound::Included(&[100][..]),
        std::ops::Bound::Unbounded,
    )));
    let mut cursor = Cursor::new(table, span, Direction::Up);
    assert_eq!(file.take_reads(), 0);
    assert_eq!(cursor.next().unwrap().unwrap().key, [100]);
    assert_eq!(file.take_reads(), 1);
}

#[test]
fn an_error_ends_a_merge_after_what_came_before_it() {
    let model: Model = (0..9u8).map(|n| (vec![n], Some(vec![n; 4000]))).collect();
    let file = MemoryFile::of(bytes_of(&model));
    let mut merged = merge_tables(&[table(&model), try_open(&file).unwrap()], true);
    assert_eq!(merged.next().unwrap().unwrap().key, [0]);
    file.fail();
    assert!(matches!(merged.next(), Some(Err(Error::Storage { .. }))));
    assert!(merged.next().is_none() && merged.next().is_none());
}

#[test]
fn a_merge_of_nothing_is_nothing() {
    assert!(
        Merge::<Cursor<MemoryFile>>::new(Direction::Up, vec![])
            .next()
            .is_none()
    );
}

#[test]
fn an_entry_that_cannot_be_read_or_written_ends_the_building() {
    let file = MemoryFile::default();
    let broken = || Error::EmptyBatch;
    let entries = [Ok(entry("a", None)), Err(broken())];
    let error = build(&file, META, entries.into_iter()).unwrap_err();
    assert!(matches!(error, Error::EmptyBatch));
    file.fail();
    let error = build(&file, META, [Ok(entry("a", None))].into_iter()).unwrap_err();
    assert!(matches!(error, Error::Storage { .. }));
}

#[test]
#[should_panic(expected = "in the order of their keys")]
fn entries_out_of_order_are_a_bug() {
    encode(META, [entry("b", None), entry("a", None)]);
}
