//! The oracle: what a run owes its client, and whether an event breaks a promise.

use super::{Event, Identity, Key, OpId, Operation, Promise, Value, View, Write};
use std::collections::BTreeMap;

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

impl Settled {
    fn op(&self) -> OpId {
        match *self {
            Settled::Put { op, .. } | Settled::Deleted { op, .. } => op,
        }
    }
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
    /// The operations in progress that are no writes.
    syncing: Vec<OpId>,
    /// A barrier failed in this life.
    failed: bool,
    /// Operations that were in progress when it did, beside them: they may still return.
    spared: Vec<OpId>,
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
            Event::Invoked(id, _) => self.syncing.push(*id),
            Event::Returned {
                op,
                durable,
                identity,
            } => {
                let is_told = self.failed && !self.spared.contains(op);
                breaches.extend(is_told.then_some(Promise::D9));
                if let Some(identity) = identity {
                    self.tell(*identity, *op, &mut breaches, &mut witnesses);
                }
                self.end(*op, Outcome::Returned);
                self.settle(*durable);
            }
            Event::Failed(op) => self.end(*op, Outcome::Failed),
            Event::Refused(op) => {
                if !self.syncs(*op) {
                    self.live.retain(|live| live.id != *op);
                }
                witnesses.extend(self.failed.then_some(Promise::D9));
            }
            Event::BarrierFailed => {
                self.failed = true;
                self.excused = true;
            }
            Event::FailedBeside => {
                self.failed = true;
                self.excused = true;
                let live = self.live.iter();
                let waiting = live.filter(|live| live.outcome == Outcome::InProgress);
                self.spared = waiting.map(|live| live.id).collect();
                self.spared.extend(&self.syncing);
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

    /// How many operations the client has asked for and has no answer to.
    pub fn in_progress(&self) -> usize {
        let writes = self.live.iter();
        let waits = |live: &&Live| live.outcome == Outcome::InProgress;
        writes.filter(waits).count() + self.syncing.len()
    }

    /// Whether that operation is in progress and no write; from now on it is neither.
    fn syncs(&mut self, op: OpId) -> bool {
        let found = self.syncing.iter().position(|&syncing| syncing == op);
        found.map(|at| self.syncing.remove(at)).is_some()
    }

    fn end(&mut self, op: OpId, outcome: Outcome) {
        if !self.syncs(op)
            && let Some(live) = self.live.iter_mut().find(|live| live.id == op)
        {
            live.outcome = outcome;
        }
    }

    fn tell(
        &mut self,
        identity: Identity,
        op: OpId,
        breaches: &mut Vec<Promise>,
        witnesses: &mut Vec<Promise>,
    ) {
        if *self.told.entry(identity).or_insert(op) != op {
            breaches.push(Promise::D8);
        }
        witnesses.extend((self.lives == Lives::Second).then_some(Promise::D8));
    }

    /// Settles what returned, in order: all of it where that is promised, else what was invoked before something that
    /// is settled already. What failed or is in progress stays open, but for what was written over since.
    fn settle(&mut self, durable: bool) {
        let newest = self.settled.values().map(Settled::op).max().unwrap_or(0);
        for live in std::mem::take(&mut self.live) {
            if live.outcome == Outcome::Returned && (durable || live.id < newest) {
                let over = |old: &Write| live.writes.iter().any(|new| new.key == old.key);
                for open in &mut self.live {
                    open.writes.retain(|old| !over(old));
                }
                settle(&mut self.settled, &live, true);
            } else {
                self.live.push(live);
            }
        }
        let waits = |live: &Live| live.outcome == Outcome::InProgress;
        self.live
            .retain(|open| waits(open) || !open.writes.is_empty());
    }

    /// The handle is gone; what was in progress stays unfinished.
    fn crash(&mut self) {
        self.failed = false;
        self.spared.clear();
        self.syncing.clear();
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
            None => breaches.extend(self.broken(view)),
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
                let skipped = [&skipped[..], std::slice::from_ref(op)].concat();
                open.push((settled.clone(), skipped, next + 1));
            }
            let mut with = settled;
            settle(&mut with, op, false);
            open.push((with, skipped, next + 1));
        }
        explained
    }

    /// What an illegal recovered state breaks, all of it: which of it is judged, is not known here. D2 is said
    /// where nothing else is. Sound only where there is no explanation.
    fn broken(&self, view: &View) -> Vec<Promise> {
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
            return vec![Promise::D3];
        }
        let writes = |live: &Live, key: Key| live.writes.iter().any(|write| write.key == key);
        let is_live = |op: OpId, key| self.live.iter().any(|l| l.id == op && writes(l, key));
        let mut names: Vec<Promise> = Vec::new();
        for (&key, settled) in &self.settled {
            let shown = view.value(key);
            let is_newer = match shown {
                Value::Of(op) => is_live(op, key),
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
        match names.is_empty() {
            true => vec![Promise::D2],
            false => names,
        }
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
