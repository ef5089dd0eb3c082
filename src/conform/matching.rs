//! Whether a call of the engine is the next one of the model, and whether a crash image is one of the
//! model's.

use super::dictionary::Dictionary;
use super::{CELL_BYTES, Divergence, Kind};
use models::disk::{Call, Disk, Tree};
use models::profile::Profile;
use models::protocol::Step;
use models::wal::Wal;
use models::wal::record::Token;
use std::slice;

/// A step of the log's model.
pub(super) type WalStep = models::protocol::StepOf<Wal>;

/// The call on the disk that a step makes, if it makes one.
pub(super) fn call_of(
    step: &WalStep,
    buffer: &Option<(String, usize, Vec<Token>)>,
) -> Option<Call<Token>> {
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
pub(super) fn in_bytes(call: &Call<Token>, dictionary: &Dictionary) -> Call<u8> {
    match call {
        Call::Create(path) => Call::Create(path.clone()),
        Call::CreateDirectory(path) => Call::CreateDirectory(path.clone()),
        Call::Write { file, at, cells } => Call::Write {
            file: file.clone(),
            at: at * CELL_BYTES,
            cells: dictionary.bytes(cells),
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
pub(super) fn matching(
    steps: &[WalStep],
    buffer: &Option<(String, usize, Vec<Token>)>,
    call: &Call<u8>,
    dictionary: &Dictionary,
) -> Result<usize, Divergence> {
    let mut expected = Vec::new();
    let mut file = None;
    for (number, step) in steps.iter().enumerate() {
        let Some(next) = call_of(step, buffer) else {
            break;
        };
        let is_write = matches!(next, Call::Write { .. });
        let same_file = *file.get_or_insert_with(|| next.path().to_owned()) == next.path();
        if number > 0 && !(is_write && same_file) {
            break;
        }
        let next = in_bytes(&next, dictionary);
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

/// The disk that the model is left with where the engine's power cut left this image. The effects of
/// the two correspond, so the same ones are kept; lost space reads the option of the model's disk
/// whose bytes stand in the image. `None`: the model's disk cannot leave that image.
pub(super) fn model_image(
    disk: &Disk<Token>,
    profile: &Profile,
    kept: &[usize],
    image: &Tree<u8>,
    dictionary: &Dictionary,
) -> Option<Disk<Token>> {
    let left = disk.crash_by(kept, profile, |lost| {
        let file = lost.path().and_then(|path| image.file(&path));
        let file = file.unwrap_or_default();
        let reads = |option: &&[Token]| {
            let mut cells = option.iter().zip(lost.cells.clone());
            cells.all(|(token, at)| {
                let bytes = dictionary.bytes(slice::from_ref(token));
                file.get(at * CELL_BYTES..(at + 1) * CELL_BYTES) == Some(&bytes[..])
            })
        };
        // Where none does, the comparison below says so.
        lost.options.iter().position(reads).unwrap_or(0)
    });
    let files = dictionary.files(left.view());
    let target = image.paths();
    let mut pairs = files.iter().zip(&target);
    let alike = files.len() == target.len()
        && pairs.all(|((path, have), (other, want))| path == other && have.as_deref() == *want);
    alike.then_some(left)
}
