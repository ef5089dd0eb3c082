//! **Unsafe.** The stand-alone log as a study found it: each append is flushed and synced, and no record says which life
//! wrote it.
//!
//! ```text
//! record     crc32 of what follows u32 | kind u32 | number u64 | key length u32 | value length u32 | key | value [assumed]
//! append     write | fsync [study]; in batch mode every n-th
//! batch      begin, a record for each write, commit [assumed] | fsync [study]
//! rotate     fsync [study] | create the next segment | directory barrier [assumed]
//! truncate   N.log.tmp: a record that says which number is next | fsync [study] | rename over the last segment |
//!            directory barrier | remove those before [assumed]
//! open       read up to the first record that is torn or has another number than the next; cut off the rest of the last
//!            segment | barrier | directory barriers [assumed]
//! ```
//!
//! The study says when a file is synced, and nothing else; [`Options`] has the rest, and its default gives the log the
//! benefit of the doubt. After a failed call the handle goes on `[assumed]`.
//!
//! LIMIT: all records are in memory.

mod records;

use super::super::error::{Error, OrFail};
use super::super::format::{MAGIC, Write, check_limits};
use super::SyncMode;
use super::names::{in_the_making, path};
use crate::storage::{File, Storage, claim, parent, read_all};
use records::{Entry, Reader, encode};
use std::path::{Path, PathBuf};

/// What recovery does with a torn tail `[assumed]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tail {
    /// Cuts it off.
    #[default]
    Cut,
    /// Appends behind it.
    Left,
    /// Leaves it, and goes on in a new segment; reading stops at the first record that is torn.
    NewSegment,
    /// The same; reading goes on with the next segment.
    NewSegmentPassed,
}

/// What the reader makes of begin and commit `[assumed]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Brackets {
    /// Recovery cuts off what is begun in the last segment and not committed.
    #[default]
    Cut,
    /// What is begun counts from its commit on; recovery leaves it where it is.
    Open,
    /// Nothing: each write counts.
    Ignored,
}

/// The settings: when it syncs, and what the study leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// When a single append is synced; a batch always is.
    pub sync: SyncMode,
    /// What recovery does with a torn tail.
    pub tail: Tail,
    /// What the reader makes of begin and commit.
    pub brackets: Brackets,
    /// Directories are not synced.
    pub names_cached: bool,
    /// Recovery does not sync what it found and repaired.
    pub recovery_cached: bool,
    /// A truncated log is empty; else a record in it says which number is next.
    pub numbers_forgotten: bool,
    /// A segment is full with so many records. `None`: rotates only when asked to.
    pub rotate_at: Option<u64>,
}

/// An open log as found, alone in its directory.
#[derive(Debug)]
pub struct AsFound<S: Storage> {
    storage: S,
    dir: PathBuf,
    options: Options,
    /// The numbers of the segments, oldest first.
    segments: Vec<u64>,
    /// The last of them, where it ends, and how many records it has.
    file: S::File,
    tail: u64,
    in_last: u64,
    /// The number of the next record.
    next: u64,
    /// Records since the last barrier.
    since: u32,
    /// Those that are not truncated.
    records: Vec<(u64, Write)>,
    _lock: S::Lock,
}

