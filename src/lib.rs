//! When the lights go out, is every acknowledged write still there?
//!
//! For whoever writes or reviews storage code. It answers twice: `lightsout check` explores the durability
//! protocols of `specs/` as state machines, with a crash at every step, and `lightsout explore` runs *real* code
//! on every state that a crash can leave. A broken promise comes out as a shortest script that a person can read.
//!
//! # Your own store
//!
//! [`explore`] is for power cuts what `loom` is for threads: a test in your crate. A log of lines, for example,
//! whose Ok promises that the line survives:
//!
//! ```
//! use lightsout::explore::{Explorer, Log, LogWrite, Operation, Told, functions};
//! use lightsout::simfs as fs; // In your crate `use lightsout::fs;`, which is `std::fs` outside of these tests.
//! use std::io::{self, Write};
//!
//! fn append(line: &[u8]) -> io::Result<()> {
//!     let mut log = fs::OpenOptions::new().create(true).append(true).open("log")?;
//!     log.write_all(&[line, b"\n"].concat()) // Where is `log.sync_all()`?
//! }
//!
//! fn lines() -> io::Result<Vec<Vec<u8>>> {
//!     match fs::read("log") {
//!         Ok(log) => Ok(log.split_inclusive(|byte| *byte == b'\n')
//!             .filter_map(|line| line.strip_suffix(b"\n").map(<[u8]>::to_vec))
//!             .collect()),
//!         Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
//!         Err(error) => Err(error),
//!     }
//! }
//!
//! let store = functions::<Log, _, _, _, _>(
//!     |disk| Ok(disk.clone()), // Opening it does nothing.
//!     |disk, asked| {
//!         for write in asked.writes() {
//!             let LogWrite::Append(line) = write else { return Err("it gives nothing up".into()) };
//!             fs::within(disk, || append(line))?;
//!         }
//!         Ok(Told::Durable)
//!     },
//!     |disk| Ok(fs::within(disk, lines)?),
//! );
//! let work = [Operation::Write(vec![LogWrite::Append("a".into())])];
//! let explored = Explorer::new(&store).on("ext4-ordered").explore(&work);
//! let found = explored.counterexample.expect("a promise that is broken");
//! let text = found.to_string();
//! assert!(text.contains("promised: entry a") && text.contains("lost: name log"), "{text}");
//! ```
//!
//! It says what was promised and what is there, what happened step by step, what the power cut lost, and which barrier would
//! have kept that.
//!
//! In a `#[test]`, [`check`](explore::Explorer::check) panics with that, and writes it down as JSON. With
//! `log.sync_all()` in its place the next one comes: after a kill the store shows a line that is only cached, and
//! a power cut takes it.
//!
//! # Where to read next
//!
//! - [`explore`]: the ways in, contracts, bounds, the audit of barriers
//! - [`fs`], a drop-in for `std::fs`, simulated under `--cfg lightsout`; [`simfs`], the same, simulated always
//! - [`storage`]: the small trait that our engines talk to a disk through, on real files and on the models' disk
//! - [`engine`]: the engines, experimental; they know `storage` only
//! - [`conform`]: models and engines meet here, and only here
//! - [`check`]: specs to verdicts
//! - [`counterexample`]: a way to a broken promise: the schema, and what is done with one
//! - [`litmus`]: which states a crash can leave, asked directly
//! - [`report`]: what people read
//! - `soak`, with the command: real stores, threads that write, processes that are killed
//! - [`interrupt`]: a run that is asked to end early
//! - [`parallel`]: work on several threads, results in order
//!
//! `CHECKING.md` in the repository says what is checked and what is not, how to read a counterexample, and what
//! to audit; `CHANGELOG.md` what semver covers.

// A scheduler of threads looks at engines on simulated storage, and at nothing that is built around them.
#![cfg_attr(any(loom, shuttle), allow(dead_code, unused_imports))]

#[cfg(not(any(loom, shuttle)))]
pub mod check;
#[cfg(not(any(loom, shuttle)))]
pub mod conform;
#[cfg(not(any(loom, shuttle)))]
pub mod counterexample;
pub mod engine;
#[cfg(not(any(loom, shuttle)))]
pub mod explore;
#[cfg(not(any(loom, shuttle)))]
pub mod fs;
#[cfg(not(any(loom, shuttle)))]
pub mod interrupt;
#[cfg(not(any(loom, shuttle)))]
pub mod litmus;
#[cfg(not(any(loom, shuttle)))]
pub mod parallel;
#[cfg(not(any(loom, shuttle)))]
pub mod report;
#[cfg(not(any(loom, shuttle)))]
pub mod simfs;
#[cfg(all(feature = "cli", not(any(loom, shuttle))))]
pub mod soak;
pub mod storage;
#[cfg(any(loom, shuttle))]
pub mod sync;
#[cfg(not(any(loom, shuttle)))]
pub(crate) mod sync;
