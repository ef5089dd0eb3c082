//! From specs to verdicts: reads `specs/`, explores, and says what was found.
//!
//! - [`spec`]: what a file in `specs/` may say
//! - [`catalogue`]: the engines and protocols that a spec can name
//! - [`search`]: stateright's exploration with a limit, and the search for shortest scripts
//! - [`queue`]: several checks at a time
//! - [`verdict`]: what a check found, and whether that was expected
//! - [`lock`]: `specs/verdicts.lock`, the ratchet
//! - [`replace`](mod@replace): files that are written whole or not at all
//! - [`counterexample`]: the counterexample of a model
//! - [`again`]: one that was written down, run again
//! - [`explorer`]: stateright's Explorer on a check, in words

pub mod again;
pub mod catalogue;
pub mod counterexample;
pub mod error;
pub mod explorer;
pub mod lock;
mod promised;
pub mod queue;
pub mod replace;
pub mod replayed;
pub mod run;
pub mod search;
pub mod spec;
pub mod verdict;

pub use error::Error;
