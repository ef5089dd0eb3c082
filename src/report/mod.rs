//! What people read: verdicts, counterexamples, lists.

pub mod checking;
mod contents;
pub mod explain;
pub mod html;
pub mod json;
pub mod text;
