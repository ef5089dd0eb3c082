//! What people read: verdicts, counterexamples, lists.

pub mod checking;
pub mod json;
pub mod text;
