//! What a client may ask for and read: the meaning of operations, without any disk.
//!
//! Three are ready: [`Map`], [`Log`] and [`Streams`]. Another one is a few lines: what a client can read,
//! what a write does to it, and how to say it in words.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::hash::Hash;

/// What the state of a store means to its client.
pub trait Contract {
    /// One change. Several in one operation are atomic.
    type Write: Clone + Eq + Debug + Send + Sync + Serialize + for<'de> Deserialize<'de>;
    /// All that a client can read; by default what an empty store shows.
    type State: Clone + Eq + Hash + Default + Debug + Send + Sync;

    /// Applies a change.
    fn write(state: &mut Self::State, write: &Self::Write);

    /// What can be read, fact by fact: where, and what is there. Two states with the same facts are one.
    /// Breaches are named by comparing facts, so each is to stand on its own.
    fn facts(state: &Self::State) -> BTreeMap<String, String>;

    /// A change in words.
    fn say(write: &Self::Write) -> String;

    /// A change that no workload makes, another one for each number: for the work after a recovery.
    fn fresh(number: usize) -> Self::Write;
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation<W> {
    /// Changes, atomic if there are several.
    Write(Vec<W>),
    /// Make durable what was returned so far.
    Sync,
    /// Close cleanly and open again.
    Reopen,
    /// Something of the engine's own that changes nothing that a client reads: a flush, a merge, a checkpoint.
    Maintain(String),
}

impl<W> Operation<W> {
    /// The operation of the engine's own with that name.
    pub fn maintain(name: &str) -> Self {
        Operation::Maintain(name.into())
    }

    /// What it changes.
    pub fn writes(&self) -> &[W] {
        match self {
            Operation::Write(writes) => writes,
            _ => &[],
        }
    }

    /// In words.
    pub fn say<C: Contract<Write = W>>(&self) -> String {
        match self {
            Operation::Write(writes) => {
                let said: Vec<String> = writes.iter().map(C::say).collect();
                match &said[..] {
                    [one] => one.clone(),
                    several => format!("batch of {}", several.join(", ")),
                }
            }
            Operation::Sync => "sync".into(),
            Operation::Reopen => "close and open again".into(),
            Operation::Maintain(name) => name.clone(),
        }
    }
}

/// What an Ok meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// Everything that returned so far, this included, survives any crash from now on.
    Durable,
    /// It is done, and may be lost until something later is durable.
    Returned,
}

/// Keys with values.
#[derive(Debug)]
pub enum Map {}

/// One change of a map.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapWrite {
    /// Sets a value.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key, whether it is there or not.
    Delete(Vec<u8>),
}

impl MapWrite {
    /// Sets a value.
    pub fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        MapWrite::Put(key.as_ref().into(), value.as_ref().into())
    }

    /// Removes a key.
    pub fn delete(key: impl AsRef<[u8]>) -> Self {
        MapWrite::Delete(key.as_ref().into())
    }
}

impl Debug for MapWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Map::say(self))
    }
}

impl Contract for Map {
    type Write = MapWrite;
    type State = BTreeMap<Vec<u8>, Vec<u8>>;

    fn write(state: &mut Self::State, write: &MapWrite) {
        match write {
            MapWrite::Put(key, value) => drop(state.insert(key.clone(), value.clone())),
            MapWrite::Delete(key) => drop(state.remove(key)),
        }
    }

    fn facts(state: &Self::State) -> BTreeMap<String, String> {
        let fact = |(key, value): (&Vec<u8>, &Vec<u8>)| (words(key), words(value));
        state.iter().map(fact).collect()
    }

    fn say(write: &MapWrite) -> String {
        match write {
            MapWrite::Put(key, value) => format!("put {} = {}", words(key), words(value)),
            MapWrite::Delete(key) => format!("delete {}", words(key)),
        }
    }

    fn fresh(number: usize) -> MapWrite {
        MapWrite::put(format!("fresh {number}"), format!("value {number}"))
    }
}

