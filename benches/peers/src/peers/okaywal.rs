//! okaywal: an entry for each put, durable once `commit` returns, in any setting. Its segments of 1 MiB are written full of zeros
//! when they are made, and used again once they are checkpointed.
//!
//! A checkpoint costs nothing here, as nobody wants the entries elsewhere: that flatters it.

use crate::durable::{Durable, Found, Key, Outcome, Row, Value};
use okaywal::{Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};
use std::io::{self, ErrorKind};

pub(crate) const ROW: Row = Row {
    name: "okaywal",
    open: |dir, _| {
        Ok(Box::new(Log(Some(WriteAheadLog::recover(
            dir,
            Whole::default(),
        )?))))
    },
    // The next entry's number says how many there were; those that are not checkpointed are looked at.
    found: |dir| {
        let log = WriteAheadLog::recover(dir, Whole::default())?;
        let next = log.begin_entry()?;
        let count = next.id().0 - 1;
        next.rollback()?;
        log.shutdown()?;
        Ok(Found::Counted(count))
    },
};

/// Gone once it is shut down.
struct Log(Option<WriteAheadLog>);

impl Durable for Log {
    fn put(&self, key: &Key, value: &Value) -> Outcome {
        let log = self.0.as_ref().ok_or("okaywal is shut down")?;
        let mut entry = log.begin_entry()?;
        entry.write_chunk(&[key.as_slice(), value].concat())?;
        // What makes it durable.
        entry.commit()?;
        Ok(())
    }
}

impl Drop for Log {
    /// Its thread is waited for, before the directory is opened again.
    fn drop(&mut self) {
        let _ = self.0.take().map(WriteAheadLog::shutdown);
    }
}

/// Every entry is whole, and follows the one before.
#[derive(Debug, Default)]
struct Whole {
    last: Option<EntryId>,
}

impl LogManager for Whole {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        let follows = self.last.is_none_or(|last| entry.id().0 == last.0 + 1);
        self.last = Some(entry.id());
        match entry.read_all_chunks()? {
            Some(chunks) if follows && chunks.len() == 1 => Ok(()),
            _ => Err(io::Error::new(
                ErrorKind::InvalidData,
                "an entry is missing or cut",
            )),
        }
    }

    fn checkpoint_to(
        &mut self,
        _last: EntryId,
        _entries: &mut SegmentReader,
        _log: &WriteAheadLog,
    ) -> io::Result<()> {
        Ok(())
    }
}
