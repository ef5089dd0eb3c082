//! How far a check goes: the finite sizes of everything, and what was spent of them.

use crate::contract::{Key, Operation, Write};
use crate::disk::Failure;

/// The finite sizes of a check. Each has its reason in `specs/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Operations that the client invokes, of any kind but flushes and compactions.
    pub operations: u8,
    /// Keys; a key is offered only after the one before it was used, which loses nothing, since
    /// keys differ in name alone.
    pub keys: u8,
    /// At most that many operations that delete.
    pub deletes: u8,
    /// At most that many batches.
    pub batches: u8,
    /// At most that many explicit syncs.
    pub syncs: u8,
    /// At most that many clean closes, each followed by a reopening.
    pub closes: u8,
    /// At most that many flushes, beside the operations.
    pub flushes: u8,
    /// At most that many compactions, beside the operations.
    pub compactions: u8,
    /// Operations in progress at once, where the protocol lets them overlap: the client's threads.
    pub writers: u8,
    /// Crashes of either kind, at any step of any life or recovery.
    pub crashes: u8,
    /// Failed barriers.
    pub failures: u8,
    /// Whether a crash can be a power cut.
    pub power_cut: bool,
    /// Whether a crash can be a kill.
    pub kill: bool,
    /// The ways in which a barrier may fail.
    pub failure_kinds: Vec<Failure>,
    /// Start on an empty disk, and crash the first initialisation; else after the first recovery.
    pub start_empty: bool,
    /// Offer keys in order of first use.
    pub keys_in_order: bool,
    /// Every write is to a key that no operation named before, as an event is: nothing is overwritten.
    pub fresh_keys: bool,
    /// Count an operation that was refused, and stop between the asking and the answer. It did
    /// nothing, so the state after it is the one before it: nothing is lost by doing neither.
    pub count_refused: bool,
}

/// An operation of the alphabet, with what it spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The operation.
    pub operation: Operation,
    deletes: u8,
    batches: u8,
    syncs: u8,
    closes: u8,
    flushes: u8,
    compactions: u8,
    keys: Vec<Key>,
}

/// What a run has spent of its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spent {
    /// Operations invoked, but flushes and compactions.
    pub operations: u8,
    /// Operations that delete.
    pub deletes: u8,
    /// Batches.
    pub batches: u8,
    /// Explicit syncs.
    pub syncs: u8,
    /// Clean closes.
    pub closes: u8,
    /// Flushes.
    pub flushes: u8,
    /// Compactions.
    pub compactions: u8,
    /// Keys used.
    pub keys: u8,
    /// Crashes.
    pub crashes: u8,
    /// Failed barriers.
    pub failures: u8,
}

impl Bounds {
    /// Every operation that a client may invoke, simplest first.
    pub fn alphabet(&self) -> Vec<Letter> {
        let keys = || 0..self.keys;
        let put = |key| Write { key, delete: false };
        let delete = |key| Write { key, delete: true };
        let mut operations: Vec<Operation> = Vec::new();
        operations.extend(keys().map(|key| Operation::Write(vec![put(key)])));
        operations.extend(keys().map(|key| Operation::Write(vec![delete(key)])));
        for (a, b) in keys()
            .flat_map(|a| keys().map(move |b| (a, b)))
            .filter(|(a, b)| a != b)
        {
            if a < b {
                operations.push(Operation::Write(vec![put(a), put(b)]));
            }
            operations.push(Operation::Write(vec![put(a), delete(b)]));
        }
        operations.extend([
            Operation::Sync,
            Operation::Close,
            Operation::Flush,
            Operation::Compact,
        ]);
        operations
            .into_iter()
            .map(Letter::new)
            .filter(|l| self.allow(&Spent::default(), l) || !l.keys.is_empty())
            .collect()
    }

    /// Whether an operation can still be invoked.
    pub fn allow(&self, spent: &Spent, letter: &Letter) -> bool {
        let known = |keys: u8, key: &Key| if *key == keys { keys + 1 } else { keys };
        let used = letter.keys.iter().fold(spent.keys, known);
        spent.operations + letter.operations() <= self.operations
            && spent.deletes + letter.deletes <= self.deletes
            && spent.batches + letter.batches <= self.batches
            && spent.syncs + letter.syncs <= self.syncs
            && spent.closes + letter.closes <= self.closes
            && spent.flushes + letter.flushes <= self.flushes
            && spent.compactions + letter.compactions <= self.compactions
            && (!self.keys_in_order || letter.keys.iter().all(|&key| key < used))
            && (!self.fresh_keys || letter.keys.iter().all(|&key| key >= spent.keys))
    }

    /// Whether barriers may fail in this way.
    pub fn fails(&self, kind: Failure) -> bool {
        self.failure_kinds.contains(&kind)
    }
}

impl Letter {
    fn new(operation: Operation) -> Self {
        let writes: &[Write] = match &operation {
            Operation::Write(writes) => writes,
            _ => &[],
        };
        Self {
            deletes: u8::from(writes.iter().any(|write| write.delete)),
            batches: u8::from(writes.len() > 1),
            syncs: u8::from(operation == Operation::Sync),
            closes: u8::from(operation == Operation::Close),
            flushes: u8::from(operation == Operation::Flush),
            compactions: u8::from(operation == Operation::Compact),
            keys: writes.iter().map(|write| write.key).collect(),
            operation,
        }
    }

    /// What it counts as an operation: maintenance is counted apart.
    fn operations(&self) -> u8 {
        1 - self.flushes - self.compactions
    }
}

impl Spent {
    /// How much the client asked for, of any kind.
    pub fn asked(&self) -> u8 {
        self.operations + self.flushes + self.compactions
    }

    /// Counts an operation.
    pub fn operation(&mut self, letter: &Letter) {
        self.operations += letter.operations();
        self.deletes += letter.deletes;
        self.batches += letter.batches;
        self.syncs += letter.syncs;
        self.closes += letter.closes;
        self.flushes += letter.flushes;
        self.compactions += letter.compactions;
        let first_unused = |keys: u8, key: &Key| if *key == keys { keys + 1 } else { keys };
        self.keys = letter.keys.iter().fold(self.keys, first_unused);
    }
}
