//! `std::fs` over a simulated machine: the same names, signatures and kinds of error.
//!
//! ```
//! use lightsout::simfs::{self as fs, File};
//! use lightsout::storage::simulated::Simulated;
//! use std::io::Write;
//!
//! # fn main() -> std::io::Result<()> {
//! let storage = Simulated::named("posix").ok_or(std::io::ErrorKind::NotFound)?;
//! fs::within(&storage, || {
//!     fs::create_dir("store")?;
//!     let mut log = File::create_new("store/log")?;
//!     log.write_all(b"one")?;
//!     log.sync_all()?;
//!     File::open("store")?.sync_all() // the names in it
//! })?;
//! assert!(storage.crash_images() > 1); // for the name of the directory itself is not durable yet
//! # Ok(())
//! # }
//! ```
//!
//! Paths are of the machine that the thread has entered, by [`enter`] or [`within`]; without one a call panics.
//! Another thread enters for itself. Files and directories that are open keep their machine, whatever the
//! thread enters later, and die with the simulated process that opened them. In a
//! [`Subject`](crate::explore::Subject) each of its functions is wrapped in [`within`].
//!
//! Relative paths and absolute ones begin at the root of the machine: there is no current directory.
//!
//! # What is not as in `std::fs`
//!
//! - Not there: links of both kinds, permissions, times, `canonicalize`, shared locks, and all that makes a file
//!   from a descriptor or a descriptor from a file.
//! - `Path::exists`, `Path::is_dir`, `Path::metadata` and their like ask the real disk: use [`exists`] and
//!   [`metadata`].
//! - A path with `..` in it, or one that is not UTF-8, is `InvalidInput`.
//! - A rename of a directory onto another one, empty or not, is refused: as `Unsupported`, where the other one is
//!   empty.
//! - [`File::lock`] does not wait: where somebody else has the lock, it is an error of the kind `Deadlock`.
//! - Reads and writes are whole: a read is short at the end of the file only, and of a write that fails as planned
//!   the caller is told the error, even where a part was written.
//! - A directory lists its names sorted, and has a length of 0.
//! - As on Linux, a positioned write to a file that was opened to append goes to the end.
//! - Errors have the kind that the system's have, but another text and, mostly, no number.

mod calls;
mod file;
mod io;
mod metadata;
mod options;
mod read_dir;
#[cfg(test)]
mod tests;

use crate::storage::simulated::Simulated;
use std::cell::RefCell;
use std::marker::PhantomData;

pub use calls::{
    copy, create_dir, create_dir_all, exists, metadata, read, read_to_string, remove_dir,
    remove_dir_all, remove_file, rename, symlink_metadata, write,
};
pub use file::File;
pub use metadata::{FileType, Metadata};
pub use options::{DirBuilder, OpenOptions};
pub use read_dir::{DirEntry, ReadDir, read_dir};
pub use std::fs::TryLockError;

thread_local! {
    static CURRENT: RefCell<Option<Simulated>> = const { RefCell::new(None) };
}

/// A thread's stay on a machine: it ends when this is dropped, and the thread is where it was before.
///
/// Of several, drop the latest first.
#[derive(Debug)]
#[must_use = "the thread leaves the machine when this is dropped"]
pub struct Entered {
    before: Option<Simulated>,
    /// Of this thread only.
    here: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        // A thread that ends may be past it.
        let _ = CURRENT.try_with(|current| current.replace(before));
    }
}

/// From now on, until the guard is dropped, the calls of this thread reach this machine.
pub fn enter(storage: &Simulated) -> Entered {
    Entered {
        before: CURRENT.replace(Some(storage.clone())),
        here: PhantomData,
    }
}

/// Does something whose calls reach this machine.
pub fn within<T>(storage: &Simulated, work: impl FnOnce() -> T) -> T {
    let _entered = enter(storage);
    work()
}

/// The machine that the thread has entered.
fn current() -> Simulated {
    CURRENT.with_borrow(Clone::clone).expect(
        "this thread has entered no simulated machine: keep the guard of lightsout::simfs::enter(&storage), or wrap \
         the work in lightsout::simfs::within(&storage, || ..)",
    )
}
