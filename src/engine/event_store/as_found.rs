//! **Unsafe.** The event store as a study found it: a line of JSON for each event, and no barrier.
//!
//! ```text
//! persist    open | append `{"stream":"a","version":1,"type":"t","data":..}` and a newline in one write | close | Ok     [study]
//! open       read the lines; one that is no event is skipped, refused, or cut off with all behind it [assumed]
//! ```
//!
//! After a failed call the handle goes on `[assumed]`. [`JsonLines::faults`] tells what recovery met.

use super::codec::{self, Unreadable};
use super::error::{Error, OrFail};
use super::event::NewEvent;
use crate::storage::{File, Storage, claim, parent, read_all};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What recovery does with a line that is no event `[assumed]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TornLine {
    /// Skips it, and leaves it where it is.
    #[default]
    Skip,
    /// Refuses to open.
    Refuse,
    /// Reads up to there, and cuts off the rest.
    Cut,
}

/// The settings: what the study leaves open, and how such stores get mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// What recovery does with a line that is no event.
    pub torn: TornLine,
    /// Each event is synced before it is acknowledged, and the file at recovery.
    pub synced: bool,
    /// Recovery syncs the names.
    pub named: bool,
}

/// Something that recovery met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line is no event.
    #[error("line {line} cannot be read: {because}")]
    Unreadable {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        because: Unreadable,
    },
    /// The last line is an event, and its newline is missing: the next event goes on in it.
    #[error("line {line} has no newline")]
    NoNewline {
        /// Which line, from 1.
        line: usize,
    },
    /// A stream lacks events between two that are there.
    #[error("line {line} is version {found} of {stream}, where version {expected} is next")]
    VersionGap {
        /// Which line, from 1.
        line: usize,
        /// The stream.
        stream: String,
        /// The version that is next.
        expected: u64,
        /// The version that is there.
        found: u64,
    },
}

/// An event of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its stream.
    pub stream: String,
    /// Its version.
    pub version: u64,
    /// Its data, as JSON.
    pub data: String,
}

/// An open store as found.
#[derive(Debug)]
pub struct JsonLines<S: Storage> {
    storage: S,
    path: PathBuf,
    options: Options,
    lines: Vec<Line>,
    versions: HashMap<String, u64>,
    faults: Vec<Fault>,
    _lock: S::Lock,
}

impl<S: Storage> JsonLines<S> {
    /// Opens the store in `dir`, or makes an empty one. As-found promises nothing.
    pub fn open(storage: S, dir: &Path, options: Options) -> Result<JsonLines<S>, Error> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let path = dir.join("events.jsonl");
        let file = match storage.exists(&path).or_fail("open the events")? {
            true => storage.open(&path),
            false => storage.create(&path),
        };
        let file = file.or_fail("open the events")?;
        let mut store = JsonLines {
            storage,
            path,
            options,
            lines: Vec::new(),
            versions: HashMap::new(),
            faults: Vec::new(),
            _lock: lock,
        };
        let bytes = read_all(&file).or_fail("read the events")?;
        let end = store.recover(&bytes)?;
        if end < bytes.len() {
            file.set_len(end as u64).or_fail("cut off a torn line")?;
        }
        if options.synced {
            file.barrier().or_fail("sync the events")?;
        }
        if options.named {
            let synced = store.storage.directory_barrier(dir);
            synced.or_fail("sync the store")?;
            let synced = store.storage.directory_barrier(&parent(dir));
            synced.or_fail("sync the directory that the store is in")?;
        }
        Ok(store)
    }

    /// Appends an event to the end of a stream; its version. A power cut may always take it, unless it is synced.
    pub fn persist(&mut self, stream: &str, event: &NewEvent) -> Result<u64, Error> {
        let version = self.version(stream) + 1;
        let line = codec::encode(Some(stream), version, event);
        let mut line = line.map_err(|source| Error::NoJson {
            name: event.kind.clone(),
            source,
        })?;
        line.push(b'\n');
        let file = self.storage.open(&self.path).or_fail("open the events")?;
        file.append(&line).or_fail("write an event")?;
        if self.options.synced {
            file.barrier().or_fail("sync the events")?;
        }
        self.take(Line {
            stream: stream.into(),
            version,
            data: event.data.get().into(),
        });
        Ok(version)
    }

    /// The version of a stream: that of its last event, 0 where it has none.
    pub fn version(&self, stream: &str) -> u64 {
        self.versions.get(stream).copied().unwrap_or(0)
    }

    /// The events, in the order of their lines.
    pub fn events(&self) -> &[Line] {
        &self.lines
    }

    /// What recovery met.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn take(&mut self, line: Line) {
        self.versions.insert(line.stream.clone(), line.version);
        self.lines.push(line);
    }

    /// Reads the lines, and says where what it keeps of them ends.
    fn recover(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut end = 0;
        for (number, text) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let whole = text.strip_suffix(b"\n");
            let read = codec::decode(whole.unwrap_or(text)).and_then(|read| {
                let missing = || Unreadable::NotAnEvent {
                    because: "the field `stream` is missing".into(),
                };
                Ok(Line {
                    stream: read.stream.ok_or_else(missing)?,
                    version: read.version,
                    data: read.data.get().into(),
                })
            });
            let line = number;
            if whole.is_none() && read.is_ok() {
                self.faults.push(Fault::NoNewline { line });
            }
            match (self.options.torn, read) {
                (TornLine::Cut, read) if whole.is_none() || read.is_err() => {
                    if let Err(because) = read {
                        self.faults.push(Fault::Unreadable { line, because });
                    }
                    break;
                }
                (_, Ok(event)) => {
                    let expected = self.version(&event.stream) + 1;
                    if event.version != expected {
                        self.faults.push(Fault::VersionGap {
                            line,
                            stream: event.stream.clone(),
                            expected,
                            found: event.version,
                        });
                    }
                    self.take(event);
                }
                (TornLine::Refuse, Err(because)) => {
                    return Err(Error::Line {
                        path: self.path.clone(),
                        line,
                        because,
                    });
                }
                (_, Err(because)) => self.faults.push(Fault::Unreadable { line, because }),
            }
            end += text.len();
        }
        Ok(end)
    }
}
