//! The names of segments: `17.log` begins with record 17.

use super::super::error::Error;
use std::path::{Path, PathBuf};

const SEGMENT: &str = ".log";
const IN_THE_MAKING: &str = ".tmp";
/// The name of a log in one file.
const ONE_FILE: &str = "log";

/// The segment whose first record has this index.
pub(super) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first}{SEGMENT}"))
}

/// The same until its header is durable.
pub(super) fn in_the_making(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first}{SEGMENT}{IN_THE_MAKING}"))
}

/// What is in a store's directory, by its names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The index of the first record of each segment, in order.
    pub(super) firsts: Vec<u64>,
    /// Segments in the making.
    pub(super) leftovers: Vec<PathBuf>,
}

impl Found {
    /// Sorts these names; those that are none of ours are left alone, but a segment of somebody else is not.
    pub(super) fn sort(dir: &Path, names: &[String]) -> Result<Found, Error> {
        let mut found = Found::default();
        for name in names {
            let path = dir.join(name);
            if name == ONE_FILE {
                return Err(Error::OneFile { path });
            } else if let Some(stem) = name.strip_suffix(SEGMENT) {
                let first = first_of(stem).ok_or(Error::Foreign { path })?;
                found.firsts.push(first);
            } else if let Some(segment) = name.strip_suffix(IN_THE_MAKING)
                && segment.strip_suffix(SEGMENT).and_then(first_of).is_some()
            {
                found.leftovers.push(path);
            }
        }
        found.firsts.sort_unstable();
        Ok(found)
    }
}

/// The number, written as this code writes it.
fn first_of(stem: &str) -> Option<u64> {
    let first: u64 = stem.parse().ok()?;
    (first >= 1 && first.to_string() == stem).then_some(first)
}
