//! What can be wrong with the input of a check.

use std::path::PathBuf;

/// Why a check could not be run. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory cannot be read or written.
    #[error("cannot {doing} {path}: {source}; check the path and its permissions")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A spec, or the lock, is not what it should be.
    #[error("{path}: {because}")]
    Spec {
        /// Which file.
        path: PathBuf,
        /// What is wrong, where, and what would be right.
        because: String,
    },
    /// A counterexample cannot be read or written.
    #[error(transparent)]
    Counterexample(#[from] crate::counterexample::file::Error),
    /// What was asked for on the command line does not exist.
    #[error("{0}")]
    Usage(String),
    /// `--bless` in a place where nobody looks at what it writes.
    #[error(
        "--bless writes what was found into specs/verdicts.lock and CHECKING.md, for a person to \
         look at: it does nothing where CI is set"
    )]
    BlessInCi,
}