impl<S: Storage> AsFound<S> {
    /// Opens the log in `dir`, or makes an empty one. As-found promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<AsFound<S>, Error> {
        let lock = claim(&storage, dir).or_fail("open the log")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let names = storage.list(dir).or_fail("open the log")?;
        let number = |name: &String| name.strip_suffix(".log")?.parse().ok();
        let mut segments: Vec<u64> = names.iter().filter_map(number).collect();
        segments.sort_unstable();
        let made = segments.is_empty();
        if made {
            segments.push(1);
            let created = storage.create(&path(dir, 1));
            created.or_fail("make the first segment")?;
        }
        let mut found = Vec::new();
        for number in &segments {
            let path = path(dir, *number);
            let file = storage.open(&path).or_fail("open a segment")?;
            let bytes = read_all(&file).or_fail("read a segment")?;
            // Not in the study: as-found would take all of it for a torn tail.
            if bytes.starts_with(MAGIC) {
                return Err(Error::OtherDiscipline { path });
            }
            found.push((file, bytes));
        }
        let leftovers = names.iter().filter(|name| name.ends_with(".tmp"));
        for leftover in leftovers.filter(|_| !made) {
            let removed = storage.remove(&dir.join(leftover));
            removed.or_fail("remove what a crash left of a truncation")?;
        }
        let (mut reader, mut torn) = (Reader::new(&options), false);
        for (_, bytes) in &found {
            torn = reader.read(bytes);
        }
        let Some((file, bytes)) = found.pop() else {
            unreachable!("one was made");
        };
        let mut log = AsFound {
            storage,
            dir: dir.to_path_buf(),
            options,
            segments,
            file,
            tail: reader.tail as u64,
            in_last: reader.in_last,
            next: reader.next,
            since: 0,
            records: Vec::new(),
            _lock: lock,
        };
        if let (Brackets::Cut, Some((at, number, before))) = (options.brackets, reader.begun) {
            (log.tail, log.next, log.in_last) = (at as u64, number, before);
        }
        log.records = reader.records;
        if !made {
            log.settle(bytes.len() as u64, torn)?;
        } else if !options.names_cached {
            log.sync_all_names()?;
        }
        Ok(log)
    }

    /// What recovery repairs and syncs.
    fn settle(&mut self, length: u64, torn: bool) -> Result<(), Error> {
        let Options { tail, .. } = self.options;
        match tail {
            Tail::Cut if self.tail < length => {
                let cut = self.file.set_len(self.tail);
                cut.or_fail("cut off a torn tail")?;
            }
            Tail::Left => self.tail = length,
            _ => {}
        }
        if !self.options.recovery_cached {
            self.file.barrier().or_fail("sync the last segment")?;
            self.sync_all_names()?;
        }
        match tail {
            Tail::NewSegment | Tail::NewSegmentPassed if torn => self.begin_segment(),
            _ => Ok(()),
        }
    }

    /// Appends writes: one as a record, several between a begin and a commit. The number of the last record.
    pub fn append(&mut self, writes: &[Write]) -> Result<u64, Error> {
        check_limits(writes)?;
        let several = writes.len() > 1;
        let mut entries: Vec<Entry> = writes.iter().cloned().map(Entry::Write).collect();
        if several {
            entries.insert(0, Entry::Begin);
            entries.push(Entry::Commit);
        }
        let mut written = Vec::new();
        for entry in entries {
            if (self.options.rotate_at).is_some_and(|most| self.in_last >= most) {
                self.rotate()?;
            }
            let bytes = encode(self.next, &entry);
            let appended = self.file.write_at(self.tail, &bytes);
            appended.or_fail("write a record")?;
            if let Entry::Write(write) = entry {
                written.push((self.next, write));
            }
            self.tail += bytes.len() as u64;
            self.in_last += 1;
            self.next += 1;
            self.since += 1;
        }
        self.records.extend(written);
        let due = match self.options.sync {
            SyncMode::EveryWrite => true,
            SyncMode::EveryN(n) => self.since >= n.get(),
            SyncMode::Never => false,
        };
        if several || due {
            self.sync()?;
        }
        Ok(self.next - 1)
    }

    /// Syncs the last segment.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.file.barrier().or_fail("sync the last segment")?;
        self.since = 0;
        Ok(())
    }

    /// Syncs the last segment, and begins another one.
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.sync()?;
        self.begin_segment()
    }

    fn begin_segment(&mut self) -> Result<(), Error> {
        let next = self.last_segment() + 1;
        let file = self.storage.create(&path(&self.dir, next));
        let file = file.or_fail("make a segment")?;
        self.sync_names()?;
        self.segments.push(next);
        (self.file, self.tail, self.in_last) = (file, 0, 0);
        Ok(())
    }

    /// Gives up all records so far, which the client holds elsewhere.
    pub fn truncate(&mut self) -> Result<(), Error> {
        let last = self.last_segment();
        let (made, named) = (in_the_making(&self.dir, last), path(&self.dir, last));
        let file = self.storage.create(&made).or_fail("make a segment")?;
        let mut kept = Vec::new();
        if !self.options.numbers_forgotten {
            kept = encode(self.next, &Entry::Truncated);
            let written = file.write_at(0, &kept);
            written.or_fail("write which number is next")?;
        }
        file.barrier().or_fail("sync a segment")?;
        let renamed = self.storage.rename(&made, &named);
        renamed.or_fail("put a segment in the place of another")?;
        self.sync_names()?;
        for number in &self.segments[..self.segments.len() - 1] {
            let removed = self.storage.remove(&path(&self.dir, *number));
            removed.or_fail("remove a segment")?;
        }
        self.segments = vec![last];
        (self.file, self.tail) = (file, kept.len() as u64);
        self.in_last = u64::from(!kept.is_empty());
        self.next += self.in_last;
        self.since = 0;
        self.records.clear();
        Ok(())
    }

    /// Syncs, and lets go of the directory.
    pub fn close(mut self) -> Result<(), Error> {
        self.sync()
    }

    /// The records that are not truncated, each with its number.
    pub fn records(&self) -> &[(u64, Write)] {
        &self.records
    }

    /// The number of the last record of any kind; 0 where there was none.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    fn last_segment(&self) -> u64 {
        self.segments.last().copied().unwrap_or(1)
    }

    fn sync_names(&self) -> Result<(), Error> {
        if self.options.names_cached {
            return Ok(());
        }
        let synced = self.storage.directory_barrier(&self.dir);
        synced.or_fail("sync the directory of the log")
    }

    fn sync_all_names(&self) -> Result<(), Error> {
        self.sync_names()?;
        if self.options.names_cached {
            return Ok(());
        }
        let synced = self.storage.directory_barrier(&parent(&self.dir));
        synced.or_fail("sync the directory that the log is in")
    }
}
