//! Crash exploration of real storage code: what `loom` is for threads, for power cuts.
//!
//! A workload runs on the simulated storage. At every storage call the lights go out, by a power cut that takes
//! any of what is cached, as the file system may, or by a kill that takes the process alone. The code's own
//! recovery runs on every state that is left, as far as it reads them differently; in it the lights go out
//! again, until no crash leaves a state that was not there before. What each recovery shows is held against
//! what the client was told.
//!
//! # A store that is there
//!
//! What it does, in three functions, for one of the ready contracts:
//!
//! ```
//! use lightsout::engine::bitcask::{Bitcask, Options}; // Yours.
//! use lightsout::explore::{Explorer, Map, MapWrite, Operation, Told, functions};
//! use std::collections::BTreeMap;
//!
//! let store = functions::<Map, _, _, _, _>(
//!     |disk| {
//!         // Each sector of zeros that is written ahead would have fates of its own.
//!         let options = Options { preallocate: 0, ..Options::default() };
//!         Ok(Bitcask::open(disk.clone(), "store".as_ref(), options)?)
//!     },
//!     |store, asked| {
//!         match (asked, asked.writes()) {
//!             (_, [MapWrite::Put(key, value)]) => drop(store.put(key, value)?),
//!             (_, [MapWrite::Delete(key)]) => drop(store.delete(key)?),
//!             (Operation::Sync, _) => store.sync()?,
//!             _ => return Err("it is not asked for batches here".into()),
//!         }
//!         Ok(Told::Durable) // Every Ok of this store promises that.
//!     },
//!     |store| Ok(store.fold(BTreeMap::new(), |mut all, key, value| {
//!         all.insert(key.to_vec(), value.to_vec());
//!         all
//!     })?),
//! );
//! // In a `#[test]`:
//! let put = |key: &str, value: &str| Operation::Write(vec![MapWrite::put(key, value)]);
//! Explorer::new(&store).on("ext4-ordered").check(&[put("a", "1"), put("b", "2")]);
//! ```
//!
//! # A store of your own, from nothing
//!
//! ```
//! use lightsout::explore::{Contract, Explorer, Failure, Map, MapWrite, Operation, Subject, Told};
//! use lightsout::storage::{File, Storage, simulated::Simulated};
//! use std::{collections::BTreeMap, path::Path};
//!
//! /// All pairs in one file, which is replaced at each write.
//! struct OneFile;
//!
//! impl Subject for OneFile {
//!     type Contract = Map;
//!     type Store = Simulated;
//!
//!     fn open(&self, disk: &Simulated) -> Result<Simulated, Failure> {
//!         disk.directory_barrier(Path::new("."))?; // What a kill left is only cached.
//!         Ok(disk.clone())
//!     }
//!     fn apply(&self, disk: &mut Simulated, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
//!         let mut pairs = self.observe(disk)?;
//!         asked.writes().iter().for_each(|write| Map::write(&mut pairs, write));
//!         let (new, named) = (Path::new("new"), Path::new("pairs"));
//!         if disk.exists(new)? {
//!             disk.remove(new)?; // What a crash left behind.
//!         }
//!         let file = disk.create(new)?;
//!         file.append(&serde_json::to_vec(&Vec::from_iter(pairs))?)?;
//!         file.barrier()?;
//!         disk.rename(new, named)?;
//!         disk.directory_barrier(Path::new("."))?;
//!         Ok(Told::Durable)
//!     }
//!     fn observe(&self, disk: &mut Simulated) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
//!         if !disk.exists(Path::new("pairs"))? {
//!             return Ok(BTreeMap::new());
//!         }
//!         let file = disk.open(Path::new("pairs"))?;
//!         let mut json = vec![0; file.len()? as usize];
//!         file.read_at(0, &mut json)?;
//!         let pairs: Vec<_> = serde_json::from_slice(&json)?;
//!         Ok(pairs.into_iter().collect())
//!     }
//! }
//!
//! // In a `#[test]`:
//! let put = |key: &str, value: &str| Operation::Write(vec![MapWrite::put(key, value)]);
//! Explorer::new(&OneFile).check(&[put("a", "1"), put("b", "2")]);
//! ```
//!
//! Without the barrier of the file, or that of the directory, it panics with the shortest way to the loss.
//!
//! - [`Subject`]: what the exploration must know of your code
//! - [`Map`], [`Log`], [`Streams`]: what clients are promised, ready to use; [`Contract`] for another one
//! - [`Explorer`]: explores, and panics with the [`Counterexample`] in a test
//! - [`every_sequence`]: every workload up to a length
//! - [`audit`](audit()), [`missing`]: which barriers are needed, which are redundant, which one is not there
//! - [`engines`]: our own engines, its first users
//!
//! A store that talks to `std::fs` rather than to [`Storage`](crate::storage::Storage) comes in by another
//! door; `CHECKING.md` shows all of them.

mod audit;
mod bounds;
mod check;
mod concrete;
pub mod contract;
mod coverage;
pub mod engines;
pub mod export;
mod functions;
mod history;
mod life;
mod lives;
mod notes;
mod ongoing;
mod point;
mod recover;
mod replay;
mod report;
mod same;
mod search;
mod sequences;
mod smaller;
pub mod subject;
mod trace;
mod written;

pub use crate::counterexample::{Breach, Counterexample, Trouble};
pub use audit::{Audited, Need, audit, missing};
pub use bounds::{Bounds, Crash, Mode, Progress, Workload};
pub use check::{Explorer, workload};
pub use contract::{Contract, Event, Log, LogWrite, Map, MapWrite, Operation, Streams, Told};
pub use coverage::{Coverage, During, Family, Met, States};
pub use functions::{Functions, functions};
pub use models::profile::{NAMES as PROFILES, Profile, SWITCHES};
pub use ongoing::{Exploration, Ongoing, explore, explore_planted};
pub use replay::{Replayed, replay};
pub use report::{Report, Shortest, Verdict};
pub use sequences::{Refuted, Sequences, every_sequence};
pub use subject::{Failure, Subject};
