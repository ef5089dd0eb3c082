//! Storage engines that nobody here wrote, taken hold of where they let others put a file system of their own.
//!
//! Each file is a seam and a subject: read one as the pattern for a trait that your engine already has.

pub mod lsm_tree;
pub mod raft_engine;
pub mod redb;
