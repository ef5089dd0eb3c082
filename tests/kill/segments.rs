//! The log in segments: appended to, rotated, truncated.

use crate::map::synced_every;
use crate::victim::{self, child, find_a_liar_out, kill_hundreds_of_times, scattered};
use lightsout::engine::wal::segments::{Options, SegmentedLog};
use lightsout::engine::wal::{Entry, Write};
use lightsout::storage::os::OsStorage;
use std::path::Path;

enum Operation {
    Append(Vec<Write>),
    Rotate,
    /// Gives up all but the newest records, of which so many stay.
    Truncate(u64),
}

fn operation(number: u64) -> Operation {
    let chance = scattered(number);
    match chance % 40 {
        0 => return Operation::Rotate,
        1..=3 => return Operation::Truncate(chance >> 32 & 15),
        _ => {}
    }
    let writes = if chance.is_multiple_of(5) { 4 } else { 1 };
    let write = |part: u64| {
        let chance = scattered(number << 8 | part);
        let key = format!("key {}", chance % 40).into_bytes();
        let mut value = format!("written by {number}").into_bytes();
        value.resize(20 + (chance >> 32) as usize % 150, b'.');
        Write::Put { key, value }
    };
    Operation::Append((0..writes).map(write).collect())
}

/// What is in the log: each record that holds writes, with its index, and how far the log reaches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contents {
    last: u64,
    point: u64,
    records: Vec<(u64, Vec<Write>)>,
}

struct Log(SegmentedLog<OsStorage>);

impl victim::Store for Log {
    const CHILD: &str = "segments::a_child";
    const SIGHTS: &[&str] = &["a segment in the making", "several segments"];
    type Contents = Contents;

    fn open(dir: &Path, every: u32) -> Result<Log, String> {
        let options = Options {
            preallocate: 4096,
            sync: synced_every(every),
            segment_bytes: 2_000,
        };
        let opened = SegmentedLog::open(OsStorage, dir, options);
        opened.map(Log).map_err(|error| error.to_string())
    }

    fn take(&mut self, number: u64) -> Result<(), String> {
        let done = match operation(number) {
            Operation::Append(writes) => self.0.append_batch(&writes).map(|_| ()),
            Operation::Rotate => self.0.rotate(),
            Operation::Truncate(stay) => {
                let last = self.0.last().map_or(0, |lsn| lsn.index);
                self.0.truncate(last.saturating_sub(stay))
            }
        };
        done.map_err(|error| error.to_string())
    }

    fn apply(number: u64, contents: &mut Contents) {
        match operation(number) {
            Operation::Append(writes) => {
                contents.last += 1;
                contents.records.push((contents.last, writes));
            }
            Operation::Rotate => {}
            Operation::Truncate(stay) => {
                let up_to = contents.last.saturating_sub(stay);
                if up_to > contents.point {
                    contents.point = up_to;
                    contents.last += 1;
                    contents.records.retain(|(index, _)| *index > up_to);
                }
            }
        }
    }

    fn read(&mut self) -> Result<Contents, String> {
        let mut records = Vec::new();
        for record in self.0.records() {
            let record = record.map_err(|error| error.to_string())?;
            if let Entry::Writes(writes) = record.entry {
                records.push((record.lsn.index, writes));
            }
        }
        Ok(Contents {
            last: self.0.last().map_or(0, |lsn| lsn.index),
            point: self.0.truncation_point(),
            records,
        })
    }

    fn sights(names: &[String]) -> Vec<&'static str> {
        let segments = names.iter().filter(|name| name.ends_with(".log")).count();
        let in_the_making = names.iter().any(|name| name.ends_with(".log.tmp"));
        let seen = [
            in_the_making.then_some("a segment in the making"),
            (segments > 1).then_some("several segments"),
        ];
        seen.into_iter().flatten().collect()
    }
}

#[test]
fn a_child() {
    child::<Log>();
}

#[test]
fn what_returned_survives_a_kill_where_every_append_is_synced() {
    kill_hundreds_of_times::<Log>(1);
}

#[test]
fn what_returned_survives_a_kill_where_every_tenth_append_is_synced() {
    kill_hundreds_of_times::<Log>(10);
}

#[test]
fn a_child_that_says_so_before_it_appends_is_found_out() {
    find_a_liar_out::<Log>();
}
