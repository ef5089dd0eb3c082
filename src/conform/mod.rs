//! Conformance: models and engines meet here, and only here.
//!
//! ```text
//!   script --> engine on simulated storage --> trace of calls --\
//!      |                                                         >-- one legal run, or a divergence
//!      \-----> model: expected steps, planned from the script --/
//! ```
//!
//! A [`Script`] says what the client asks for and what befalls the machine. The real engine runs it on
//! the models' disk with bytes in it; in lock step the model runs it on the same disk with tokens in
//! it, sixteen bytes a token. What the model expects comes from the script alone, recovery's steps
//! included, never from what the engine did. The engine's calls must be that run: barriers, names,
//! truncations and answers in order; writes to one file between two of these as a set. After every
//! operation both disks show the same. A power cut strikes the engine's disk with the fates that the
//! script names; the image must be one that the model's disk can leave, and the model goes on from it.
//! What both then recover must be the same, and keep the contract.
//!
//! - [`run`]: a script in lock step
//! - [`replay_log`]: a counterexample of the model, on the real engine
//!
//! An engine and its protocol are a *subject*: `subject` says what the lock step must know of one, and
//! each stands in a file of its own: the log in `wal`, with several writers in `group`, in segments in `segments`, the LSM tree in `lsm`, Bitcask in `bitcask` and `found_bitcask`, the B-tree in `btree`, the event store in
//! `event_store`, and as found in `json_lines`.
//!
//! A lost cell that reads as it would have if it had been kept, as stale space can, counts as kept.

mod bitcask;
mod btree;
mod dictionary;
mod divergence;
mod driver;
mod event_store;
mod explored;
mod found_bitcask;
mod group;
mod images;
mod json_lines;
mod lockstep;
mod lsm;
mod matching;
mod replay;
mod script;
mod segments;
mod smallest;
mod subject;
mod wal;

pub use divergence::{Divergence, Kind};
pub use driver::{Conformed, run, run_as, run_together, run_with};
pub use event_store::EVENT_CELLS;
pub use lockstep::{ANSWER, DEATH};
pub use replay::{
    Replayed, replay_bitcask, replay_btree, replay_events, replay_found_bitcask, replay_lines,
    replay_log, replay_lsm, replay_segments,
};
pub use script::{
    Discipline, Engine, Events, Files, FoundFiles, Lines, Pages, Script, Segments, Step, Sync,
    TornLine, Tree, Write,
};

/// Bytes in a cell: what a token of the model stands for.
pub const CELL_BYTES: usize = 16;
