//! What people and programs read: verdicts, counterexamples, lists, results for CI.

pub mod checking;
mod contents;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod html;
#[cfg(feature = "cli")]
pub mod junit;
mod link;
pub mod markdown;
pub mod merge;
pub mod pages;
pub mod plan;
pub mod results;
pub mod step;
pub mod svg;
pub mod text;
pub mod timings;
mod visible;
