//! The names of a store's files, and which tables they tell of before one is opened.

use super::error::Error;
use std::path::Path;

/// The two logs, once their headers are durable.
pub(crate) const LOGS: [&str; 2] = ["log", "log.2"];
/// The logs before that. A leftover is from a creation that a crash ended: nothing was ever in it.
pub(crate) const LOGS_IN_THE_MAKING: [&str; 2] = ["log.tmp", "log.2.tmp"];
/// The log of the as-found discipline.
pub(crate) const LOG: &str = LOGS[0];
const TABLE: &str = ".sst";
const IN_THE_MAKING: &str = ".tmp";

/// The interval of records in a table's name: `1-4.sst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Interval {
    pub(crate) lo: u64,
    pub(crate) hi: u64,
}

impl Interval {
    /// The name of the table.
    pub(crate) fn table(self) -> String {
        format!("{}-{}{TABLE}", self.lo, self.hi)
    }

    /// Its name until it is durable.
    pub(crate) fn table_in_the_making(self) -> String {
        self.table() + IN_THE_MAKING
    }

    /// The interval in what comes before `.sst`, written as this code writes it.
    fn parse(stem: &str) -> Option<Interval> {
        let (lo, hi) = stem.split_once('-')?;
        let (lo, hi) = (lo.parse().ok()?, hi.parse().ok()?);
        let interval = Interval { lo, hi };
        let is_ours = interval.table().strip_suffix(TABLE) == Some(stem);
        (is_ours && 1 <= lo && lo <= hi).then_some(interval)
    }
}

/// The number in the name of an as-found table: `7.sst`.
pub(super) fn as_found_number(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(TABLE)?;
    let number: u64 = stem.parse().ok()?;
    (number.to_string() == stem).then_some(number)
}

/// The name of an as-found table.
pub(crate) fn as_found_table(number: u64) -> String {
    format!("{number}{TABLE}")
}

/// What is in a store's directory, by its names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Which of the two logs.
    pub(super) logs: [bool; 2],
    /// Logs and tables in the making, sorted by name.
    pub(super) leftovers: Vec<String>,
    pub(super) tables: Vec<Interval>,
}

impl Found {
    /// Sorts these names, which are sorted; names that are none of ours are left alone, but a table of
    /// somebody else is not.
    pub(super) fn sort(dir: &Path, names: &[String]) -> Result<Found, Error> {
        let mut found = Found::default();
        for name in names {
            let path = || dir.join(name);
            if let Some(log) = LOGS.iter().position(|log| log == name) {
                found.logs[log] = true;
            } else if LOGS_IN_THE_MAKING.contains(&name.as_str()) {
                found.leftovers.push(name.clone());
            } else if let Some(table) = name.strip_suffix(IN_THE_MAKING) {
                let stem = table.strip_suffix(TABLE);
                if stem.and_then(Interval::parse).is_some() {
                    found.leftovers.push(name.clone());
                }
            } else if let Some(stem) = name.strip_suffix(TABLE) {
                match Interval::parse(stem) {
                    Some(interval) => found.tables.push(interval),
                    None if as_found_number(name).is_some() => {
                        return Err(Error::OtherDiscipline { path: path() });
                    }
                    None => return Err(Error::Foreign { path: path() }),
                }
            }
        }
        Ok(found)
    }
}

/// Tables that are read, oldest first, and tables whose interval lies inside that of another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ranked {
    pub(super) live: Vec<Interval>,
    pub(super) superseded: Vec<Interval>,
}

/// Tells which is which, where the live ones follow each other without a gap from record 1.
pub(super) fn rank(dir: &Path, mut tables: Vec<Interval>) -> Result<Ranked, Error> {
    tables.sort_by_key(|it| (it.lo, std::cmp::Reverse(it.hi)));
    let mut ranked = Ranked {
        live: Vec::new(),
        superseded: Vec::new(),
    };
    let mut last = 0;
    for table in tables {
        if table.hi <= last {
            // One that began no later reaches as far.
            ranked.superseded.push(table);
            continue;
        }
        if table.lo <= last {
            return Err(Error::Damaged {
                path: dir.join(table.table()),
                at: 0,
                because: "its name says that it holds some, and not all, records of another table",
            });
        }
        if table.lo - 1 > last {
            return Err(Error::Hole {
                dir: dir.to_path_buf(),
                lo: last + 1,
                hi: table.lo - 1,
                because: "a table is missing",
            });
        }
        last = table.hi;
        ranked.live.push(table);
    }
    Ok(ranked)
}
