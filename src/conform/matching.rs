//! Whether a call of the engine is the next one of the model, and whether a crash image is one of the
//! model's.

use super::dictionary::Dictionary;
use super::{CELL_BYTES, Divergence, Kind};
use models::disk::image::Fates;
use models::disk::{Call, Disk, Tree};
use models::profile::Profile;
use models::protocol::Step;
use models::wal::Wal;
use models::wal::record::Token;

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

/// Fates with which the model's disk leaves the same files as a power cut left on the engine's. The
/// effects of the two correspond, so the same ones are kept; what lost space reads is searched, for
/// its fills have other numbers.
pub(super) fn model_fates(
    disk: &Disk<Token>,
    profile: &Profile,
    kept: &[usize],
    image: &Tree<u8>,
    dictionary: &Dictionary,
) -> Option<Fates> {
    let target: Vec<_> = image.paths();
    // Each atom of lost space has one fill; more are never asked for.
    let atoms: usize = 1 + target
        .iter()
        .filter_map(|(_, bytes)| Some(bytes.as_ref()?.len().div_ceil(CELL_BYTES)))
        .sum::<usize>();
    let mut fates = Fates {
        kept: kept.to_vec(),
        fills: vec![0; atoms],
    };
    let wrong = |fates: &Fates| {
        let files = dictionary.files(disk.crash(fates, profile).view());
        let paths = |(path, bytes): &(String, Option<_>)| (path.clone(), bytes.is_some());
        let sizes = |bytes: &Option<&[u8]>| bytes.map(<[u8]>::len);
        let alike = files.len() == target.len()
            && files.iter().zip(&target).all(|(file, (path, bytes))| {
                paths(file) == (path.clone(), bytes.is_some())
                    && file.1.as_ref().map(Vec::len) == sizes(bytes)
            });
        alike.then(|| {
            let pairs = files.iter().zip(&target);
            let cells = pairs.flat_map(|((_, have), (_, want))| {
                let have = have.as_deref().unwrap_or_default().chunks(CELL_BYTES);
                have.zip(want.unwrap_or_default().chunks(CELL_BYTES))
            });
            cells.filter(|(have, want)| have != want).count()
        })
    };
    let mut best = wrong(&fates)?;
    for atom in 0..atoms {
        if best == 0 {
            break;
        }
        // The best fill of each atom; numbers beyond the last one mean the last.
        let mut chosen = 0;
        for fill in 1..=disk.freed_count() + 1 {
            let mut other = fates.clone();
            other.fills[atom] = fill;
            let now = wrong(&other)?;
            if now < best {
                (chosen, best) = (fill, now);
            }
        }
        fates.fills[atom] = chosen;
    }
    (best == 0).then_some(fates)
}
