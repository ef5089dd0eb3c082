//! What an open does: which slot counts, what the log holds over the pages, and what is made durable before the tree
//! serves.
//!
//! The slot is written again: after a failed barrier and a kill it is read from a warm cache, and no later barrier would
//! cover it. Then the other one is made void: where the cache took back a slot whose barrier failed, the disk may show it
//! after a later power cut, when the log has gone on.

use super::error::{Error, OrFail};
use super::page::Node;
use super::slot::{self, SLOT_BYTES, Slot};
use super::store::Options;
use super::tree;
use super::{PAGE_BYTES_MAX, PAGE_BYTES_MIN};
use crate::engine::wal::file::{Habits, LogFile};
use crate::engine::wal::format::Owner;
use crate::engine::wal::log::{NAME as LOG, open_file};
use crate::engine::wal::{Lsn, Write, recovery};
use crate::storage::{File, Storage};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The data file's name, once its first pages are durable.
pub(super) const PAGES: &str = "pages";
/// Its name before that.
const PAGES_IN_THE_MAKING: &str = "pages.tmp";

/// A tree that may be read and written.
pub(super) struct Recovered<F> {
    pub(super) log: LogFile<F>,
    pub(super) file: F,
    /// Which slot counts.
    pub(super) slot: u64,
    /// The pages that the log holds, the newest of each.
    pub(super) dirty: BTreeMap<u64, Arc<Vec<u8>>>,
}

pub(super) fn recover<S: Storage>(
    storage: &S,
    dir: &Path,
    options: &Options,
) -> Result<Recovered<S::File>, Error> {
    let (path, made) = (dir.join(PAGES), dir.join(PAGES_IN_THE_MAKING));
    let log_path = dir.join(LOG);
    let exists = |path: &Path| storage.exists(path).or_fail("open the tree");
    let (has_pages, has_log) = (exists(&path)?, exists(&log_path)?);
    let remove_leftover = || match exists(&made)? {
        true => {
            let removed = storage.remove(&made);
            removed.or_fail("remove what a crash left of pages in the making")
        }
        false => Ok(()),
    };
    let (file, number, floor) = if has_pages {
        let file = storage.open(&path).or_fail("open the pages")?;
        let (slot, number) = slot_of(&file, &path, options.page_bytes)?;
        // Nothing is touched before all is known to be ours.
        match has_log {
            true => check_log(storage, &log_path, slot.floor)?,
            false if slot.floor.is_none() => {}
            false => {
                return Err(Error::LogMissing {
                    dir: dir.to_path_buf(),
                });
            }
        }
        remove_leftover()?;
        settle(&file, slot, number)?;
        (file, number, slot.floor)
    } else {
        if has_log && has_records(storage, &log_path)? {
            return Err(Error::PagesMissing {
                dir: dir.to_path_buf(),
            });
        }
        remove_leftover()?;
        (create(storage, &made, &path, options.page_bytes)?, 0, None)
    };
    let habits = Habits {
        sync: options.sync,
        preallocate: options.preallocate,
    };
    let log = open_file(storage, dir, Owner::Btree, habits, floor)?;
    let mut dirty = BTreeMap::new();
    for record in log.read_from(None) {
        for write in record?.writes {
            let (number, image) = page_of(&write).ok_or_else(|| Error::Damaged {
                path: log_path.clone(),
                page: 0,
                because: "a record of the log holds something else than pages",
            })?;
            dirty.insert(number, Arc::new(image.to_vec()));
        }
    }
    Ok(Recovered {
        log,
        file,
        slot: number,
        dirty,
    })
}

/// A page as a write of the log.
pub(super) fn write_of(number: u64, image: &[u8]) -> Write {
    Write::Put {
        key: number.to_le_bytes().to_vec(),
        value: image.to_vec(),
    }
}

fn page_of(write: &Write) -> Option<(u64, &[u8])> {
    match write {
        Write::Put { key, value } => Some((u64::from_le_bytes(key[..].try_into().ok()?), value)),
        Write::Delete { .. } => None,
    }
}

