//! What the client of a model was promised, and what is there in the end, in words.

use super::counterexample::{value_in_words, values};
use crate::counterexample::Broken;
use models::contract::{Event, Key, OpId, Operation, Promise, Value, View, Write, key_name};
use std::collections::BTreeMap;

/// What the client was told so far.
#[derive(Debug, Default)]
pub(super) struct Promised {
    /// By key: what it is to read, and why.
    values: BTreeMap<Key, (Value, String)>,
    /// Operations that returned or are under way, not promised yet; and whether they returned.
    live: Vec<(OpId, Vec<Write>, bool)>,
    /// What is there: what a recovery serves, or would serve.
    shown: Option<View>,
    /// What happened last.
    last: Option<Event>,
    /// What was promised before the last recovery served something.
    before: BTreeMap<Key, (Value, String)>,
}

impl Promised {
    /// Takes note of what happened in a step.
    pub(super) fn note(&mut self, events: &[Event], step: usize) {
        for event in events {
            match event {
                Event::Invoked(id, Operation::Write(writes)) => {
                    self.live.push((*id, writes.clone(), false));
                }
                Event::Returned { op, durable, .. } => {
                    for (id, _, returned) in &mut self.live {
                        *returned |= id == op;
                    }
                    let live = std::mem::take(&mut self.live).into_iter();
                    let (promised, live) = live.partition(|(_, _, returned)| *durable && *returned);
                    self.live = live;
                    let promised: Vec<_> = promised;
                    for (id, writes, _) in promised {
                        let because = format!("acknowledged in step {step}");
                        for write in writes {
                            let value = match write.delete {
                                true => Value::Absent,
                                false => Value::Of(id),
                            };
                            self.values.insert(write.key, (value, because.clone()));
                        }
                    }
                }
                Event::Failed(op) | Event::Refused(op) => {
                    self.live.retain(|(id, _, returned)| id != op || *returned);
                }
                Event::PowerCut { after } => self.shown.clone_from(after),
                Event::Served { view, .. } => self.served(view, step),
                _ => {}
            }
            self.last = Some(event.clone());
        }
    }

    fn served(&mut self, view: &View, step: usize) {
        self.before.clone_from(&self.values);
        let keys = self.values.keys().chain(view.values.keys());
        let keys: Vec<Key> = keys.copied().collect();
        for key in keys {
            let value = view.value(key);
            if self
                .values
                .get(&key)
                .is_none_or(|(known, _)| *known != value)
            {
                self.values
                    .insert(key, (value, format!("read in step {step}")));
            }
        }
        self.live.clear();
        self.shown = Some(view.clone());
    }

    /// A promise, broken by what happened last.
    pub(super) fn broken(&self, promise: Promise) -> Broken {
        let served = matches!(self.last, Some(Event::Served { .. }));
        let promised = if served { &self.before } else { &self.values };
        let shown = self.shown.clone().unwrap_or_default();
        let missing = promised
            .iter()
            .filter(|(key, (value, _))| shown.value(**key) != *value);
        let missing: Vec<String> = missing
            .map(|(key, (value, why))| {
                format!("{} = {} ({why})", key_name(*key), value_in_words(*value))
            })
            .collect();
        let there = match &self.last {
            Some(Event::Served { view, .. }) => match view.values.is_empty() {
                true => "nothing can be read".into(),
                false => values(view),
            },
            Some(Event::OpenFailed) => "the store does not open".into(),
            Some(Event::PowerCut { after: Some(after) }) => {
                format!("this image recovers to other contents: {}", values(after))
            }
            Some(Event::PowerCut { after: None }) => {
                "this image recovers to nothing that serves".into()
            }
            _ => "the last step does not wait for that".into(),
        };
        let own = match promise {
            Promise::D2 => "a prefix of what was asked for, with nothing missing in between",
            Promise::D3 => "all of each batch, or nothing of it",
            Promise::D5 => "only what a client wrote",
            Promise::D6 => "a store that opens, with the contents of the uninterrupted recovery",
            Promise::D8 => "an identity that names one thing for ever",
            Promise::D9 => "nothing acknowledged on the strength of a barrier that failed",
            Promise::D10 => "at most the N most recent calls lost, newest first",
            Promise::D1 | Promise::D4 | Promise::D7 => "what was acknowledged or served",
            Promise::Inner(_) => "what the invariant says",
        };
        let says_values = matches!(
            promise,
            Promise::D1 | Promise::D4 | Promise::D7 | Promise::D10
        );
        let promised = match says_values && !missing.is_empty() {
            true => missing.join(", "),
            false => own.into(),
        };
        Broken {
            promised,
            there,
            ..Broken::of(&promise.to_string())
        }
    }
}
