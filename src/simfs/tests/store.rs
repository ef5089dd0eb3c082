//! A small store, written with the drop-in and explored: it holds, and without the barrier of its directory it
//! is refuted.

use crate::explore::{
    Bounds, Breach, Contract, Failure, Log, LogWrite, Operation, Subject, Told, Verdict, Workload,
    explore,
};
use crate::simfs::{self as fs, File, within};
use crate::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES, Simulated};
use models::profile::Profile;
use std::io::{self, ErrorKind, Write};

/// Nothing in it but `std::fs`.
struct Entries;

impl Entries {
    fn open() -> io::Result<Entries> {
        fs::create_dir_all("store")?;
        // Made by a process that was killed, it may be there and not durable; so may a new name in it.
        File::open("/")?.sync_all()?;
        File::open("store")?.sync_all()?;
        Ok(Entries)
    }

    fn read(&self) -> io::Result<Vec<Vec<u8>>> {
        match fs::read_to_string("store/log") {
            Ok(log) => Ok(log.lines().map(|line| line.as_bytes().to_vec()).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, entries: &[Vec<u8>], sync_directory: bool) -> io::Result<()> {
        let mut log = File::create("store/log.new")?;
        for entry in entries {
            log.write_all(entry)?;
            log.write_all(b"\n")?;
        }
        log.sync_all()?;
        drop(log);
        fs::rename("store/log.new", "store/log")?;
        match sync_directory {
            true => File::open("store")?.sync_all(),
            false => Ok(()),
        }
    }
}

struct Explored {
    sync_directory: bool,
}

impl Subject for Explored {
    type Contract = Log;
    type Store = (Simulated, Entries);

    fn open(&self, storage: &Simulated) -> Result<Self::Store, Failure> {
        Ok((storage.clone(), within(storage, Entries::open)?))
    }

    fn apply(
        &self,
        (storage, store): &mut Self::Store,
        operation: &Operation<LogWrite>,
    ) -> Result<Told, Failure> {
        within(storage, || {
            let mut entries = store.read()?;
            for write in operation.writes() {
                Log::write(&mut entries, write);
            }
            store.replace(&entries, self.sync_directory)?;
            Ok(Told::Durable)
        })
    }

    fn observe(&self, (storage, store): &mut Self::Store) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(within(storage, || store.read())?)
    }
}

fn explored(sync_directory: bool) -> Verdict {
    let append = |entry: &str| LogWrite::Append(entry.into());
    let workload = Workload {
        operations: vec![
            Operation::Write(vec![append("one")]),
            Operation::Write(vec![append("two"), append("three")]),
            Operation::Reopen,
            Operation::Write(vec![LogWrite::Truncate(1)]),
        ],
        then: vec![Operation::Write(vec![Log::fresh(0)])],
    };
    let posix = Profile::named("posix").unwrap();
    let posix = posix.with_sizes(SECTOR_BYTES, BLOCK_BYTES);
    let subject = Explored { sync_directory };
    let exploration = explore(&subject, &posix, &workload, &Bounds::default());
    assert_eq!(exploration.counterexample.is_none(), sync_directory);
    exploration.report.verdict
}

#[test]
fn a_store_that_syncs_its_directory_holds() {
    assert_eq!(explored(true), Verdict::Holds);
}

#[test]
fn a_store_that_does_not_sync_its_directory_loses_what_it_promised() {
    match explored(false) {
        Verdict::Violates { breach, .. } => assert_eq!(breach, Breach::Lost),
        other => panic!("not refuted: {other:?}"),
    }
}
