//! Crash exploration of real storage code.

pub mod contract;
pub mod engines;
mod history;
mod life;
mod report;
mod search;
pub mod subject;

pub use contract::{Contract, Event, Log, LogWrite, Map, MapWrite, Operation, Streams, Told};
pub use history::Breach;
pub use report::{Report, Verdict};
pub use search::{Bounds, Crash, Mode, Workload, explore};
pub use subject::{Failure, Subject};