/// Entries in the order of their appends.
#[derive(Debug)]
pub enum Log {}

/// One change of a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogWrite {
    /// Appends an entry.
    Append(Vec<u8>),
    /// Gives up so many of the oldest entries.
    Truncate(usize),
}

impl Debug for LogWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Log::say(self))
    }
}

impl Contract for Log {
    type Write = LogWrite;
    type State = Vec<Vec<u8>>;

    fn write(state: &mut Self::State, write: &LogWrite) {
        match write {
            LogWrite::Append(entry) => state.push(entry.clone()),
            LogWrite::Truncate(count) => drop(state.drain(..(*count).min(state.len()))),
        }
    }

    fn facts(state: &Self::State) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        for entry in state {
            let times = (1..).find(|n| !facts.contains_key(&entry_name(entry, *n)));
            facts.insert(entry_name(entry, times.unwrap_or(1)), "there".into());
        }
        facts
    }

    fn say(write: &LogWrite) -> String {
        match write {
            LogWrite::Append(entry) => format!("append {}", words(entry)),
            LogWrite::Truncate(count) => format!("give up the {count} oldest entries"),
        }
    }

    fn fresh(number: usize) -> LogWrite {
        LogWrite::Append(format!("fresh {number}").into())
    }
}

fn entry_name(entry: &[u8], time: usize) -> String {
    match time {
        1 => format!("entry {}", words(entry)),
        _ => format!("entry {} (again, {time})", words(entry)),
    }
}

/// Streams of events, each in the order of its appends, and all of them in one order.
#[derive(Debug)]
pub enum Streams {}

/// An event appended to a stream.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Event {
    /// The name of the stream.
    pub stream: String,
    /// What happened.
    pub data: String,
}

impl Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Streams::say(self))
    }
}

impl Contract for Streams {
    type Write = Event;
    type State = Vec<Event>;

    fn write(state: &mut Vec<Event>, write: &Event) {
        state.push(write.clone());
    }

    fn facts(state: &Vec<Event>) -> BTreeMap<String, String> {
        let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
        let mut facts = BTreeMap::new();
        for event in state {
            let version = versions.entry(&event.stream).or_default();
            *version += 1;
            facts.insert(format!("{} {version}", event.stream), event.data.clone());
        }
        facts
    }

    fn say(write: &Event) -> String {
        format!("append to {}: {}", write.stream, write.data)
    }

    fn fresh(number: usize) -> Event {
        Event {
            stream: "fresh".into(),
            data: number.to_string(),
        }
    }
}

/// Bytes for people: as text where they are one, a long run of one byte as such.
pub fn words(bytes: &[u8]) -> String {
    let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    match bytes {
        [] => "(empty)".into(),
        [first, rest @ ..] if rest.len() > 8 && rest.iter().all(|byte| byte == first) => {
            format!("{} x {}", bytes.len(), words(&[*first]))
        }
        _ if bytes.iter().all(printable) && bytes.len() <= 40 => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => {
            let shown: Vec<String> = bytes.iter().take(16).map(|b| format!("{b:02x}")).collect();
            let more = if bytes.len() > 16 {
                format!(".. ({} bytes)", bytes.len())
            } else {
                String::new()
            };
            format!("0x{}{more}", shown.concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_entries_are_two_facts() {
        let mut state = Vec::new();
        for entry in ["a", "b", "b"] {
            Log::write(&mut state, &LogWrite::Append(entry.into()));
        }
        Log::write(&mut state, &LogWrite::Truncate(1));
        assert_eq!(Log::facts(&state).len(), 2);
    }

    #[test]
    fn bytes_are_words_where_they_can_be() {
        assert_eq!(words(b""), "(empty)");
        assert_eq!(words(b"key 1"), "key 1");
        assert_eq!(words(&[7; 300]), "300 x 0x07");
        assert_eq!(words(&[1, 255]), "0x01ff");
    }
}
