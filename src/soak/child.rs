//! The process that is killed: it opens the store, writes with several threads, and says on a pipe what returned. It
//! never ends by itself.
//!
//! ```text
//! .                 it is about to open the store
//! 2 57 3.1402       operation 57 of thread 2 returned; its record is 1402, of generation 3
//! ! 2 a sentence    thread 2 read another thing than it wrote
//! ```
//!
//! A line is written whole, with one call, so that a kill leaves all of it or nothing.

use super::engines::{self, Engine, Store};
use super::mode::sync_mode;
use super::operation::{Operation, operation, up_to};
use crate::engine::wal::{Lsn, Write as Change};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

/// What a child is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) engine: String,
    pub(super) sync: String,
    pub(super) seed: u64,
    /// The first operation of each thread.
    pub(super) first: Vec<u64>,
    pub(super) work: Work,
}

/// The kind of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Work {
    /// Writes, and says so.
    Write,
    /// Says so, and then writes: a liar, who is to be found out.
    Lie,
    /// Opens the store, again and again.
    Open,
}

/// Does what the parent asks for, until it is killed, or nobody listens any more.
pub fn child(store: &Path, job: &str) -> Result<(), String> {
    let job: Job = serde_json::from_str(job).map_err(|error| format!("it is no job: {error}"))?;
    let engine = engines::named(&job.engine).ok_or("there is no such engine")?;
    let sync = sync_mode(&job.sync).ok_or("there is no such mode")?;
    let pipe = Pipe::new().map_err(|error| format!("there is no pipe: {error}"))?;
    while pipe.say(".").is_ok() {
        let opened = (engine.open)(store, sync)?;
        if job.work != Work::Open {
            return all_threads(engine, opened, job, pipe);
        }
    }
    Ok(())
}

/// Standard output.
struct Pipe(File);

impl Pipe {
    fn new() -> io::Result<Pipe> {
        let pipe = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Pipe(File::from(pipe)))
    }

    /// An error: nobody listens.
    fn say(&self, line: &str) -> io::Result<()> {
        (&self.0).write_all(format!("{line}\n").as_bytes())
    }
}

/// The first thread that ends ends all.
fn all_threads(
    engine: &'static Engine,
    store: Box<dyn Store>,
    job: Job,
    pipe: Pipe,
) -> Result<(), String> {
    let all = Arc::new((store, job, pipe));
    let (ends, ended) = channel();
    for thread in 0..all.1.first.len() {
        let (all, ends) = (all.clone(), ends.clone());
        std::thread::spawn(move || {
            let (store, job, pipe) = &*all;
            let writes = || write(engine, &**store, job, pipe, thread);
            let end = catch_unwind(AssertUnwindSafe(writes));
            let _ = ends.send(end.unwrap_or_else(|_| Err("a thread of it panicked".into())));
        });
    }
    ended.recv().unwrap_or(Ok(()))
}

/// One operation after another.
fn write(
    engine: &Engine,
    store: &dyn Store,
    job: &Job,
    pipe: &Pipe,
    thread: usize,
) -> Result<(), String> {
    let lies = job.work == Work::Lie;
    let first = job.first[thread];
    let thread = thread as u32;
    let mut told = Vec::new();
    for number in first.. {
        if lies && pipe.say(&format!("{thread} {number}")).is_err() {
            return Ok(());
        }
        let operation = operation(engine, job.seed, thread, number);
        let lsn = match &operation {
            Operation::Write(writes) => store.write(writes)?,
            Operation::Maintain(task) => {
                store.maintain(*task, up_to(job.seed, number, &told))?;
                None
            }
        };
        // Nobody is told of a liar's.
        let its_record =
            lsn.filter(|_| !lies)
                .map_or(String::new(), |Lsn { generation, index }| {
                    told.push(index);
                    format!(" {generation}.{index}")
                });
        if !lies && pipe.say(&format!("{thread} {number}{its_record}")).is_err() {
            return Ok(());
        }
        if let Operation::Write(writes) = &operation
            && let Some(wrong) = reads_another_thing(store, writes)?
        {
            let _ = pipe.say(&format!("! {thread} {wrong}"));
            return Ok(());
        }
    }
    Ok(())
}

/// What is wrong with what a key shows whose newest write is the last of these: no other thread writes it.
fn reads_another_thing(store: &dyn Store, writes: &[Change]) -> Result<Option<String>, String> {
    let (key, written) = match writes.last() {
        Some(Change::Put { key, value }) => (key, Some(value)),
        Some(Change::Delete { key }) => (key, None),
        None => return Ok(None),
    };
    let Some(read) = store.get(key) else {
        return Ok(None);
    };
    let read = read?;
    let say = |value: Option<&Vec<u8>>| super::say(value.map(Vec::as_slice));
    Ok((read.as_ref() != written).then(|| {
        let key = String::from_utf8_lossy(key);
        let (written, read) = (say(written), say(read.as_ref()));
        format!("key {key} was read back as {read} and not as {written}")
    }))
}
