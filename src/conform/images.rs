//! Crash images of two disks, of which one has tokens where the other has bytes.

use super::CELL_BYTES;
use super::subject::{CellOf, Subject};
use models::disk::image::Fates;
use models::disk::{Cell, Disk, Tree};
use models::profile::Profile;

/// Every path with the bytes of its file; of a directory with none.
pub(super) type Files = Vec<(String, Option<Vec<u8>>)>;

/// The files of the model, in bytes.
pub(super) fn files_of<S: Subject>(subject: &S, tree: &Tree<CellOf<S>>) -> Files {
    let files = tree.paths().into_iter();
    files
        .map(|(path, cells)| (path, cells.map(|cells| subject.bytes(cells))))
        .collect()
}

/// Whether a disk of bytes shows these files.
pub(super) fn shows(tree: &Tree<u8>, files: &Files) -> bool {
    let paths = tree.paths();
    let mut pairs = paths.iter().zip(files);
    paths.len() == files.len()
        && pairs.all(|((path, have), (other, want))| path == other && *have == want.as_deref())
}

/// Cuts the power so that these effects are kept and each piece of lost space reads its first option
/// of which every cell `fits`: asked by path, by place in the file, and what would stand there.
/// Where no option fits it reads zeros; whoever asks compares.
pub(super) fn crash_like<C: Cell>(
    disk: &Disk<C>,
    profile: &Profile,
    kept: &[usize],
    fits: impl Fn(&str, usize, &C) -> bool,
) -> (Fates, Disk<C>) {
    let mut fills = Vec::new();
    let left = disk.crash_by(kept, profile, |lost| {
        let path = lost.path().unwrap_or_default();
        let reads = |option: &&[C]| {
            let mut cells = lost.cells.clone().zip(*option);
            cells.all(|(at, cell)| fits(&path, at, cell))
        };
        let chosen = lost.options.iter().position(reads).unwrap_or(0);
        fills.push(chosen);
        chosen
    });
    let kept = kept.to_vec();
    (Fates { kept, fills }, left)
}

/// The disk that the model is left with where the engine's power cut left this image. The effects of
/// the two correspond, so the same ones are kept. `None`: the model's disk cannot leave that image.
pub(super) fn model_image<S: Subject>(
    subject: &S,
    disk: &Disk<CellOf<S>>,
    profile: &Profile,
    kept: &[usize],
    image: &Tree<u8>,
) -> Option<Disk<CellOf<S>>> {
    let (_, left) = crash_like(disk, profile, kept, |path, at, cell| {
        let place = at * CELL_BYTES..(at + 1) * CELL_BYTES;
        let bytes = image.file(path).and_then(|file| file.get(place));
        bytes == Some(&subject.bytes(std::slice::from_ref(cell))[..])
    });
    if !shows(image, &files_of(subject, left.view())) {
        return None;
    }
    Some(made_whole(subject, left))
}

/// Where the bytes of a whole stand behind its first cell, the whole stands there, whatever the rest of
/// it was written as: a lost piece that reads as it would have if it had been kept is as good as
/// kept. First cells hold a checksum, so no two wholes have one alike; as found, where they may, the
/// second ones hold the value.
fn made_whole<S: Subject>(subject: &S, image: Disk<CellOf<S>>) -> Disk<CellOf<S>> {
    let mut wholes: Vec<(String, usize, Vec<CellOf<S>>)> = Vec::new();
    for (path, cells) in image.view().paths() {
        for (at, cell) in cells.unwrap_or_default().iter().enumerate() {
            let Some(whole) = subject.whole(cell) else {
                continue;
            };
            let there = cells.and_then(|cells| cells.get(at..at + whole.len()));
            if there.is_some_and(|there| subject.bytes(there) == subject.bytes(&whole)) {
                wholes.push((path.clone(), at, whole));
            }
        }
    }
    image.replace_settled(|path, at, cell| {
        let covers = |(name, from, whole): &&(String, usize, Vec<CellOf<S>>)| {
            name == path && (*from..from + whole.len()).contains(&at)
        };
        let found = wholes.iter().find(covers);
        found
            .map_or(cell, |(_, from, whole)| &whole[at - from])
            .clone()
    })
}

/// Files in words, without their bytes.
pub(super) fn in_words(files: &Files) -> String {
    let one = |(path, bytes): &(String, Option<Vec<u8>>)| match bytes {
        Some(bytes) => {
            let (bytes, crc) = (bytes.len(), crc32fast::hash(bytes));
            format!("{path}: {bytes} bytes, crc {crc:08x}")
        }
        None => format!("{path}/"),
    };
    files.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What a disk of bytes shows, in words.
pub(super) fn shown(tree: &Tree<u8>) -> String {
    let files = tree.paths().into_iter();
    let files = files.map(|(path, bytes)| (path, bytes.map(<[u8]>::to_vec)));
    in_words(&files.collect())
}
