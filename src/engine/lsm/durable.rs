//! The durable store as its callers see it: write, sync, flush, compact. What goes on beside them is in `work`.

use super::book::Book;
use super::error::Error;
use super::options::{Background, Options};
use super::recovery::{self, Opened};
use super::version::Current;
use crate::engine::wal::format::check_limits;
use crate::engine::wal::group::{Group, Ledger};
use crate::engine::wal::{Lsn, Write};
use crate::storage::Storage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What all threads share.
#[derive(Debug)]
pub(super) struct Durable<S: Storage> {
    pub(super) storage: S,
    pub(super) dir: PathBuf,
    pub(super) options: Options,
    pub(super) group: Group<Book<S>>,
    _lock: S::Lock,
}

impl<S: Storage> Durable<S> {
    /// Opens the store, and says what readers see.
    pub(super) fn open(
        storage: &S,
        dir: &Path,
        options: &Options,
        lock: S::Lock,
    ) -> Result<(Durable<S>, Arc<Current<S>>), Error> {
        let Opened {
            active,
            other,
            due,
            version,
        } = recovery::open(storage, dir, options)?;
        let at = active.last().map_or(0, |lsn| lsn.index);
        let current = Arc::new(Current::new(version, at));
        let durable = Durable {
            storage: storage.clone(),
            dir: dir.to_path_buf(),
            options: *options,
            group: Group::new(Book {
                current: current.clone(),
                active,
                other,
                due,
                flush_at: options.flush_at,
                flushing: false,
                merging: false,
                flushes: 0,
                merges: 0,
                closing: false,
                poison: None,
            }),
            _lock: lock,
        };
        Ok((durable, current))
    }

    /// Appends one record, and shows it once it returns.
    pub(super) fn write(&self, writes: &[Write]) -> Result<Lsn, Error> {
        check_limits(writes)?;
        self.group.write(
            || self.make_room(),
            |book| {
                book.check_poison()?;
                let lsn = book.active.stage(writes)?;
                // Nobody sees it before its index is shown.
                recovery::insert(&book.current.version().memtable, lsn, writes);
                Ok(lsn)
            },
        )
    }

    /// Makes everything that returned durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.check_poison()?;
        Ok(self.group.sync()?)
    }

    /// Makes tables of all that returned, and does the merges that are due then, where nobody else does.
    pub(super) fn flush(&self) -> Result<(), Error> {
        self.flush_alone()?;
        if self.options.background == Background::Callers {
            while self.run_one()? {}
        }
        Ok(())
    }

    /// Makes tables of all that returned.
    pub(super) fn flush_alone(&self) -> Result<(), Error> {
        self.check_poison()?;
        let last = self.group.look(|book| book.active.last());
        let last = last.map_or(0, |lsn| lsn.index);
        while self.group.look(|book| book.floor()) < last {
            match self.group.look(|book| book.due.is_some()) {
                true => self.wait_for_the_other_log()?,
                false => self.switch(|_| true)?,
            }
            self.check_poison()?;
        }
        Ok(())
    }

    /// One step on the way to a log with room.
    fn make_room(&self) -> Result<(), Error> {
        self.check_poison()?;
        match self.group.look(|book| book.due.is_some()) {
            true => self.wait_for_the_other_log(),
            false => self.switch(|book| !book.has_room()),
        }
    }

    /// The two logs change places, if that is still wanted when it is this one's turn.
    fn switch(&self, is_wanted: impl FnOnce(&mut Book<S>) -> bool) -> Result<(), Error> {
        let turn = self.group.alone()?;
        if turn.with(|book| book.due.is_none() && is_wanted(book)) {
            // INVARIANT: what a table will hold was acknowledged, or could be; and a record of the other log says
            // that everything before it is durable.
            turn.sync()?;
            turn.with(Book::switch);
        }
        drop(turn);
        self.group.change(|_| ());
        Ok(())
    }

    /// Waits until a table holds the other log, or makes that table.
    fn wait_for_the_other_log(&self) -> Result<(), Error> {
        if self.options.background == Background::Callers && self.run_one()? {
            return Ok(());
        }
        self.group.wait_until(|book| {
            let is_nobodys = book.due.is_some() && !book.flushing;
            let is_mine = is_nobodys && self.options.background == Background::Callers;
            book.due.is_none() || is_mine || book.check_poison().is_err()
        })?;
        self.check_poison()
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        self.group.look(|book| book.check_poison())
    }
}
