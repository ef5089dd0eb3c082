//! Tables on files in memory, which count what is read and written.

mod contents;
mod damage;
mod filter;
mod format;

use super::{Cursor, Direction, Entry, Meta, Span, Table, encode};
use crate::engine::lsm::Error;
use crate::storage::File;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Clones are the same file.
#[derive(Clone, Debug, Default)]
struct MemoryFile(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    reads: usize,
    /// Where each write began, and how long it was.
    writes: Vec<(u64, usize)>,
    fails: bool,
}

impl MemoryFile {
    fn of(bytes: Vec<u8>) -> MemoryFile {
        let file = MemoryFile::default();
        file.0.lock().unwrap().bytes = bytes;
        file
    }
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }
    fn flip(&self, bit: usize) {
        self.0.lock().unwrap().bytes[bit / 8] ^= 1 << (bit % 8);
    }
    fn take_reads(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().reads)
    }
    fn writes(&self) -> Vec<(u64, usize)> {
        self.0.lock().unwrap().writes.clone()
    }
    fn fail(&self) {
        self.0.lock().unwrap().fails = true;
    }
    fn barred(&self) -> io::Result<()> {
        match self.0.lock().unwrap().fails {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.barred()?;
        let mut state = self.0.lock().unwrap();
        state.reads += 1;
        let rest = state.bytes.get(at as usize..).unwrap_or_default();
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        Ok(bytes)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.barred()?;
        let mut state = self.0.lock().unwrap();
        assert_eq!(at, state.bytes.len() as u64, "in order, without a gap");
        state.bytes.extend_from_slice(bytes);
        state.writes.push((at, bytes.len()));
        Ok(())
    }
    fn append(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn barrier(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn data_barrier(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

const META: Meta = Meta {
    lo: 3,
    hi: 9,
    generation: 2,
    level: 1,
    entries: 0,
};

/// What a table holds, in a form that is plainly right.
type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn entry(key: &str, value: Option<&str>) -> Entry {
    Entry {
        key: key.into(),
        value: value.map(Into::into),
    }
}

fn entries(model: &Model) -> Vec<Entry> {
    let entry = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| Entry {
        key: key.clone(),
        value: value.clone(),
    };
    model.iter().map(entry).collect()
}

fn bytes_of(model: &Model) -> Vec<u8> {
    encode(META, entries(model))
}

fn try_open(file: &MemoryFile) -> Result<Arc<Table<MemoryFile>>, Error> {
    Table::open(file.clone(), Path::new("3-9.sst")).map(Arc::new)
}

fn open(bytes: Vec<u8>) -> Arc<Table<MemoryFile>> {
    try_open(&MemoryFile::of(bytes)).unwrap()
}

fn table(model: &Model) -> Arc<Table<MemoryFile>> {
    open(bytes_of(model))
}

fn read(
    table: &Arc<Table<MemoryFile>>,
    span: &Span,
    direction: Direction,
) -> Result<Vec<Entry>, Error> {
    Cursor::new(table.clone(), Arc::new(span.clone()), direction).collect()
}

fn read_all(table: &Arc<Table<MemoryFile>>) -> Result<Vec<Entry>, Error> {
    read(table, &Span::all(), Direction::Up)
}

/// Keys that often meet, and now and then long ones.
fn any_key() -> impl Strategy<Value = Vec<u8>> {
    let short = vec(prop_oneof![Just(0), Just(1), Just(255u8)], 0..5);
    let long = (any::<u8>(), 300..5000usize).prop_map(|(byte, length)| vec![byte; length]);
    prop_oneof![30 => short, 1 => long]
}

/// Values of all sizes, some larger than a block, and tombstones.
fn any_value() -> impl Strategy<Value = Option<Vec<u8>>> {
    let length = prop_oneof![6 => 0..20usize, 3 => 400..1500usize, 1 => 4000..9000usize];
    let value = (any::<u8>(), length).prop_map(|(byte, length)| vec![byte; length]);
    prop_oneof![5 => value.prop_map(Some), 1 => Just(None)]
}

fn any_model() -> impl Strategy<Value = Model> {
    btree_map(any_key(), any_value(), 0..60)
}

/// Every kind of bound, some on keys that are there; some spans end before they begin.
fn any_span() -> impl Strategy<Value = Span> {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let bound = || {
        prop_oneof![
            Just(Unbounded),
            any_key().prop_map(Included),
            any_key().prop_map(Excluded)
        ]
    };
    (bound(), bound()).prop_map(|(lower, upper)| Span { lower, upper })
}

fn holds(span: &Span, key: &[u8]) -> bool {
    use std::ops::RangeBounds;
    let bounds = (span.lower.as_ref(), span.upper.as_ref());
    RangeBounds::<Vec<u8>>::contains(&bounds, &key.to_vec())
}
