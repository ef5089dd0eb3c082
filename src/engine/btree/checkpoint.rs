//! A checkpoint: the pages that the log holds get in place, and the log begins anew.

use super::book::Book;
use super::error::{Error, OrFail};
use super::slot::Slot;
use crate::engine::wal::group::Alone;
use crate::storage::File;

/// Who calls this is alone: nobody writes meanwhile, and readers find the pages where they were, in memory.
pub(super) fn write_in_place<F: File>(turn: &Alone<'_, Book<F>>) -> Result<(), Error> {
    // INVARIANT: no page is in place before the record that holds it is durable.
    turn.sync()?;
    let (file, page_bytes, dirty) = turn.with(|book| {
        let pages = &book.pages;
        (pages.file.clone(), pages.page_bytes, pages.dirty.clone())
    });
    for (number, image) in &dirty {
        let written = file.write_at(number * page_bytes as u64, image);
        written.or_fail("write a page")?;
    }
    file.data_barrier().or_fail("sync the pages")?;
    // INVARIANT: a slot is written only after the pages that it tells of are durable, and the log is overwritten
    // only after the slot is.
    let (floor, number) = turn.with(|book| (book.log.last(), 1 - book.slot));
    let slot = Slot { page_bytes, floor };
    let written = file.write_at(number * page_bytes as u64, &slot.encode());
    written.or_fail("write a slot")?;
    file.data_barrier().or_fail("sync the pages")?;
    turn.with(|book| {
        book.slot = number;
        book.pages_written += dirty.len() as u64;
        book.pages.dirty.clear();
        book.log.recycle();
    });
    Ok(())
}
