//! What is on its way to the log: the records that wait, and those that a leader writes.

use super::error::{Error, OrFail};
use super::format::{Chain, Lsn};
use crate::storage::File;
use std::sync::Arc;

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) bytes: Vec<u8>,
    /// The newest record that was staged, written or not.
    pub(super) last: Option<Lsn>,
    /// What the next record follows.
    pub(super) chain: Chain,
    pub(super) calls: u32,
    /// The index up to which somebody asked for a barrier.
    pub(super) wanted: u64,
}

impl Staged {
    /// Nothing, behind this chain.
    pub(super) fn behind(chain: Chain) -> Staged {
        Staged {
            bytes: Vec::new(),
            last: None,
            chain,
            calls: 0,
            wanted: 0,
        }
    }
}

/// What one leader writes.
#[derive(Debug)]
pub(crate) struct Batch<F> {
    pub(super) file: Arc<F>,
    pub(super) at: u64,
    /// The records, and zeros behind them where the file grows.
    pub(super) bytes: Vec<u8>,
    pub(super) records: usize,
    pub(super) last: Option<Lsn>,
    pub(super) calls: u32,
    pub(super) is_due: bool,
}

impl<F: File> Batch<F> {
    /// Writes it, and makes it durable where that is due.
    pub(crate) fn write(&self) -> Result<(), Error> {
        self.write_alone()?;
        self.sync()
    }

    /// Writes it.
    pub(super) fn write_alone(&self) -> Result<(), Error> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        // One write: whatever part of it a crash leaves, the checksums tell.
        let written = self.file.write_at(self.at, &self.bytes);
        written.or_fail("write to the log")
    }

    /// Makes it durable, where that is due.
    pub(super) fn sync(&self) -> Result<(), Error> {
        match self.is_due {
            true => self.file.data_barrier().or_fail("sync the log"),
            false => Ok(()),
        }
    }
}
