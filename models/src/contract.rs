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
//! An acknowledgement settles what it covers; a recovery settles what it serves, and what it does
//! not serve never comes back (D2, D7). A recovered state is legal if it is what is settled
//! plus a prefix of the live operations, in which each failed or unfinished one is in or out, whole.
//!
//! The oracle keeps no more than that: obligations which a later settled write of the same key
//! dominates are dropped at once. A judge that keeps all that ever happened and follows the definitions
//! agrees with it on random runs: `models/tests/contract.rs`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A key of the client's; small numbers stand for keys.
pub type Key = u8;

/// The nth operation that the client invoked, from 1.
pub type OpId = u16;

/// What an engine calls a record: for the log, the LSN. Engine-defined, compared for equality only.
pub type Identity = u64;

/// One change of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Write {
    /// The key.
    pub key: Key,
    /// A delete; else a put, of a value that is unique to its operation.
    pub delete: bool,
}

/// What a client can ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// One write, or several as an atomic batch.
    Write(Vec<Write>),
    /// Make durable what was returned so far.
    Sync,
    /// Close cleanly; the next operation is served by a handle that was opened anew.
    Close,
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
    /// It returned Ok. `durable`: everything that returned so far is promised durable.
    Returned {
        /// Whether this acknowledges.
        durable: bool,
        /// The identity that the client was told.
        identity: Option<Identity>,
    },
    /// It returned an error; the data may be there or not.
    Failed,
    /// It returned an error and did nothing.
    Refused,
    /// A barrier failed, or a change did.
    BarrierFailed,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Settled {
    Put {
        op: OpId,
        acknowledged: bool,
    },
    Deleted {
        op: OpId,
        acknowledged: bool,
        had_value: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    InProgress,
    Returned,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Live {
    id: OpId,
    writes: Vec<Write>,
    outcome: Outcome,
}

/// The state of the contract along one run. All of it is ghost state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Oracle {
    settled: BTreeMap<Key, Settled>,
    live: Vec<Live>,
    told: BTreeMap<Identity, OpId>,
    /// The operation in progress is a sync or a close.
    syncing: bool,
    /// A barrier failed in this life.
    failed: bool,
    /// A barrier failed since the last power cut: open may refuse.
    excused: bool,
    /// A power cut interrupted or preceded the recovery that runs: what it must serve.
    expected: Option<BTreeMap<Key, Value>>,
    interrupted: bool,
    lives: Lives,
}

/// Which life runs, as far as a witness asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Lives {
    #[default]
    First,
    Second,
}

/// What an event meant: a breach, and the witnesses that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The most specific promise that was broken, among those that are judged.
    pub breach: Option<Promise>,
    /// The promises whose witness this is.
    pub witnesses: Vec<Promise>,
}

/// What is judged, and what the engine promises about loss.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The promises that are judged; others may be broken without notice.
    pub judged: Vec<Promise>,
    /// In every-N mode: N. At most that many returned client calls may be lost.
    pub every: Option<u32>,
    /// Crashes are kills only: surviving one is all that a witness can ask for.
    pub kills_only: bool,
}

impl Oracle {
    /// Takes note of an event, and judges it.
    pub fn observe(&mut self, event: &Event, terms: &Terms) -> Judgement {
        let mut breaches = Vec::new();
        let mut witnesses = Vec::new();
        match event {
            Event::Invoked(id, Operation::Write(writes)) => self.live.push(Live {
                id: *id,
                writes: writes.clone(),
                outcome: Outcome::InProgress,
            }),
            Event::Invoked(..) => self.syncing = true,
            Event::Returned { durable, identity } => {
                self.returned(*durable, *identity, &mut breaches, &mut witnesses);
            }
            Event::Failed => self.end(Outcome::Failed),
            Event::Refused => {
                if !std::mem::take(&mut self.syncing) {
                    self.live.pop();
                }
                witnesses.extend(self.failed.then_some(Promise::D9));
            }
            Event::BarrierFailed => {
                self.failed = true;
                self.excused = true;
            }
            Event::PowerCut { after } => {
                self.excused = false;
                self.crash();
                let after = after.as_ref().map(|view| view.values.clone());
                match &self.expected {
                    Some(expected) => {
                        self.interrupted = true;
                        breaches.extend((after.as_ref() != Some(expected)).then_some(Promise::D6));
                    }
                    None => self.expected = after,
                }
            }
            Event::Kill | Event::Reopened => self.crash(),
            Event::Served { view, odd } => {
                self.served(view, *odd, terms, &mut breaches, &mut witnesses)
            }
            Event::OpenFailed => breaches.extend((!self.excused).then_some(Promise::D6)),
            Event::Broken(number) => breaches.push(Promise::Inner(*number)),
            Event::Guarded(number) => witnesses.push(Promise::Inner(*number)),
        }
        let breach = breaches
            .into_iter()
            .filter(|promise| terms.judged.contains(promise))
            .min();
        Judgement { breach, witnesses }
    }

