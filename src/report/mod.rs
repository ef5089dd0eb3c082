//! What people read: verdicts, counterexamples, lists.

pub mod checking;
mod contents;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod html;
pub mod json;
mod link;
pub mod svg;
pub mod text;
mod visible;
