//! What people read: verdicts, counterexamples, lists.

pub mod checking;
mod contents;
pub mod explain;
pub mod json;
pub mod step;
pub mod svg;
pub mod text;
