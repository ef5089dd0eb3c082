//! A B-tree: pages in one file, written in place, behind a log of whole pages.
//!
//! ```text
//! put         one record of the log: every page that changes, as it is after it | data barrier | Ok
//! checkpoint  log: data barrier | the changed pages, in place | data barrier | the other slot | data barrier
//!             from here on the next record goes to the head of the log
//! open        the slot that counts, again | barrier | zeros over the other one | barrier | the log as a log on its own | Ok
//! ```
//!
//! - [`Btree`] is the handle, [`Options`] its settings, [`Stats`] what it is made of; [`Range`] scans.
//! - `book`: what the lock is for, pages and their changes; `range`: scans. `page`: the bytes of a page. `slot`: those of a slot. `tree`: which pages a change changes. `recovery`: what an open
//!   does. `checkpoint`: how pages get in place.
//! - [`as_found`]: the unsafe other one.
//!
//! No page of an operation reaches the data file before the record that holds it is durable, so there is nothing to undo;
//! and every page that a crash may have torn there is whole in the log, so there is nothing to repair but by redo.
//!
//! LIMIT: pages that were read stay in memory, and so do those that the log holds.

pub mod as_found;
mod book;
mod checkpoint;
mod error;
mod page;
mod range;
mod recovery;
mod slot;
mod store;
#[cfg(test)]
mod tests;
mod tree;

pub use error::Error;
pub use range::Range;
pub use store::{Btree, Options, Stats};

pub(crate) use page::{Node, NodeOf};
pub(crate) use slot::{SLOT_BYTES, Slot};
pub(crate) use tree::{Pages, changed, empty};

/// What the tree in `dir`, of pages of so many bytes, holds once it is recovered, which this does: its keys, in order, with
/// their values. It uses no primitive of a scheduler, so a test may call it on what a crash would leave, in the middle of
/// an execution.
#[cfg(any(loom, shuttle))]
pub fn recovered<S: crate::storage::Storage>(
    storage: &S,
    dir: &std::path::Path,
    page_bytes: usize,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
    let options = Options {
        page_bytes,
        preallocate: 0,
        ..Options::default()
    };
    let found = recovery::recover(storage, dir, &options)?;
    let path = dir.join(recovery::PAGES);
    range::pairs(&book::Returned::new(
        path,
        page_bytes,
        found.file,
        found.dirty,
    ))
}

/// The least bytes of a page.
pub const PAGE_BYTES_MIN: usize = 256;
/// The most bytes of a page.
pub const PAGE_BYTES_MAX: usize = 64 << 10;
