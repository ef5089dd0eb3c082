//! A checkpoint: the pages that the log holds get in place, and the log begins anew.

use super::error::{Error, OrFail};
use super::slot::Slot;
use super::store::Btree;
use crate::storage::{File, Storage};

impl<S: Storage> Btree<S> {
    pub(super) fn write_in_place(&mut self) -> Result<(), Error> {
        // INVARIANT: no page is in place before the record that holds it is durable.
        self.log.sync()?;
        let page_bytes = self.options.page_bytes;
        for (number, image) in &self.dirty {
            let written = self.file.write_at(number * page_bytes as u64, image);
            written.or_fail("write a page")?;
        }
        self.file.data_barrier().or_fail("sync the pages")?;
        // INVARIANT: a slot is written only after the pages that it tells of are durable, and the log is overwritten
        // only after the slot is.
        let slot = Slot {
            page_bytes,
            floor: self.log.last(),
        };
        let number = 1 - self.slot;
        let written = self
            .file
            .write_at(number * page_bytes as u64, &slot.encode());
        written.or_fail("write a slot")?;
        self.file.data_barrier().or_fail("sync the pages")?;
        self.slot = number;
        self.pages_written += self.dirty.len() as u64;
        self.dirty.clear();
        self.log.recycle();
        Ok(())
    }
}
