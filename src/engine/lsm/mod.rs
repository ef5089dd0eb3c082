//! An LSM tree, its parts: tables, the memtable, scans.

mod error;
mod memtable;
mod scan;
mod table;

pub use error::Error;
pub use scan::Scan;
