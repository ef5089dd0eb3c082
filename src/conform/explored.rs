//! The engine of a script of a model, as `explore` knows it: the same code with the same settings, asked for the same.
//! So what a crash left can be opened on real files, and a test can be made of it.

use super::bitcask::BitcaskSubject;
use super::btree::{self, BtreeSubject};
use super::event_store::{self, EventsSubject};
use super::found_bitcask::{self, FoundBitcaskSubject};
use super::json_lines::{self, LinesSubject};
use super::lsm::LsmSubject;
use super::segments::SegmentsSubject;
use super::subject::Subject;
use super::wal::LogSubject;
use crate::engine::event_store::{NewEvent, Options};
use crate::engine::wal::Write;
use crate::explore::engines::{self, OnFiles};
use crate::explore::subject::OperationOf;
use crate::explore::{Event, LogWrite, MapWrite, Operation as Asked};
use models::contract::{OpId, Operation};
use std::fmt::Debug;

/// A subject that is explored, too.
pub(super) trait Explored: Subject {
    /// As what.
    type As: OnFiles + Debug + 'static;

    /// With the same settings.
    fn explored(&self) -> Self::As;

    /// Asked for the same.
    fn asked(&self, id: OpId, operation: &Operation) -> OperationOf<Self::As>;
}

/// What an engine calls its flush and its compaction.
fn maintain<W>(operation: &Operation, flush: &str, compact: &str) -> Asked<W> {
    match operation {
        Operation::Flush => Asked::maintain(flush),
        Operation::Compact => Asked::maintain(compact),
        Operation::Close => Asked::Reopen,
        Operation::Sync | Operation::Write(_) => Asked::Sync,
    }
}

fn of_a_map(writes: Vec<Write>) -> Asked<MapWrite> {
    let write = |write| match write {
        Write::Put { key, value } => MapWrite::Put(key, value),
        Write::Delete { key } => MapWrite::Delete(key),
    };
    Asked::Write(writes.into_iter().map(write).collect())
}

/// As `explore` has it, an entry has no key.
fn of_a_log(writes: Vec<Write>) -> Asked<LogWrite> {
    let write = |write| match write {
        Write::Put { value, .. } => LogWrite::Append(value),
        Write::Delete { key } => LogWrite::Append(key),
    };
    Asked::Write(writes.into_iter().map(write).collect())
}

fn of_streams(stream: String, events: impl IntoIterator<Item = NewEvent>) -> Asked<Event> {
    let event = |event: NewEvent| {
        let data = event.data();
        Event {
            stream: stream.clone(),
            data: serde_json::from_str(data).unwrap_or_else(|_| data.to_string()),
        }
    };
    Asked::Write(events.into_iter().map(event).collect())
}

impl Explored for LogSubject {
    type As = engines::LogSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::LogSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<LogWrite> {
        match operation {
            Operation::Write(_) => of_a_log(self.script.writes(id)),
            Operation::Close => Asked::Reopen,
            _ => Asked::Sync,
        }
    }
}

impl Explored for SegmentsSubject {
    type As = engines::SegmentsSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::SegmentsSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<LogWrite> {
        match operation {
            Operation::Write(_) => of_a_log(self.script.writes(id)),
            // As much as there is.
            Operation::Compact => Asked::Write(vec![LogWrite::Truncate(usize::from(u16::MAX))]),
            other => maintain(other, "rotate", "rotate"),
        }
    }
}

impl Explored for LsmSubject {
    type As = engines::LsmSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::LsmSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<MapWrite> {
        match operation {
            Operation::Write(_) => of_a_map(self.script.writes(id)),
            other => maintain(other, "flush", "compact"),
        }
    }
}

impl Explored for BitcaskSubject {
    type As = engines::BitcaskSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::BitcaskSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<MapWrite> {
        match operation {
            Operation::Write(_) => of_a_map(self.script.writes(id)),
            other => maintain(other, "rotate", "merge"),
        }
    }
}

impl Explored for FoundBitcaskSubject {
    type As = engines::FoundBitcaskSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::FoundBitcaskSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<MapWrite> {
        match operation {
            Operation::Write(_) => of_a_map(found_bitcask::writes(&self.script, id)),
            other => maintain(other, "rotate", "merge"),
        }
    }
}

impl Explored for BtreeSubject {
    type As = engines::BtreeSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::BtreeSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<MapWrite> {
        match operation {
            Operation::Write(_) => of_a_map(btree::writes(&self.script, id)),
            other => maintain(other, "checkpoint", "checkpoint"),
        }
    }
}

impl Explored for EventsSubject {
    type As = engines::EventStoreSubject;

    fn explored(&self) -> Self::As {
        let sync = super::wal::sync_mode(self.script.sync);
        engines::EventStoreSubject {
            options: Options {
                sync,
                preallocate: 0,
            },
        }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<Event> {
        match operation {
            Operation::Write(_) => of_streams(
                event_store::stream(&self.script, id),
                event_store::events(&self.script, id),
            ),
            Operation::Flush => Asked::maintain("save"),
            Operation::Close => Asked::Reopen,
            _ => Asked::Sync,
        }
    }
}

impl Explored for LinesSubject {
    type As = engines::JsonLinesSubject;

    fn explored(&self) -> Self::As {
        let options = self.options();
        engines::JsonLinesSubject { options }
    }

    fn asked(&self, id: OpId, operation: &Operation) -> Asked<Event> {
        match operation {
            Operation::Write(writes) => of_streams(
                event_store::stream(&self.script, id),
                writes.iter().zip(1..).filter_map(|(write, version)| {
                    json_lines::event(&self.script, self.settings, id, write.key, version).ok()
                }),
            ),
            Operation::Close => Asked::Reopen,
            _ => Asked::Sync,
        }
    }
}
