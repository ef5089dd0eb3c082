//! The memtable: what the live records of the log wrote, in the order of their keys.

use super::table::{Direction, Entry, Span};
use crate::engine::wal::Write;
use crossbeam_skiplist::{SkipMap, map};
use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

/// A version of a key: the index of the record that wrote it. Of one key the newest comes first.
type Version = (Vec<u8>, Reverse<u64>);
/// What a version says; `None` is a tombstone.
type Value = Option<Vec<u8>>;

/// What a version costs beside its bytes: two vectors, an index, a node of the list. A guess.
const VERSION_BYTES: u64 = 112;

/// Every version of every key since the last flush. One thread inserts; any number read the while,
/// each as of an index: whoever holds an index sees the records up to it, for as long as wanted.
///
/// A batch is one index. Its versions are not there all at once, so an index is for readers only
/// when all of its record is inserted.
#[derive(Debug, Default)]
pub(crate) struct Memtable {
    versions: SkipMap<Version, Value>,
    bytes: AtomicU64,
}

impl Memtable {
    pub(crate) fn new() -> Memtable {
        Memtable::default()
    }

    /// What a record did to one key. Of several writes of one record to one key the last one counts.
    pub(crate) fn insert(&self, index: u64, write: &Write) {
        let (key, value) = match write {
            Write::Put { key, value } => (key, Some(value)),
            Write::Delete { key } => (key, None),
        };
        let bytes = key.len() + value.map_or(0, Vec::len);
        self.bytes
            .fetch_add(bytes as u64 + VERSION_BYTES, Ordering::Relaxed);
        let version = (key.clone(), Reverse(index));
        self.versions.insert(version, value.cloned());
    }

    /// What the records up to `at` left of the key: nothing, a tombstone, or a value.
    pub(crate) fn get(&self, key: &[u8], at: u64) -> Option<Option<Vec<u8>>> {
        let newest: Version = (key.to_vec(), Reverse(at));
        let found = self.versions.lower_bound(Bound::Included(&newest))?;
        (found.key().0 == key).then(|| found.value().clone())
    }

    /// The newest version of each key, sorted: what a flush writes.
    pub(crate) fn newest(&self) -> impl Iterator<Item = Entry> {
        let mut last: Option<Vec<u8>> = None;
        self.versions.iter().filter_map(move |version| {
            let (key, _) = version.key();
            if last.as_ref() == Some(key) {
                return None;
            }
            last = Some(key.clone());
            Some(Entry {
                key: key.clone(),
                value: version.value().clone(),
            })
        })
    }

    /// About how much memory it takes. A version that another of the same record replaced counts.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The first entries within the span in this direction, as of `at`; about as many as `bytes`
    /// allow, and at least one where there is one.
    pub(super) fn some(
        &self,
        at: u64,
        span: &Span,
        direction: Direction,
        bytes: usize,
    ) -> Vec<Entry> {
        if span.is_empty() {
            return Vec::new();
        }
        // Of one key the newest version comes first, and is the least.
        let least = |key: &Vec<u8>| (key.clone(), Reverse(u64::MAX));
        let greatest = |key: &Vec<u8>| (key.clone(), Reverse(0));
        let lower = match &span.lower {
            Bound::Included(key) => Bound::Included(least(key)),
            Bound::Excluded(key) => Bound::Excluded(greatest(key)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let upper = match &span.upper {
            Bound::Included(key) => Bound::Included(greatest(key)),
            Bound::Excluded(key) => Bound::Excluded(least(key)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let range = self.versions.range::<Version, _>((lower, upper));
        let visible = |version: &map::Entry<'_, Version, Value>| version.key().1.0 <= at;
        match direction {
            Direction::Up => gather(range.filter(visible), bytes, First::IsNewest),
            Direction::Down => gather(range.rev().filter(visible), bytes, First::IsOldest),
        }
    }
}

/// Which version of a key comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    IsNewest,
    IsOldest,
}

fn gather<'m>(
    versions: impl Iterator<Item = map::Entry<'m, Version, Value>>,
    bytes_max: usize,
    first: First,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut bytes = 0;
    for version in versions {
        let (key, _) = version.key();
        match entries.last_mut() {
            Some(entry) if entry.key == *key => {
                if first == First::IsOldest {
                    entry.value.clone_from(version.value());
                }
            }
            _ if bytes >= bytes_max => break,
            _ => {
                let value = version.value();
                bytes += key.len() + value.as_ref().map_or(0, Vec::len) + VERSION_BYTES as usize;
                entries.push(Entry {
                    key: key.clone(),
                    value: value.clone(),
                });
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests;
