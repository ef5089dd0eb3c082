//! What stores of keys and values have in common.

use lightsout::engine::wal::{SyncMode, Write};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// All keys with their values.
pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// The mode that syncs every so many writes.
pub(crate) fn synced_every(every: u32) -> SyncMode {
    match NonZeroU32::new(every) {
        Some(n) if every > 1 => SyncMode::EveryN(n),
        _ => SyncMode::EveryWrite,
    }
}

/// Makes writes.
pub(crate) fn apply(writes: Vec<Write>, map: &mut Map) {
    for write in writes {
        match write {
            Write::Put { key, value } => map.insert(key, value),
            Write::Delete { key } => map.remove(&key),
        };
    }
}
