//! Where the value of each key is.

use crate::engine::wal::Write;
use crate::engine::wal::read::Place;
use std::collections::HashMap;

/// Where an entry of a merged file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its first byte.
    pub(super) at: u64,
    pub(super) entry_bytes: u64,
    pub(super) value_bytes: u64,
}

impl Placed {
    /// The bytes of an entry with a key and a value of so many.
    pub(super) fn entry_bytes(key: usize, value: usize) -> u64 {
        12 + (key + value) as u64
    }
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// In a data file: the record, and which of its writes.
    Data(Place, usize),
    /// In the merged file.
    Merged(Placed),
}

impl At {
    /// Whether it is in a merged file, or in a record up to there.
    pub(super) fn is_up_to(&self, index: u64) -> bool {
        match self {
            At::Data(place, _) => place.index <= index,
            At::Merged(_) => true,
        }
    }
}

/// A key's value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) at: At,
    pub(super) value_bytes: u64,
}

/// Where the value of each key is that has one.
#[derive(Debug, Default)]
pub(super) struct Keydir {
    pub(super) entries: HashMap<Vec<u8>, Entry>,
    /// Bytes of the keys and values that can be read.
    pub(super) live_bytes: u64,
}

/// A key, and where its value is from now on, if it has one.
pub(super) type Change = (Vec<u8>, Option<Entry>);

/// What a record changes.
pub(super) fn changes(place: Place, writes: &[Write]) -> impl Iterator<Item = Change> {
    let change = move |(nth, write): (usize, &Write)| match write {
        Write::Put { key, value } => {
            let value_bytes = value.len() as u64;
            let at = At::Data(place, nth);
            (key.clone(), Some(Entry { at, value_bytes }))
        }
        Write::Delete { key } => (key.clone(), None),
    };
    writes.iter().enumerate().map(change)
}

impl Keydir {
    /// Takes in what a record changes.
    pub(super) fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        for (key, entry) in changes {
            match entry {
                Some(entry) => self.insert(key, entry),
                None => self.remove(&key),
            }
        }
    }

    pub(super) fn insert(&mut self, key: Vec<u8>, entry: Entry) {
        let key_bytes = key.len() as u64;
        self.live_bytes += key_bytes + entry.value_bytes;
        if let Some(old) = self.entries.insert(key, entry) {
            self.live_bytes -= key_bytes + old.value_bytes;
        }
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(old) = self.entries.remove(key) {
            self.live_bytes -= key.len() as u64 + old.value_bytes;
        }
    }
}
