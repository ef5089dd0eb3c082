//! An event as JSON: `{"version":3,"type":"paid","data":{..},"metadata":{..}}`, in that order, metadata where there
//! is some.

use super::event::NewEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is wrong with an event that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not UTF-8, from that byte of it on: half a sequence, or none at all.
    #[error("it is not UTF-8 from its byte {at} on")]
    NotUtf8 {
        /// How many bytes of it are.
        at: usize,
    },
    /// It is not JSON, or not that of an event.
    #[error("it is no event: {because}")]
    NotAnEvent {
        /// What is wrong.
        because: String,
    },
    /// It has a field that this program does not know.
    #[error("it has the unknown field `{field}`")]
    UnknownField {
        /// The field.
        field: String,
    },
}

/// What an event says of itself.
#[derive(Debug)]
pub(super) struct Read {
    /// Where the format has it.
    pub(super) stream: Option<String>,
    pub(super) version: u64,
    pub(super) kind: String,
    pub(super) data: Box<RawValue>,
    pub(super) metadata: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Written<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'e str>,
    version: u64,
    r#type: &'e str,
    data: &'e RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'e RawValue>,
}

/// The event as JSON, with its stream if that is given.
pub(crate) fn encode(
    stream: Option<&str>,
    version: u64,
    event: &NewEvent,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Written {
        stream,
        version,
        r#type: &event.kind,
        data: &event.data,
        metadata: event.metadata.as_deref(),
    })
}

/// Reads an event that [`encode`] wrote, and no other: a field that nobody knows may mean what must not be missed.
pub(super) fn decode(bytes: &[u8]) -> Result<Read, Unreadable> {
    let text = utf8(bytes)?;
    let mut fields: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(not_an_event)?;
    let mut take = |name: &str| fields.remove(name);
    let stream = take("stream").map(|field| string(&field)).transpose()?;
    let (version, kind) = (take("version"), take("type"));
    let (data, metadata) = (take("data"), take("metadata"));
    if let Some(field) = fields.into_keys().next() {
        return Err(Unreadable::UnknownField { field });
    }
    let missing = |name: &str| Unreadable::NotAnEvent {
        because: format!("the field `{name}` is missing"),
    };
    let version = version.ok_or_else(|| missing("version"))?;
    Ok(Read {
        stream,
        version: serde_json::from_str(version.get()).map_err(not_an_event)?,
        kind: string(&kind.ok_or_else(|| missing("type"))?)?,
        data: data.ok_or_else(|| missing("data"))?,
        metadata,
    })
}

/// Bytes as text.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|error| Unreadable::NotUtf8 {
        at: error.valid_up_to(),
    })
}

fn string(field: &RawValue) -> Result<String, Unreadable> {
    serde_json::from_str(field.get()).map_err(not_an_event)
}

fn not_an_event(error: serde_json::Error) -> Unreadable {
    Unreadable::NotAnEvent {
        because: error.to_string(),
    }
}
