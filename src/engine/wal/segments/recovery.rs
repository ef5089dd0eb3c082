//! What an open does: which segments count, where the last one ends, and what is made durable before the
//! log serves.
//!
//! ```text
//! 1.log       | 9.log       | 17.log      | 25.log
//! below the point: removed  | whole       | as a log in one file: written again, end mark, barrier
//!                      ^ the newest checkpoint, in 17.log or 25.log, says 16
//! ```
//!
//! The newest checkpoint lies in a segment that counts, for it lies above its own point. So the segments
//! are read from the last one down, until one is at or below the point.

use super::super::error::{Error, OrFail};
use super::super::file::{Habits, LogFile, sync_names};
use super::super::format::{Lsn, Owner};
use super::super::recovery::{self, Scan};
use super::names::{self, Found};
use super::shared::create;
use crate::storage::Storage;
use std::path::{Path, PathBuf};

/// A log that was recovered.
#[derive(Debug)]
pub(super) struct Recovered<F> {
    pub(super) closed: Vec<LogFile<F>>,
    pub(super) last: LogFile<F>,
    pub(super) point: u64,
}

/// A segment as it was found.
struct Segment<F> {
    first: u64,
    path: PathBuf,
    file: F,
    scan: Scan,
}

pub(super) fn recover<S: Storage, T, E: From<Error>>(
    storage: &S,
    dir: &Path,
    habits: Habits,
    owner: Owner,
    check_beside: impl FnOnce(u64, u64) -> Result<T, E>,
) -> Result<(Recovered<S::File>, T), E> {
    let names = storage.list(dir).or_fail("open the store")?;
    let found = Found::sort(dir, &names)?;
    if found.firsts.is_empty() {
        let checked = check_beside(0, 0)?;
        remove(storage, &found.leftovers)?;
        let file = create(storage, dir, 1, owner)?;
        sync_names(storage, dir)?;
        let recovered = Recovered {
            closed: Vec::new(),
            last: LogFile::empty(file, &names::path(dir, 1), owner, habits),
            point: 0,
        };
        return Ok((recovered, checked));
    }
    // Nothing is touched, not even a leftover, before all is known to be ours and undamaged.
    let (mut segments, point) = read(storage, dir, &found.firsts, owner)?;
    check(dir, &segments, point)?;
    let newest = segments.last().and_then(|segment| segment.scan.last);
    let checked = check_beside(point, newest.map_or(0, |lsn| lsn.index))?;
    let Some(last) = segments.pop() else {
        unreachable!("at least one segment counts: the last one");
    };
    let truncated = found.firsts.len() - segments.len() - 1;
    last.scan.settle(&last.file, &last.path)?;
    sync_names(storage, dir)?;
    remove(storage, &found.leftovers)?;
    let truncated = &found.firsts[..truncated];
    let truncated: Vec<_> = truncated
        .iter()
        .map(|first| names::path(dir, *first))
        .collect();
    remove(storage, &truncated)?;
    let mut floor = floor_of(segments.first().unwrap_or(&last).first);
    let mut open = |mut segment: Segment<S::File>| {
        // Where it is empty, what it follows is known now.
        segment.scan.last = segment.scan.last.max(floor);
        let scanned = segment.scan.last;
        let file = LogFile::recovered(
            segment.file,
            &segment.path,
            owner,
            habits,
            floor,
            segment.scan,
        );
        floor = scanned;
        file
    };
    let closed = segments.into_iter().map(&mut open).collect();
    let recovered = Recovered {
        closed,
        last: open(last),
        point,
    };
    Ok((recovered, checked))
}

/// The segments that count, oldest first, and the truncation point.
type Counted<F> = (Vec<Segment<F>>, u64);

fn read<S: Storage>(
    storage: &S,
    dir: &Path,
    firsts: &[u64],
    owner: Owner,
) -> Result<Counted<S::File>, Error> {
    let mut segments: Vec<Segment<S::File>> = Vec::new();
    let mut point = 0;
    for &first in firsts.iter().rev() {
        if segments.last().is_some_and(|next| next.first <= point + 1) {
            break;
        }
        let path = names::path(dir, first);
        let file = storage.open(&path).or_fail("open a segment")?;
        let scan = recovery::scan(&file, &path, owner, floor_of(first))?;
        point = point.max(scan.checkpoint.unwrap_or(0));
        segments.push(Segment {
            first,
            path,
            file,
            scan,
        });
    }
    segments.reverse();
    Ok((segments, point))
}

/// What is before the first record of a segment, as its name says; of which life is not known.
fn floor_of(first: u64) -> Option<Lsn> {
    (first > 1).then_some(Lsn {
        generation: 0,
        index: first - 1,
    })
}

/// Whether the segments follow each other without a gap, from the truncation point on.
fn check<F>(dir: &Path, segments: &[Segment<F>], point: u64) -> Result<(), Error> {
    let oldest = segments.first().map_or(1, |segment| segment.first);
    if oldest > point + 1 {
        return Err(Error::Hole {
            path: names::path(dir, oldest),
            lo: point + 1,
            hi: oldest - 1,
        });
    }
    for pair in segments.windows(2) {
        let [segment, next] = pair else { continue };
        let reached = segment.scan.last.map_or(0, |lsn| lsn.index);
        if reached + 1 != next.first {
            return Err(Error::Damaged {
                path: segment.path.clone(),
                at: segment.scan.tail,
                index: reached + 1,
                because: "a later segment says that it was durable",
            });
        }
        if next
            .scan
            .first
            .is_some_and(|lsn| Some(lsn) < segment.scan.last)
        {
            return Err(Error::Damaged {
                path: next.path.clone(),
                at: 0,
                index: next.first,
                because: "it is of an earlier life than the segment before",
            });
        }
    }
    Ok(())
}

fn remove<S: Storage>(storage: &S, paths: &[PathBuf]) -> Result<(), Error> {
    for path in paths {
        let removed = storage.remove(path);
        removed.or_fail("remove a segment that does not count")?;
    }
    Ok(())
}
