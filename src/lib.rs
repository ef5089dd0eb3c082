//! When the lights go out, is every acknowledged write still there?
//!
//! - [`storage`]: the small trait that engines talk to a disk through, on real files and on the
//!   models' disk
//! - [`engine`]: the engines, experimental; they know `storage` only
//! - [`conform`]: models and engines meet here, and only here
//! - [`explore`]: crash exploration of real code, yours and ours: what loom is for threads
//! - [`check`]: specs to verdicts
//! - [`counterexample`]: a way to a broken promise: the schema, and what is done with one
//! - [`litmus`]: which states a crash can leave, asked directly
//! - [`report`]: what people read
//! - [`interrupt`]: a run that is asked to end early
//! - [`fs`]: a drop-in for `std::fs`, simulated under `--cfg lightsout`; [`simfs`]: the same, simulated always

pub mod check;
pub mod conform;
pub mod counterexample;
pub mod engine;
pub mod explore;
pub mod fs;
pub mod interrupt;
pub mod litmus;
pub mod parallel;
pub mod report;
pub mod simfs;
pub mod storage;
