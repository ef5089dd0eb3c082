//! Storage calls, and what a power cut did to them, in words.

use super::contract::words;
use crate::storage::simulated::{Outcome, Traced};
use models::disk::effect::{Effect, Status};
use models::disk::lazy::Lazy;
use models::disk::{Call, Disk, Failure};

/// A call and how it ended.
pub(super) fn say(traced: &Traced) -> String {
    let call = match &traced.call {
        Call::Write { file, at, cells } => {
            format!(
                "write {file} [{at}..{}] = {}",
                at + cells.len(),
                words(cells)
            )
        }
        other => other.to_string(),
    };
    match traced.outcome {
        Outcome::Done => call,
        Outcome::BarrierFailed(failure) => {
            let how = match failure {
                Failure::DataStays => "its data is doomed and still seen",
                Failure::DataReverts => "its data is doomed and reverted",
                Failure::Abort => "the file system goes read-only",
            };
            format!("{call} FAILS: {how}")
        }
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
    let path = |node| {
        let path = disk.view().path_of(node);
        path.unwrap_or_else(|| "a file without a name".into())
    };
    match effect {
        Effect::Data { file, at, cells } => {
            format!(
                "{} [{at}..{}] = {}",
                path(*file),
                at + cells.len(),
                words(cells)
            )
        }
        Effect::Size { file, to } => format!("size of {} = {to}", path(*file)),
        Effect::Entry {
            directory,
            name,
            target,
        } => {
            let what = if target.is_some() {
                "name"
            } else {
                "removal of"
            };
            let directory = path(*directory);
            match directory.is_empty() {
                true => format!("{what} {name}"),
                false => format!("{what} {directory}/{name}"),
            }
        }
    }
}
