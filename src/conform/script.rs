//! Scripts: what the client asks for, and what befalls the machine, in a form that can be saved.

use crate::engine;
use models::contract::{self, OpId, Operation};
use models::disk::Failure;
use models::disk::image::Fates;
use serde::{Deserialize, Serialize};
use std::fmt;

use super::CELL_BYTES;

/// A conformance script. It means the same in every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script {
    /// Which engine.
    #[serde(default)]
    pub engine: Engine,
    /// Which of the engine's protocols.
    pub discipline: Discipline,
    /// When an append is synced.
    pub sync: Sync,
    /// The name of the profile of the file system.
    pub profile: String,
    /// Bytes in a sector; a multiple of 16.
    pub sector_bytes: usize,
    /// Bytes in a block; a multiple of the sector.
    pub block_bytes: usize,
    /// Cells that a log takes at a time, with zeros written ahead; none if left out. For the log and the log in
    /// segments.
    #[serde(default, skip_serializing_if = "is_none")]
    pub preallocate: usize,
    /// Bytes of each key. Only the first key may be empty.
    pub keys: Vec<usize>,
    /// What happens.
    pub steps: Vec<Step>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde asks.
fn is_none(cells: &usize) -> bool {
    *cells == 0
}

/// Which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The log.
    #[default]
    Log,
    /// The log in segments.
    Segments(Segments),
    /// The LSM tree.
    Lsm(Tree),
    /// Bitcask.
    Bitcask(Files),
    /// Bitcask as found. Keys and values have 16 bytes.
    FoundBitcask(FoundFiles),
    /// The B-tree, with pages of 256 bytes. Keys have at most 7 bytes, values 8 to 40.
    Btree(Pages),
    /// The event store. A write is an event, whatever its key; a delete is one without bytes of its own.
    EventStore(Events),
    /// The event store as found: lines of JSON.
    JsonLines(Lines),
}

/// The settings of a Bitcask store as found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FoundFiles {
    /// Each record is synced.
    pub sync_writes: bool,
    /// Recovery appends behind a torn tail.
    pub tail_left: bool,
    /// The names are synced.
    pub named: bool,
}

/// The settings of a B-tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pages {
    /// Keys in a leaf of the model's own small tree, where the model has that; the script has no more keys.
    #[serde(default)]
    pub leaf: Option<usize>,
    /// Bytes of records in the log at which the next write makes a checkpoint; never if left out.
    #[serde(default)]
    pub checkpoint_at: Option<usize>,
}

/// The settings of a Bitcask store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Files {
    /// Bytes of records in a data file at which the next write begins another; never if left out.
    #[serde(default)]
    pub rotate_at: Option<usize>,
}

/// The settings of an event store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Events {
    /// Cells of every snapshot, where the model says so and the engine's are to be as many.
    #[serde(default)]
    pub snapshot: Option<usize>,
}

/// The settings of an event store as found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lines {
    /// Cells of every line.
    pub cells: usize,
    /// What recovery does with a line that is no event.
    pub torn: TornLine,
    /// Each event is synced.
    pub synced: bool,
    /// The names are synced.
    pub named: bool,
}

/// What recovery does with a line that is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TornLine {
    /// Skips it.
    Skip,
    /// Refuses to open.
    Refuse,
    /// Cuts it off, and what is behind it.
    Cut,
}

/// The settings of a log in segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Segments {
    /// Bytes of records in a segment at which the next append begins another; never if left out.
    #[serde(default)]
    pub rotate_at: Option<usize>,
}

/// The settings of an LSM tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tree {
    /// Bytes of records in the log at which the next write flushes first; never if left out.
    #[serde(default)]
    pub flush_at: Option<usize>,
    /// Tables of one level that are merged; at least 2.
    pub fanout: usize,
    /// Cells of every table, where the model says so and the engine's are to be as many.
    #[serde(default)]
    pub table: Option<usize>,
    /// As found: an append is synced.
    #[serde(default)]
    pub log_synced: bool,
    /// As found: a table and its name are synced.
    #[serde(default)]
    pub table_synced: bool,
    /// As found: the truncation of the log is synced.
    #[serde(default)]
    pub truncation_synced: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            flush_at: None,
            fanout: 4,
            table: None,
            log_synced: false,
            table_synced: false,
            truncation_synced: false,
        }
    }
}

