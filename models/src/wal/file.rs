//! The log's file: how it is made, and how recovery makes it what it serves.

use super::record::{Parsed, Token, cells_of};
use super::{STORE, Variant, Wal, write};
use crate::disk::Call;
use crate::protocol::{Site, Step, StepOf};

/// Where the steps of making a log stand: create, header, header barrier, rename.
pub(crate) const INIT: [Site; 4] = [
    "init: create",
    "init: header",
    "init: header barrier",
    "init: rename",
];

impl Wal {
    /// Makes the log in this file, and its name and the store's durable.
    pub(crate) fn initialise(&self, file: &str) -> Vec<StepOf<Self>> {
        let mut steps = self.make(file, INIT);
        steps.extend(name_barriers(
            "init: directory barrier",
            "init: parent directory barrier",
        ));
        steps
    }

    /// Makes an empty log in this file: under a temporary name, renamed once its header is durable. The name
    /// is cached.
    pub(crate) fn make(&self, file: &str, sites: [Site; 4]) -> Vec<StepOf<Self>> {
        let is_made_in_place = self.variant == Variant::MadeInPlace;
        let made = match is_made_in_place {
            true => file.to_string(),
            false => format!("{file}.tmp"),
        };
        let mut steps = vec![
            Step::call(sites[0], Call::Create(made.clone())),
            write(&made, sites[1], 0, vec![Token::Header]),
            Step::call(sites[2], Call::Barrier(made.clone())),
        ];
        if !is_made_in_place {
            let (from, to) = (made, file.into());
            steps.push(Step::call(sites[3], Call::Rename { from, to }));
        }
        steps
    }

    /// Makes durable what will be served, and unreadable what will not.
    pub(crate) fn repair(&self, file: &str, parsed: &Parsed) -> Vec<StepOf<Self>> {
        let mut steps = Vec::new();
        if self.variant != Variant::CacheTrusted {
            for (at, record) in parsed.places.iter().zip(&parsed.records) {
                if record.index > parsed.mark {
                    steps.push(write(file, "recovery: rewrite", *at, cells_of(record)));
                }
            }
        }
        let end_mark = match self.variant {
            Variant::NoEndMark => Vec::new(),
            // A header of zeros is a record to this variant; its end mark is a bad header.
            Variant::ChecksumWithoutLength => vec![Token::Garbage],
            _ => vec![Token::Zero],
        };
        if !end_mark.is_empty() {
            steps.push(write(file, "recovery: end mark", parsed.tail, end_mark));
        }
        steps.push(Step::call("recovery: barrier", Call::Barrier(file.into())));
        steps
    }
}

/// The name of the log, and the name of the store.
pub(crate) fn name_barriers(log: Site, store: Site) -> [StepOf<Wal>; 2] {
    [
        Step::call(log, Call::DirectoryBarrier(STORE.into())),
        Step::call(store, Call::DirectoryBarrier(String::new())),
    ]
}