    fn end(&mut self, outcome: Outcome) {
        if !std::mem::take(&mut self.syncing)
            && let Some(last) = self.live.last_mut()
        {
            last.outcome = outcome;
        }
    }

    fn returned(
        &mut self,
        durable: bool,
        identity: Option<Identity>,
        breaches: &mut Vec<Promise>,
        witnesses: &mut Vec<Promise>,
    ) {
        breaches.extend(self.failed.then_some(Promise::D9));
        if let (Some(identity), Some(last)) = (identity, self.live.last()) {
            let id = last.id;
            if *self.told.entry(identity).or_insert(id) != id {
                breaches.push(Promise::D8);
            }
            witnesses.extend((self.lives == Lives::Second).then_some(Promise::D8));
        }
        self.end(Outcome::Returned);
        if durable {
            // What failed stays open; what returned is settled, in order.
            for live in std::mem::take(&mut self.live) {
                match live.outcome {
                    Outcome::Returned => settle(&mut self.settled, &live, true),
                    Outcome::Failed | Outcome::InProgress => self.live.push(live),
                }
            }
        }
    }

    /// The handle is gone; what was in progress stays unfinished.
    fn crash(&mut self) {
        self.failed = false;
        self.syncing = false;
        self.lives = Lives::Second;
    }

    fn served(
        &mut self,
        view: &View,
        odd: bool,
        terms: &Terms,
        breaches: &mut Vec<Promise>,
        witnesses: &mut Vec<Promise>,
    ) {
        let crashed = self.expected.is_some() || (terms.kills_only && self.lives == Lives::Second);
        let invented = view.values.values().any(|value| *value == Value::Invented);
        breaches.extend(invented.then_some(Promise::D5));
        for &(identity, op) in &view.identities {
            if *self.told.entry(identity).or_insert(op) != op {
                breaches.push(Promise::D8);
            }
        }
        if self
            .expected
            .take()
            .is_some_and(|expected| expected != view.values)
        {
            breaches.push(Promise::D6);
        }
        let served = self.explain(view, &self.live);
        match &served {
            None => breaches.push(self.name(view)),
            Some(explained) => {
                let lost = explained
                    .lost
                    .iter()
                    .filter(|l| l.outcome == Outcome::Returned)
                    .count();
                if let Some(every) = terms.every {
                    breaches.extend((lost > every as usize).then_some(Promise::D10));
                    witnesses.extend((lost > 0).then_some(Promise::D10));
                }
                let batch_lost = explained
                    .lost
                    .iter()
                    .any(|l| l.writes.len() > 1 && l.outcome == Outcome::InProgress);
                witnesses.extend((batch_lost && odd).then_some(Promise::D3));
                let split = !explained.lost.is_empty() && explained.lost.len() < self.live.len();
                witnesses.extend(split.then_some(Promise::D2));
            }
        }
        if crashed {
            self.survivors(view, witnesses);
        }
        witnesses.extend(odd.then_some(Promise::D5));
        witnesses.extend(std::mem::take(&mut self.interrupted).then_some(Promise::D6));
        self.settled = match served {
            Some(explained) => explained.settled,
            // Illegal, and not judged: believe what is served.
            None => believe(view),
        };
        self.live.clear();
    }

    fn survivors(&self, view: &View, witnesses: &mut Vec<Promise>) {
        for (&key, settled) in &self.settled {
            match *settled {
                Settled::Put { op, acknowledged } if view.value(key) == Value::Of(op) => {
                    witnesses.push(if acknowledged {
                        Promise::D1
                    } else {
                        Promise::D7
                    });
                }
                Settled::Deleted {
                    acknowledged: true,
                    had_value: true,
                    ..
                } if view.value(key) == Value::Absent => {
                    witnesses.push(Promise::D4);
                }
                _ => {}
            }
        }
    }