/// The slot that counts, and which it is.
fn slot_of<F: File>(file: &F, path: &Path, page_bytes: usize) -> Result<(Slot, u64), Error> {
    let read = |at: u64| -> Result<Option<[u8; SLOT_BYTES]>, Error> {
        let mut bytes = [0; SLOT_BYTES];
        let read = file.read_at(at, &mut bytes).or_fail("read the pages")?;
        Ok((read == SLOT_BYTES).then_some(bytes))
    };
    let first = read(0)?;
    let found = [first, read(page_bytes as u64)?];
    let slots = (0..).zip(found).filter_map(|(number, bytes)| {
        let slot = Slot::decode(&bytes?)?;
        Some((slot, number))
    });
    let newest = slots.max_by_key(|(slot, _)| slot.floor);
    if newest.is_none()
        && let Some(found) = other_size(file)?
    {
        // The first slot is void, and the second one stands behind a page of its size.
        return Err(Error::OtherPageSize {
            path: path.to_path_buf(),
            found,
            asked: page_bytes,
        });
    }
    match newest {
        Some((slot, _)) if slot.page_bytes != page_bytes => Err(Error::OtherPageSize {
            path: path.to_path_buf(),
            found: slot.page_bytes,
            asked: page_bytes,
        }),
        Some(found) => Ok(found),
        None if first.is_some_and(|bytes| slot::is_ours(&bytes)) => Err(Error::Damaged {
            path: path.to_path_buf(),
            page: 0,
            because: "neither slot is right, for pages of this size",
        }),
        None => Err(Error::Foreign {
            path: path.to_path_buf(),
        }),
    }
}

/// The size of pages that the second slot tells of, where it stands.
fn other_size<F: File>(file: &F) -> Result<Option<usize>, Error> {
    let mut bytes = vec![0; PAGE_BYTES_MAX + SLOT_BYTES];
    let read = file.read_at(0, &mut bytes).or_fail("read the pages")?;
    let says_so = |at: &usize| {
        let slot = bytes[..read].get(*at..).and_then(|rest| rest.first_chunk());
        let slot = slot.and_then(Slot::decode);
        slot.is_some_and(|slot| slot.page_bytes == *at)
    };
    let mut sizes = (PAGE_BYTES_MIN..=PAGE_BYTES_MAX).step_by(16);
    Ok(sizes.find(says_so))
}

/// Makes the slot durable, and then the other one void.
fn settle<F: File>(file: &F, slot: Slot, number: u64) -> Result<(), Error> {
    let at = |number: u64| number * slot.page_bytes as u64;
    let written = file.write_at(at(number), &slot.encode());
    written.or_fail("write the slot again")?;
    file.barrier().or_fail("sync the pages")?;
    // CRASH: not before the slot is durable, or neither might be.
    let void = file.write_at(at(1 - number), &[0; SLOT_BYTES]);
    void.or_fail("make the other slot void")?;
    file.barrier().or_fail("sync the pages")
}

fn create<S: Storage>(
    storage: &S,
    made: &Path,
    path: &Path,
    page_bytes: usize,
) -> Result<S::File, Error> {
    let file = storage.create(made).or_fail("make the pages")?;
    let slot = Slot {
        page_bytes,
        floor: None,
    };
    let written = file.write_at(0, &slot.encode());
    written.or_fail("write the first slot")?;
    for (number, node) in tree::empty() {
        let image = node.encode(number, page_bytes);
        let written = file.write_at(number * page_bytes as u64, &image);
        written.or_fail("write the first pages")?;
    }
    file.barrier().or_fail("sync the pages")?;
    let named = storage.rename(made, path);
    named.or_fail("give the pages their name")?;
    storage.open(path).or_fail("open the pages")
}

fn check_log<S: Storage>(storage: &S, path: &Path, floor: Option<Lsn>) -> Result<(), Error> {
    let file = storage.open(path).or_fail("open the log")?;
    recovery::scan(&file, path, Owner::Btree, floor)?;
    Ok(())
}

fn has_records<S: Storage>(storage: &S, path: &Path) -> Result<bool, Error> {
    let file = storage.open(path).or_fail("open the log")?;
    Ok(recovery::scan(&file, path, Owner::Btree, None)?.has_records())
}

/// The page of that number in the data file, as it was read.
pub(super) fn read_page<F: File>(
    file: &F,
    path: &Path,
    number: u64,
    page_bytes: usize,
) -> Result<Node, Error> {
    let mut bytes = vec![0; page_bytes];
    let at = number * page_bytes as u64;
    let read = file.read_at(at, &mut bytes).or_fail("read a page")?;
    Node::decode(number, &bytes[..read]).map_err(|because| Error::Damaged {
        path: path.to_path_buf(),
        page: number,
        because,
    })
}
