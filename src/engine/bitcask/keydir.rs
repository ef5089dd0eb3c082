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

impl Keydir {
    /// Takes in the writes of a record.
    pub(super) fn apply(&mut self, place: Place, writes: &[Write]) {
        for (nth, write) in writes.iter().enumerate() {
            match write {
                Write::Put { key, value } => self.insert(
                    key.clone(),
                    Entry {
                        at: At::Data(place, nth),
                        value_bytes: value.len() as u64,
                    },
                ),
                Write::Delete { key } => self.remove(key),
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
