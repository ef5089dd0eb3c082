//! Crash exploration of real storage code.

pub mod contract;
pub mod counterexample;
pub mod engines;
mod history;
mod life;
mod report;
mod search;
pub mod subject;
mod trace;

pub use contract::{Contract, Event, Log, LogWrite, Map, MapWrite, Operation, Streams, Told};
pub use counterexample::{Counterexample, replay};
pub use history::Breach;
pub use report::{Report, Verdict};
pub use search::{Bounds, Crash, Exploration, Mode, Workload, explore};
pub use subject::{Failure, Subject};
