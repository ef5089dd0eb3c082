//! Storage calls in words.

use super::contract::words;
use crate::storage::simulated::{Outcome, Recorded};
use models::disk::Call;

/// A call and how it ended.
pub(super) fn say(recorded: &Recorded) -> String {
    let call = match &recorded.call {
        Call::Write { file, at, cells } => format!("write {file} {}", written(*at, cells)),
        other => other.to_string(),
    };
    match recorded.outcome {
        Outcome::Done => call,
        Outcome::BarrierFailed(failure) => format!("{call} FAILS: {}", failure.says()),
        Outcome::Failed { kind, written: 0 } => format!("{call} FAILS: {kind}"),
        Outcome::Failed { kind, written } => {
            format!("{call} FAILS: {kind}, {written} bytes are written")
        }
    }
}

/// Where something was written, and what.
pub(super) fn written(at: usize, bytes: &[u8]) -> String {
    format!("[{at}..{}] = {}", at + bytes.len(), words(bytes))
}
