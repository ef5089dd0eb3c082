//! The stand-alone log, in one file and in segments.

use super::super::contract::{Log, LogWrite, Operation, Told};
use super::super::subject::{Failure, Subject};
use super::{durable, told, unknown};
use crate::engine::wal::segments::{self, SegmentedLog};
use crate::engine::wal::{self, Entry, Write};
use crate::storage::Storage;
use crate::storage::simulated::Simulated;
use std::path::Path;

/// The log in one file.
#[derive(Clone, Debug)]
pub struct LogSubject {
    /// Its settings.
    pub options: wal::Options,
}

impl Default for LogSubject {
    fn default() -> Self {
        Self {
            options: wal::Options {
                preallocate: 0,
                ..wal::Options::default()
            },
        }
    }
}

impl LogSubject {
    /// The log in one file, which takes so many bytes at a time. Each sector of them has fates of its own.
    pub fn with_zeros_ahead(bytes: u64) -> Self {
        let options = wal::Options {
            preallocate: bytes,
            ..wal::Options::default()
        };
        Self { options }
    }
}

/// The log in segments.
#[derive(Clone, Debug)]
pub struct SegmentsSubject {
    /// Its settings.
    pub options: segments::Options,
}

impl Default for SegmentsSubject {
    fn default() -> Self {
        Self {
            options: segments::Options {
                segment_bytes: 900,
                preallocate: 0,
                ..segments::Options::default()
            },
        }
    }
}

fn entries(writes: &[LogWrite]) -> Result<Vec<Write>, Failure> {
    let entry = |write: &LogWrite| match write {
        LogWrite::Append(entry) => Ok(Write::Put {
            key: Vec::new(),
            value: entry.clone(),
        }),
        LogWrite::Truncate(_) => Err("it knows nothing of truncation in a batch".into()),
    };
    writes.iter().map(entry).collect()
}

fn values(writes: Vec<Write>) -> impl Iterator<Item = Vec<u8>> {
    writes.into_iter().map(|write| match write {
        Write::Put { value, .. } => value,
        Write::Delete { key } => key,
    })
}

impl Subject for LogSubject {
    type Contract = Log;
    type Store = wal::Log<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(wal::Log::open(
            storage.clone(),
            Path::new("log"),
            self.options,
        )?)
    }

    fn apply(
        &self,
        log: &mut Self::Store,
        operation: &Operation<LogWrite>,
    ) -> Result<Told, Failure> {
        match operation {
            Operation::Write(writes) => {
                log.append_batch(&entries(writes)?)?;
                Ok(told(self.options.sync))
            }
            Operation::Sync => durable(log.sync()),
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, log: &mut Self::Store) -> Result<Vec<Vec<u8>>, Failure> {
        self.read(log)
    }

    fn close(&self, log: Self::Store) -> Result<Told, Failure> {
        durable(log.close())
    }
}

impl Subject for SegmentsSubject {
    type Contract = Log;
    type Store = SegmentedLog<Simulated>;

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok(SegmentedLog::open(
            storage.clone(),
            Path::new("log"),
            self.options,
        )?)
    }

    fn apply(
        &self,
        log: &mut Self::Store,
        operation: &Operation<LogWrite>,
    ) -> Result<Told, Failure> {
        match operation {
            Operation::Write(writes) => match &writes[..] {
                [LogWrite::Truncate(count)] => {
                    // A record goes as a whole.
                    let (mut last, mut left) = (0, *count);
                    for record in log.records().collect::<Result<Vec<_>, _>>()? {
                        let Entry::Writes(writes) = &record.entry else {
                            continue;
                        };
                        match left.checked_sub(writes.len()) {
                            Some(fewer) => (left, last) = (fewer, record.lsn.index),
                            None => break,
                        }
                    }
                    durable(log.truncate(last))
                }
                writes => {
                    log.append_batch(&entries(writes)?)?;
                    Ok(told(self.options.sync))
                }
            },
            Operation::Sync => durable(log.sync()),
            Operation::Maintain(name) if name == "rotate" => durable(log.rotate()),
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, log: &mut Self::Store) -> Result<Vec<Vec<u8>>, Failure> {
        self.read(log)
    }

    fn close(&self, log: Self::Store) -> Result<Told, Failure> {
        durable(log.close())
    }
}

impl LogSubject {
    pub(super) fn read<T: Storage>(&self, log: &wal::Log<T>) -> Result<Vec<Vec<u8>>, Failure> {
        let mut found = Vec::new();
        for record in log.records() {
            found.extend(values(record?.writes));
        }
        Ok(found)
    }

    /// Twenty operations.
    pub fn workload() -> Vec<Operation<LogWrite>> {
        let mut operations = appends(1..=9);
        operations.push(batch(10..=12));
        operations.push(Operation::Reopen);
        operations.extend(appends(13..=19));
        operations.push(batch(20..=21));
        operations.push(Operation::Sync);
        operations
    }
}

impl SegmentsSubject {
    pub(super) fn read<T: Storage>(&self, log: &SegmentedLog<T>) -> Result<Vec<Vec<u8>>, Failure> {
        let mut found = Vec::new();
        for record in log.records() {
            if let Entry::Writes(writes) = record?.entry {
                found.extend(values(writes));
            }
        }
        Ok(found)
    }

    /// Twenty operations.
    pub fn workload() -> Vec<Operation<LogWrite>> {
        let mut operations = appends(1..=7);
        operations.push(batch(8..=10));
        operations.push(Operation::Write(vec![LogWrite::Truncate(4)]));
        operations.extend(appends(11..=12));
        operations.push(Operation::maintain("rotate"));
        operations.extend(appends(13..=14));
        operations.push(Operation::Reopen);
        operations.extend(appends(15..=17));
        operations.push(Operation::Write(vec![LogWrite::Truncate(10)]));
        operations.push(batch(18..=19));
        operations
    }
}

/// One append for each number; one in five takes more than a sector.
fn appends(numbers: std::ops::RangeInclusive<u8>) -> Vec<Operation<LogWrite>> {
    numbers
        .map(|number| Operation::Write(vec![append(number)]))
        .collect()
}

fn batch(numbers: std::ops::RangeInclusive<u8>) -> Operation<LogWrite> {
    Operation::Write(numbers.map(append).collect())
}

fn append(number: u8) -> LogWrite {
    let mut entry = format!("{number}.").into_bytes();
    entry.resize(
        if number.is_multiple_of(5) { 600 } else { 60 },
        b'a' + number % 26,
    );
    LogWrite::Append(entry)
}
