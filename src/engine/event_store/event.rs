//! Events, and what names them.

use crate::engine::wal::Lsn;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Where an event is among all events, ordered. Once told to a client it never names another event, whatever
/// crashes take; so positions are not numbered without gaps. The versions of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The append that it came with.
    pub lsn: Lsn,
    /// Its place in that append, from 0.
    pub nth: u32,
}

/// What the version of a stream must be for an append to take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// This; 0 where the stream has no event yet.
    Version(u64),
}

/// An event that is to be appended. Its data is JSON, and is kept byte for byte, but for white
/// space around it: no number is rounded, no key moved.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub(super) kind: String,
    pub(super) data: Box<RawValue>,
    pub(super) metadata: Option<Box<RawValue>>,
}

impl NewEvent {
    /// An event of this type. Fails where the data has no form in JSON.
    pub fn new(kind: impl Into<String>, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(NewEvent {
            kind: kind.into(),
            data: serde_json::value::to_raw_value(data)?,
            metadata: None,
        })
    }

    /// An event whose data is JSON already. Fails where it is not.
    pub fn from_json(kind: impl Into<String>, data: &str) -> Result<Self, serde_json::Error> {
        Ok(NewEvent {
            kind: kind.into(),
            data: RawValue::from_string(data.to_string())?,
            metadata: None,
        })
    }

    /// Its data, as JSON.
    pub fn data(&self) -> &str {
        self.data.get()
    }

    /// The same with metadata; `null` is none.
    pub fn with_metadata(mut self, metadata: &impl Serialize) -> Result<Self, serde_json::Error> {
        let metadata = serde_json::value::to_raw_value(metadata)?;
        self.metadata = (metadata.get() != "null").then_some(metadata);
        Ok(self)
    }
}

/// An event that was appended.
#[derive(Clone, Debug)]
pub struct Event {
    pub(super) position: Position,
    pub(super) stream: Arc<str>,
    pub(super) version: u64,
    pub(super) kind: String,
    pub(super) data: Box<RawValue>,
    pub(super) metadata: Option<Box<RawValue>>,
}

impl Event {
    /// Where it is among all events.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Its stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Its place in its stream, from 1, without gaps.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its data, JSON as it was appended.
    pub fn data(&self) -> &str {
        self.data.get()
    }

    /// Its metadata, JSON as it was appended.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref().map(RawValue::get)
    }

    /// Its data as a value.
    pub fn read<'e, T: serde::Deserialize<'e>>(&'e self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.get())
    }
}
