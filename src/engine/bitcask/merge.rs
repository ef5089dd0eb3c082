//! A merge: the closed data files become one file of what they still say.

use super::error::{Error, OrFail};
use super::hint;
use super::keydir::{At, Placed, changes};
use super::merged::{Builder, Merged, Meta};
use super::recovery::{hint_path, in_the_making, merged_path};
use super::source::Source;
use super::store::Bitcask;
use crate::engine::wal::Entry as LogEntry;
use crate::storage::{File, Storage};
use crate::sync::{Race, planted};
use std::collections::BTreeMap;

/// Where each value is that the closed files still have, by key; and the generation of the last record.
type Live = (BTreeMap<Vec<u8>, At>, u32);

impl<S: Storage> Bitcask<S> {
    pub(super) fn merge_closed(&self, hi: u64) -> Result<(), Error> {
        let (before, had_hint) = self.look(|index| (index.merged_up_to(), index.hinted));
        // A crash came between the two: what is left to do is to give up the closed files.
        if before == hi {
            return Ok(self.log.truncate(hi)?);
        }
        let (merged, keys) = self.write_merged(hi)?;
        // LIMIT: writers and readers wait for a moment that grows with the keys.
        let replaced = self.look(|index| index.replace(merged, keys));
        self.log.truncate(hi)?;
        if replaced.is_some() {
            let removed = self.storage.remove(&merged_path(&self.dir, before));
            removed.or_fail("remove the merged file of before")?;
            if had_hint {
                let removed = self.storage.remove(&hint_path(&self.dir, before));
                removed.or_fail("remove the hint of before")?;
            }
        }
        Ok(())
    }

    /// What the merged file before and the closed data files still say. The active file has no say: what it overwrites
    /// may be the acknowledged value, and what it says cached only.
    fn live(&self, hi: u64) -> Result<Live, Error> {
        let (mut live, mut generation, mut from) = (BTreeMap::new(), 0, 0);
        if let Some(merged) = self.look(|index| index.merged.clone()) {
            let meta = merged.footer.meta;
            (generation, from) = (meta.generation, meta.hi);
            let keys = merged.scan()?.into_iter();
            live.extend(keys.map(|(key, placed)| (key, At::Merged(placed))));
        }
        for read in self.log.read_from(None) {
            let (place, record) = read?;
            if place.index > hi {
                break;
            }
            if place.index <= from {
                continue;
            }
            generation = record.lsn.generation;
            if let LogEntry::Writes(writes) = record.entry {
                for (key, entry) in changes(place, &writes) {
                    match entry {
                        Some(entry) => drop(live.insert(key, entry.at)),
                        None => drop(live.remove(&key)),
                    }
                }
            }
        }
        Ok((live, generation))
    }

    /// Makes the merged file and its hint, durable, their names too.
    #[allow(clippy::type_complexity)] // A file, and where its keys are.
    fn write_merged(&self, hi: u64) -> Result<(Merged<S::File>, Vec<(Vec<u8>, Placed)>), Error> {
        let (live, generation) = self.live(hi)?;
        let (made, path) = (in_the_making(&self.dir, hi), merged_path(&self.dir, hi));
        let file = self.storage.create(&made).or_fail("make a merged file")?;
        let meta = Meta { hi, generation };
        let mut builder = Builder::new(meta, |at, piece: &[u8]| {
            file.write_at(at, piece).or_fail("write a merged file")
        });
        let mut keys = Vec::with_capacity(live.len());
        for (key, at) in live {
            let source = self.log.look(|segments| Source::of(segments, at));
            let value = source.value(&key, &self.dir)?;
            let placed = Placed {
                at: builder.add(&key, &value)?,
                entry_bytes: Placed::entry_bytes(key.len(), value.len()),
                value_bytes: value.len() as u64,
            };
            keys.push((key, placed));
        }
        let footer = builder.finish()?;
        file.barrier().or_fail("sync a merged file")?;
        let hinted = hint_path(&self.dir, hi);
        let hint = self.storage.create(&hinted).or_fail("make a hint")?;
        let bytes = hint::of(
            &footer,
            keys.iter().map(|(key, placed)| (&key[..], *placed)),
        );
        for (number, piece) in bytes.chunks(super::merged::CHUNK_BYTES).enumerate() {
            let at = (number * super::merged::CHUNK_BYTES) as u64;
            hint.write_at(at, piece).or_fail("write a hint")?;
        }
        hint.barrier().or_fail("sync a hint")?;
        // CRASH: before this the closed files count, after it the merged one.
        let named = self.storage.rename(&made, &path);
        named.or_fail("give a merged file its name")?;
        if !planted(Race::SwappedTooEarly) {
            let synced = self.storage.directory_barrier(&self.dir);
            synced.or_fail("sync the store")?;
        }
        let file = self.storage.open(&path).or_fail("open a merged file")?;
        Ok((Merged::open(file, &path, hi)?, keys))
    }
}