    /// The shortest legal prefix of `live` that explains what is served.
    fn explain(&self, view: &View, live: &[Live]) -> Option<Explained> {
        let mut open = vec![(self.settled.clone(), Vec::new(), 0)];
        let mut explained: Option<Explained> = None;
        while let Some((settled, skipped, next)) = open.pop() {
            if shows(&settled, view) {
                let mut lost: Vec<Live> = skipped.clone();
                lost.extend(live[next..].iter().cloned());
                if explained
                    .as_ref()
                    .is_none_or(|best| lost.len() < best.lost.len())
                {
                    explained = Some(Explained {
                        settled: settled.clone(),
                        lost,
                    });
                }
            }
            let Some(op) = live.get(next) else { continue };
            if op.outcome != Outcome::Returned {
                let skipped = [&skipped[..], &[op.clone()]].concat();
                open.push((settled.clone(), skipped, next + 1));
            }
            let mut with = settled;
            settle(&mut with, op, false);
            open.push((with, skipped, next + 1));
        }
        explained
    }

    /// The name of an illegal recovered state. Sound only where there is no explanation.
    fn name(&self, view: &View) -> Promise {
        let split: Vec<Live> = self
            .live
            .iter()
            .flat_map(|live| {
                live.writes.iter().map(|write| Live {
                    writes: vec![*write],
                    outcome: if live.writes.len() > 1 {
                        Outcome::Failed
                    } else {
                        live.outcome
                    },
                    id: live.id,
                })
            })
            .collect();
        if self.explain(view, &split).is_some() {
            return Promise::D3;
        }
        let is_live = |op: OpId| self.live.iter().any(|live| live.id == op);
        let mut names: Vec<Promise> = Vec::new();
        for (&key, settled) in &self.settled {
            let shown = view.value(key);
            let is_newer = match shown {
                Value::Of(op) => is_live(op),
                Value::Absent => self
                    .live
                    .iter()
                    .any(|l| l.writes.iter().any(|w| w.key == key && w.delete)),
                Value::Invented => false,
            };
            if is_newer {
                continue;
            }
            match *settled {
                // A later operation that is not live was found absent before: it reappears (D2).
                Settled::Put { op, .. } if matches!(shown, Value::Of(later) if later >= op) => {}
                Settled::Put { acknowledged, .. } => {
                    names.push(if acknowledged {
                        Promise::D1
                    } else {
                        Promise::D7
                    });
                }
                Settled::Deleted {
                    op, acknowledged, ..
                } => match shown {
                    Value::Of(older) if older < op => {
                        names.push(if acknowledged {
                            Promise::D4
                        } else {
                            Promise::D7
                        });
                    }
                    _ => {}
                },
            }
        }
        names.into_iter().min().unwrap_or(Promise::D2)
    }
}

/// Why a recovered state is legal.
struct Explained {
    settled: BTreeMap<Key, Settled>,
    lost: Vec<Live>,
}

fn settle(settled: &mut BTreeMap<Key, Settled>, live: &Live, acknowledged: bool) {
    for write in &live.writes {
        let had_value = match settled.get(&write.key) {
            Some(Settled::Put { .. }) => true,
            Some(Settled::Deleted { had_value, .. }) => *had_value,
            None => false,
        };
        let op = live.id;
        let new = match write.delete {
            true => Settled::Deleted {
                op,
                acknowledged,
                had_value,
            },
            false => Settled::Put { op, acknowledged },
        };
        settled.insert(write.key, new);
    }
}

fn shows(settled: &BTreeMap<Key, Settled>, view: &View) -> bool {
    let puts = settled.iter().filter_map(|(&key, settled)| match settled {
        Settled::Put { op, .. } => Some((key, Value::Of(*op))),
        Settled::Deleted { .. } => None,
    });
    puts.eq(view.values.iter().map(|(&key, &value)| (key, value)))
}

fn believe(view: &View) -> BTreeMap<Key, Settled> {
    let put = |(&key, &value): (&Key, &Value)| match value {
        Value::Of(op) => Some((
            key,
            Settled::Put {
                op,
                acknowledged: false,
            },
        )),
        Value::Absent | Value::Invented => None,
    };
    view.values.iter().filter_map(put).collect()
}
