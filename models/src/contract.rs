//! What a client may observe: the durability contract D1 to D10.   (trusted: audit this)
//!
//! An oracle watches one run of a protocol: what the client asked for, what it was told, and what
//! each recovery serves. It never looks at the disk. Its state is *ghost* state: nothing on disk and
//! no recovery depends on it.
//!
//! ```text
//!   settled    per key: what every later recovery must show, or something issued later
//!   live       operations since, in order: in progress, returned, failed
//!   told       identities that a client was told or could read, and of what
//! ```
//!
//! Several operations may be in progress. The serial order is that of their invocations, and each returns on its own; an
//! acknowledgement of one covers all that returned before it. An Ok that comes when something invoked later is settled
//! already settles its own operation: else there were a gap.
//!
//! An acknowledgement settles what it covers; a recovery settles what it serves, and what it does
//! not serve never comes back (D2, D7). A recovered state is legal if it is what is settled
//! plus a prefix of the live operations, in which each failed or unfinished one is in or out, whole.
//!
//! The oracle keeps no more than that: obligations which a later settled write of the same key
//! dominates are dropped at once. A judge that keeps all that ever happened and follows the definitions
//! agrees with it on random runs: `models/tests/contract.rs`.

mod oracle;

pub use oracle::{Judgement, Oracle, Terms};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A key of the client's; small numbers stand for keys.
pub type Key = u8;

/// The nth operation that the client invoked, from 1. A flush or a compaction has the number of the operation
/// before it: neither is ever in progress beside another operation.
pub type OpId = u16;

/// What an engine calls a record: for the log, the LSN. Engine-defined, compared for equality only.
pub type Identity = u64;

/// One change of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The key.
    pub key: Key,
    /// A delete; else a put, of a value that is unique to its operation.
    pub delete: bool,
}

/// What a client can ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// One write, or several as an atomic batch.
    Write(Vec<Write>),
    /// Make durable what was returned so far.
    Sync,
    /// Close cleanly; the next operation is served by a handle that was opened anew.
    Close,
    /// Move what is in memory and in the log to a table. Changes nothing that a client reads.
    Flush,
    /// Merge the tables. Changes nothing that a client reads.
    Compact,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |write: &Write| {
            let verb = if write.delete { "delete" } else { "put" };
            format!("{verb} {}", key_name(write.key))
        };
        match self {
            Operation::Write(writes) if writes.len() == 1 => write!(f, "{}", one(&writes[0])),
            Operation::Write(writes) => {
                write!(
                    f,
                    "batch({})",
                    writes.iter().map(one).collect::<Vec<_>>().join(", ")
                )
            }
            Operation::Sync => write!(f, "sync"),
            Operation::Close => write!(f, "close"),
            Operation::Flush => write!(f, "flush"),
            Operation::Compact => write!(f, "compact"),
        }
    }
}

/// Keys read `a`, `b`, `c` in output.
pub fn key_name(key: Key) -> String {
    if key < 26 {
        char::from(b'a' + key).to_string()
    } else {
        format!("k{key}")
    }
}

/// What a client reads under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Absent,
    /// The value that this operation put.
    Of(OpId),
    /// Something that no client wrote.
    Invented,
}

/// All that a client can read from a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// The value of each key; a key that is missing is absent.
    pub values: BTreeMap<Key, Value>,
    /// The identities that can be read, and the operation that each names.
    pub identities: Vec<(Identity, OpId)>,
}

impl View {
    /// What is under a key.
    pub fn value(&self, key: Key) -> Value {
        self.values.get(&key).copied().unwrap_or(Value::Absent)
    }

    /// Applies the writes of an operation.
    pub fn apply(&mut self, id: OpId, writes: &[Write]) {
        for write in writes {
            match write.delete {
                true => self.values.remove(&write.key),
                false => self.values.insert(write.key, Value::Of(id)),
            };
        }
    }
}

/// The promises, in the order in which a breach is named: the most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Promise {
    /// Nothing is invented.
    D5,
    /// Batches are atomic.
    D3,
    /// The deleted stays deleted.
    D4,
    /// Identities are not reused.
    D8,
    /// A failed barrier is final.
    D9,
    /// Bounded loss where loss is promised.
    D10,
    /// The second life is as safe as the first.
    D7,
    /// Acknowledged writes survive.
    D1,
    /// Recovery succeeds and converges.
    D6,
    /// No gaps.
    D2,
    /// An inner invariant of the protocol, by its number.
    Inner(u8),
}

impl Promise {
    /// D1 to D10, in their own order.
    pub const CONTRACT: [Promise; 10] = [
        Promise::D1,
        Promise::D2,
        Promise::D3,
        Promise::D4,
        Promise::D5,
        Promise::D6,
        Promise::D7,
        Promise::D8,
        Promise::D9,
        Promise::D10,
    ];

    /// What must be reachable for the promise not to be vacuous. An inner invariant names its own.
    pub fn witness(self) -> &'static str {
        match self {
            Promise::D1 => "an acknowledged write is served after a power cut",
            Promise::D2 => "a recovery serves some of the live operations and not others",
            Promise::D3 => "a recovery finds an unfinished batch and leaves it out",
            Promise::D4 => {
                "an acknowledged delete of a key that had a value holds after a power cut"
            }
            Promise::D5 => "a recovery meets something that is not a record, and serves",
            Promise::D6 => "a recovery that was interrupted by a power cut ends",
            Promise::D7 => {
                "what was served and never acknowledged is served after a later power cut"
            }
            Promise::D8 => "a client is told an identity in a second life",
            Promise::D9 => "a write is refused after a failed barrier",
            Promise::D10 => "a returned write is lost, and not more than allowed",
            Promise::Inner(_) => "the guarded step is taken",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Promise::Inner(number) => write!(f, "W{number}"),
            contract => write!(f, "{contract:?}"),
        }
    }
}

/// What happened at the boundary between client and engine, or to the machine below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The client invoked an operation.
    Invoked(OpId, Operation),
    /// That operation returned Ok. `durable`: everything that returned so far is promised durable.
    Returned {
        /// Which.
        op: OpId,
        /// Whether this acknowledges.
        durable: bool,
        /// The identity that the client was told.
        identity: Option<Identity>,
    },
    /// That operation returned an error; the data may be there or not.
    Failed(OpId),
    /// That operation returned an error and did nothing.
    Refused(OpId),
    /// A barrier failed, or a change did.
    BarrierFailed,
    /// The same beside the operations: those that are in progress hang on barriers of their own.
    FailedBeside,
    /// The power was cut; `after`: what recovery serves if nothing interrupts it, `None` if it
    /// cannot.
    PowerCut {
        /// The values that an uninterrupted recovery serves.
        after: Option<View>,
    },
    /// The process was killed.
    Kill,
    /// The handle was closed cleanly, and the store is opened anew.
    Reopened,
    /// A recovery ended, and this is what it serves. `odd`: it met something that is no record.
    Served {
        /// What a client can read.
        view: View,
        /// Whether it met something that is not a record.
        odd: bool,
    },
    /// A recovery ended with an error.
    OpenFailed,
    /// An inner invariant of the protocol was broken.
    Broken(u8),
    /// The step that an inner invariant guards was taken.
    Guarded(u8),
}
