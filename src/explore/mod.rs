//! Crash exploration of real storage code.

mod bounds;
pub mod contract;
pub mod counterexample;
pub mod engines;
mod history;
mod life;
mod notes;
mod point;
mod recover;
mod report;
mod search;
pub mod subject;
mod trace;

pub use bounds::{Bounds, Crash, Mode, Trouble, Workload};
pub use contract::{Contract, Event, Log, LogWrite, Map, MapWrite, Operation, Streams, Told};
pub use counterexample::{Counterexample, replay};
pub use history::Breach;
pub use report::{Report, Verdict};
pub use search::{Exploration, explore, explore_planted};
pub use subject::{Failure, Subject};