/// Which of the engine's protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discipline {
    /// The one that keeps the contract.
    Durable,
    /// The one that was found. Every key and value has 12 bytes, whatever the script says; a
    /// delete is a put, and of a batch only the first write is done.
    AsFound {
        /// The flush takes two calls.
        split_flush: bool,
        /// Recovery leaves a torn tail.
        tail_left: bool,
    },
}

/// When an append is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// Every append.
    Every,
    /// Every n-th call; n is at least 1.
    EveryN(u32),
    /// At an explicit sync or close.
    Never,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The client appends one write, or several as a batch.
    Write(Vec<Write>),
    /// The client syncs.
    Sync,
    /// The client moves what is in memory to a table, or begins another segment; a log in one file syncs.
    Flush,
    /// The client merges the tables, or gives up all records so far; a log in one file syncs.
    Compact,
    /// The client closes the store, and opens it anew.
    Close,
    /// One thing is done of what goes on beside the operations, where there is any.
    Work,
    /// So many storage calls from here on, the process dies. What the client asks for after that is
    /// left out, until the kill or power cut that follows.
    DieAfter(usize),
    /// So many barriers from here on, one fails.
    FailBarrierAfter(usize, Failure),
    /// The process is killed, and the store opened anew.
    Kill,
    /// The power is cut, and the store opened anew.
    PowerCut {
        /// Which effects of the engine's disk are kept; what lies beyond the list starts it anew,
        /// and an empty list keeps none.
        keep: Vec<bool>,
        /// What lost space reads, likewise.
        fills: Vec<usize>,
    },
}

/// One write of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Write {
    /// Which key; taken modulo the number of keys.
    pub key: u8,
    /// Bytes of the value; `None`: a delete.
    pub value: Option<usize>,
}

