//! Storage calls, and what a power cut did to them, in words.

use super::contract::words;
use crate::storage::simulated::{Outcome, Traced};
use models::disk::effect::{Effect, Status};
use models::disk::lazy::Lazy;
use models::disk::{Call, Disk};

/// A call and how it ended.
pub(super) fn say(traced: &Traced) -> String {
    let call = match &traced.call {
        Call::Write { file, at, cells } => format!("write {file} {}", written(*at, cells)),
        other => other.to_string(),
    };
    match traced.outcome {
        Outcome::Done => call,
        Outcome::BarrierFailed(failure) => format!("{call} FAILS: {}", failure.says()),
        Outcome::Failed { kind, written: 0 } => format!("{call} FAILS: {kind}"),
        Outcome::Failed { kind, written } => {
            format!("{call} FAILS: {kind}, {written} bytes are written")
        }
    }
}

/// What a power cut lost and kept of what was cached, as far as the lives after it found out.
pub(super) fn fates(before: &Lazy<u8>, after: &Lazy<u8>) -> (Vec<String>, Vec<String>) {
    let (mut lost, mut kept) = (Vec::new(), Vec::new());
    let disk = before.known();
    for (i, logged) in disk.log().iter().enumerate() {
        if logged.status == Status::Durable {
            continue;
        }
        match after.fate_of(disk, i) {
            Some(true) => kept.push(effect(disk, &logged.effect)),
            Some(false) => lost.push(effect(disk, &logged.effect)),
            None => {}
        }
    }
    (lost, kept)
}

fn effect(disk: &Disk<u8>, effect: &Effect<u8>) -> String {
    disk.say(effect, written)
}

/// Where something was written, and what.
fn written(at: usize, bytes: &[u8]) -> String {
    format!("[{at}..{}] = {}", at + bytes.len(), words(bytes))
}
