//! Real stores on real files, written by threads of a process that is killed at random times, opened again, and held to
//! what that process had been told.
//!
//! ```text
//!   parent                               child                        the store
//!     |------------ starts ---------------->|--------- open ------------->|
//!     |                                     |  T threads: operation n --->|
//!     |<--- "thread, number", on a pipe ----|<----------- Ok -------------|
//!     |------------ SIGKILL --------------->x                             |
//!     |                                                                   |
//!     |   now and then: a child that only opens it, killed while it does  |
//!     |------------------------------ open, read all -------------------->|
//!     |   all that was told is there; what was under way whole, or not at all
//! ```
//!
//! What operation n of a thread does follows from the seed, the thread and n, and each thread has keys of its own: so
//! acknowledgements are numbers, and who reads the pipe knows what the store must hold, however the threads ran.
//!
//! - [`Soak`] is the parent; [`child()`] what it starts; [`ENGINES`] what there is.
//! - `operation`: what an operation does. `told`: the log of acknowledgements. `life`: one process, from its start to its
//!   end. `verdict`: what must be there.
//!
//! LIMIT: a kill takes the process and leaves what is cached. Whether barriers are where they should be is not seen
//! here: that is what [`explore`](crate::explore) is for.

mod chance;
mod child;
mod engines;
mod life;
mod mode;
mod operation;
mod parent;
mod told;
mod verdict;

pub use child::child;
pub use engines::{ENGINES, Engine, named};
pub use mode::sync_mode;
pub use parent::{Outcome, Soak, Tally, Until};

use std::path::{Path, PathBuf};

/// Why a soak cannot go on. It says nothing about promises.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a directory or a process cannot be had.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The process that was to be killed ended before, or says nothing that makes sense. The store stays.
    #[error("the process that was to be killed {said}; its store is in {dir}")]
    Child {
        /// What it did, and its words.
        said: String,
        /// Where its store is.
        dir: PathBuf,
    },
}

impl Error {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io {
            doing,
            path,
            source,
        }
    }
}

/// A value in a sentence.
fn say(value: Option<&[u8]>) -> String {
    let Some(value) = value else {
        return "missing".into();
    };
    let begin = String::from_utf8_lossy(&value[..value.len().min(16)]);
    let rest = if value.len() > 16 { ".." } else { "" };
    format!("`{begin}{rest}` ({} bytes)", value.len())
}