impl Script {
    /// As JSON, to be saved and run again.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| error.to_string())
    }

    /// From JSON.
    pub fn from_json(json: &str) -> Result<Script, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// A script of these operations, each write of which takes a cell beside the record's head.
    pub(super) fn of(discipline: Discipline, sync: Sync, operations: &[Operation]) -> Script {
        let write = |w: &contract::Write| Write {
            key: w.key,
            value: (!w.delete).then_some(6),
        };
        let step = |operation: &Operation| match operation {
            Operation::Write(writes) => Step::Write(writes.iter().map(write).collect()),
            Operation::Sync => Step::Sync,
            Operation::Flush => Step::Flush,
            Operation::Compact => Step::Compact,
            Operation::Close => Step::Close,
        };
        Script {
            engine: Engine::default(),
            discipline,
            sync,
            profile: "posix".into(),
            sector_bytes: CELL_BYTES,
            block_bytes: 2 * CELL_BYTES,
            preallocate: 0,
            keys: vec![1; 3],
            steps: operations.iter().map(step).collect(),
        }
    }

    /// The number of an operation in the model: its place in the script, from 1.
    pub(super) fn id(step: usize) -> OpId {
        OpId::try_from(step + 1).unwrap_or(OpId::MAX)
    }

    /// What the client invokes in a step, as the model has it.
    pub(super) fn operation(&self, step: usize) -> Option<Operation> {
        Some(match &self.steps[step] {
            Step::Write(writes) if self.is_of_events() => {
                let fresh = (self.events_before(step)..).take(writes.len());
                let event = |key| contract::Write { key, delete: false };
                Operation::Write(fresh.map(event).collect())
            }
            Step::Write(writes) if matches!(self.engine, Engine::FoundBitcask(_)) => {
                let write = |write: &Write| contract::Write {
                    key: self.key(write),
                    delete: write.value.is_none(),
                };
                Operation::Write(writes.iter().map(write).collect())
            }
            Step::Write(writes) => Operation::Write(
                self.done(writes)
                    .iter()
                    .map(|write| contract::Write {
                        key: self.key(write),
                        delete: write.value.is_none() && !self.is_as_found(),
                    })
                    .collect(),
            ),
            Step::Sync => Operation::Sync,
            Step::Flush => Operation::Flush,
            Step::Compact => Operation::Compact,
            Step::Close => Operation::Close,
            _ => return None,
        })
    }

    /// The writes of an operation as the engine is asked for them.
    pub(super) fn writes(&self, id: OpId) -> Vec<engine::wal::Write> {
        let Some(Step::Write(writes)) = self.steps.get(usize::from(id) - 1) else {
            return Vec::new();
        };
        let mut payload = 0;
        let writes = self.done(writes).iter().zip(0..);
        writes
            .map(|(write, number)| {
                let key = self.key_bytes(self.key(write));
                match write.value.or(self.is_as_found().then_some(12)) {
                    Some(_) if self.is_as_found() => engine::wal::Write::Put {
                        key,
                        value: value_bytes(id, number, 12),
                    },
                    Some(mut bytes) => {
                        payload += 9 + key.len();
                        // A length of zero must not fill a cell, or the cell is one of zeros.
                        if bytes == 0 && (1..=4).contains(&(payload % CELL_BYTES)) {
                            bytes = 1;
                        }
                        payload += bytes;
                        let value = value_bytes(id, number, bytes);
                        engine::wal::Write::Put { key, value }
                    }
                    None => {
                        payload += 5 + key.len();
                        engine::wal::Write::Delete { key }
                    }
                }
            })
            .collect()
    }

    /// The bytes of a key.
    pub(super) fn key_bytes(&self, key: contract::Key) -> Vec<u8> {
        let bytes = match self.is_as_found() {
            true => 12,
            false => self.keys[usize::from(key)].max(usize::from(key > 0)),
        };
        vec![b'a' + key % 26; bytes]
    }

    /// Whether a write is an event: a key that no other write has.
    fn is_of_events(&self) -> bool {
        matches!(self.engine, Engine::EventStore(_) | Engine::JsonLines(_))
    }

    /// How many events the steps before this one append: the key of its first.
    pub(super) fn events_before(&self, step: usize) -> contract::Key {
        let before = self.steps[..step].iter();
        let events = before.map(|step| match step {
            Step::Write(writes) => writes.len(),
            _ => 0,
        });
        contract::Key::try_from(events.sum::<usize>()).unwrap_or(contract::Key::MAX)
    }

    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn is_as_found(&self) -> bool {
        self.discipline != Discipline::Durable
    }

    fn key(&self, write: &Write) -> contract::Key {
        write.key % self.keys.len() as u8
    }

    fn done<'w>(&self, writes: &'w [Write]) -> &'w [Write] {
        match self.is_as_found() {
            true => &writes[..writes.len().min(1)],
            false => writes,
        }
    }
}

/// A value that tells its operation, without a zero in it.
pub(super) fn value_bytes(id: OpId, number: usize, bytes: usize) -> Vec<u8> {
    let mut state =
        ((u64::from(id) << 32) | (number as u64 + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8 | 1
    };
    (0..bytes).map(|_| next()).collect()
}

impl Step {
    /// The fates that the step names, on a disk with so many effects.
    pub(super) fn fates(keep: &[bool], fills: &[usize], effects: usize, atoms: usize) -> Fates {
        let kept = |i: &usize| !keep.is_empty() && keep[i % keep.len()];
        Fates {
            kept: (0..effects).filter(kept).collect(),
            fills: fills.iter().copied().cycle().take(atoms).collect(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Write(writes) => {
                let one = |write: &Write| match write.value {
                    Some(bytes) => {
                        format!("put {} of {bytes} bytes", contract::key_name(write.key))
                    }
                    None => format!("delete {}", contract::key_name(write.key)),
                };
                write!(
                    f,
                    "{}",
                    writes.iter().map(one).collect::<Vec<_>>().join(", ")
                )
            }
            Step::Sync => write!(f, "sync"),
            Step::Flush => write!(f, "flush"),
            Step::Compact => write!(f, "compact"),
            Step::Close => write!(f, "close"),
            Step::Work => write!(f, "work beside"),
            Step::DieAfter(calls) => write!(f, "the process dies after {calls} calls"),
            Step::FailBarrierAfter(barriers, failure) => {
                write!(f, "a barrier fails after {barriers} more: {failure:?}")
            }
            Step::Kill => write!(f, "kill"),
            Step::PowerCut { .. } => write!(f, "power cut"),
        }
    }
}
