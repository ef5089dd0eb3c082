//! Whether a call of the engine is the next one of the model.

use super::subject::{CellOf, Subject};
use super::{CELL_BYTES, Divergence, Kind};
use models::disk::{Call, Cell, Tree};
use models::machine::process::Process;
use models::protocol::{Protocol, Step, StepOf};

/// What a process has buffered: the file, the first cell, the cells.
type Buffer<C> = Option<(String, usize, Vec<C>)>;

/// The call on the disk that a step makes, if it makes one.
pub(super) fn call_of<P: Protocol>(
    step: &StepOf<P>,
    buffer: &Buffer<P::Cell>,
) -> Option<Call<P::Cell>> {
    match step {
        Step::Call { call, .. } => Some(call.clone()),
        Step::Flush { cells, .. } => buffer.as_ref().map(|(file, at, buffered)| {
            let count = cells.unwrap_or(buffered.len()).min(buffered.len());
            Call::Write {
                file: file.clone(),
                at: *at,
                cells: buffered[..count].to_vec(),
            }
        }),
        _ => None,
    }
}

/// A call of the model with bytes in place of tokens.
pub(super) fn in_bytes<S: Subject>(subject: &S, call: &Call<CellOf<S>>) -> Call<u8> {
    match call {
        Call::Create(path) => Call::Create(path.clone()),
        Call::CreateDirectory(path) => Call::CreateDirectory(path.clone()),
        Call::Write { file, at, cells } => Call::Write {
            file: file.clone(),
            at: at * CELL_BYTES,
            cells: subject.bytes(cells),
        },
        Call::SetLen { file, to } => Call::SetLen {
            file: file.clone(),
            to: to * CELL_BYTES,
        },
        Call::Rename { from, to } => Call::Rename {
            from: from.clone(),
            to: to.clone(),
        },
        Call::Remove(path) => Call::Remove(path.clone()),
        Call::Barrier(path) => Call::Barrier(path.clone()),
        Call::DataBarrier(path) => Call::DataBarrier(path.clone()),
        Call::DirectoryBarrier(path) => Call::DirectoryBarrier(path.clone()),
    }
}

/// A call on an open file, by the first of the file's names, as a trace says it: a power cut that keeps a rename's new name
/// and loses the removal of the old one leaves two.
fn by_first_name<C: Cell>(mut call: Call<u8>, view: &Tree<C>) -> Call<u8> {
    if let Call::Write { file, .. }
    | Call::SetLen { file, .. }
    | Call::Barrier(file)
    | Call::DataBarrier(file) = &mut call
        && let Some(first) = view.lookup(file).and_then(|node| view.path_of(node))
    {
        *file = first;
    }
    call
}

/// A call in words, without its bytes.
pub(super) fn in_words(call: &Call<u8>) -> String {
    match call {
        Call::Write { file, at, cells } => {
            format!("write {} bytes at {at} of {file}", cells.len())
        }
        other => other.to_string(),
    }
}

/// The first step, among the next of the model that may stand in any order, that makes this call.
pub(super) fn matching<S: Subject>(
    subject: &S,
    process: &Process<S::Protocol>,
    view: &Tree<CellOf<S>>,
    call: &Call<u8>,
) -> Result<usize, Divergence> {
    let steps = &process.steps;
    let mut expected = Vec::new();
    let mut file = None;
    for (number, step) in steps.iter().enumerate() {
        let Some(next) = call_of::<S::Protocol>(step, &process.buffer) else {
            break;
        };
        let is_write = matches!(next, Call::Write { .. });
        let same_file = *file.get_or_insert_with(|| next.path().to_owned()) == next.path();
        if number > 0 && !(is_write && same_file) {
            break;
        }
        let next = by_first_name(in_bytes(subject, &next), view);
        if next == *call {
            return Ok(number);
        }
        expected.push(in_words(&next));
        if !is_write || matches!(step, Step::Flush { .. }) {
            break;
        }
    }
    if expected.is_empty() {
        expected.push(steps.first().map_or("nothing", |step| step.site()).into());
    }
    let (expected, mut found) = (expected.join(", or "), in_words(call));
    if expected == found {
        found.push_str(", with other bytes in it");
    }
    Err(Divergence::new(Kind::OtherCall, expected, found))
}
