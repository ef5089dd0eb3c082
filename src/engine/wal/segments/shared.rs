//! The log in segments, for whoever keeps something beside it.

use super::super::error::{Error, OrFail};
use super::super::file;
use super::super::format::{Lsn, Note, Owner, Write, check_limits};
use super::super::group::{Alone, Group, Ledger};
use super::super::read::Place;
use super::ledger::{Beside, Segments, recovered};
use super::{Options, Record, names};
use crate::storage::{File, Storage, claim};
use std::path::{Path, PathBuf};

/// An open log in segments.
#[derive(Debug)]
pub(crate) struct Shared<S: Storage, B: Beside> {
    storage: S,
    dir: PathBuf,
    owner: Owner,
    group: Group<Segments<S::File, B>>,
    _lock: S::Lock,
}

/// The turn of one who rotates or truncates.
type Turn<'g, S, B> = Alone<'g, Segments<<S as Storage>::File, B>>;

impl<S: Storage, B: Beside> Shared<S, B> {
    /// As [`SegmentedLog::open`](super::SegmentedLog::open), the log of this engine. `check` is told the
    /// truncation point and the index of the last record, and looks at what the engine has beside the log before
    /// anything is changed.
    pub(crate) fn open<T, E: From<Error>>(
        storage: S,
        dir: &Path,
        options: Options,
        owner: Owner,
        beside: B,
        check: impl FnOnce(u64, u64) -> Result<T, E>,
    ) -> Result<(Shared<S, B>, T), E> {
        let lock = claim(&storage, dir).or_fail("open the store")?;
        let lock = lock.ok_or_else(|| Error::Locked {
            dir: dir.to_path_buf(),
        })?;
        let (segments, checked) = recovered(&storage, dir, options, owner, beside, check)?;
        let log = Shared {
            storage,
            dir: dir.to_path_buf(),
            owner,
            group: Group::new(segments),
            _lock: lock,
        };
        Ok((log, checked))
    }

    /// Appends one record, where what is beside the log lets it: `check`. `staged` is told what it is and where, in the
    /// order of the records, before it returns to anybody.
    pub(crate) fn append<E: From<Error>>(
        &self,
        writes: &[Write],
        check: impl FnOnce(&B) -> Result<(), E>,
        staged: impl FnOnce(&mut B, Lsn, Place),
    ) -> Result<Lsn, E> {
        check_limits(writes)?;
        self.write(|segments| {
            check(&segments.beside)?;
            let next = segments.last.next_place();
            let lsn = segments.last.stage(writes)?;
            let index = lsn.index;
            staged(&mut segments.beside, lsn, Place { index, ..next });
            Ok(lsn)
        })
    }

    /// Appends a note.
    pub(crate) fn note(&self, note: Note) -> Result<Lsn, Error> {
        self.write(|segments| segments.last.stage_note(note, false))
    }

    fn write<E: From<Error>>(
        &self,
        stage: impl FnOnce(&mut Segments<S::File, B>) -> Result<Lsn, E>,
    ) -> Result<Lsn, E> {
        self.group.write(|| Ok(self.make_room()?), stage)
    }

    /// As [`SegmentedLog::checkpoint`](super::SegmentedLog::checkpoint).
    pub(crate) fn checkpoint(&self, up_to: u64) -> Result<Option<Lsn>, Error> {
        let turn = self.group.alone()?;
        note_checkpoint(&turn, up_to)
    }

    /// As [`SegmentedLog::truncate`](super::SegmentedLog::truncate).
    pub(crate) fn truncate(&self, up_to: u64) -> Result<(), Error> {
        let turn = self.group.alone()?;
        note_checkpoint(&turn, up_to)?;
        // INVARIANT: the checkpoint is durable, or whichever removal outlives a power cut would leave a
        // hole.
        let given_up = |segments: &mut Segments<S::File, B>| {
            let point = segments.point;
            let oldest = segments.closed.first()?;
            let is_given_up = oldest.last().is_none_or(|last| last.index <= point);
            is_given_up.then(|| oldest.path().to_path_buf())
        };
        while let Some(path) = turn.with(given_up) {
            let removed = self.storage.remove(&path).or_fail("remove a segment");
            removed.map_err(|error| turn.poisoned_by(error))?;
            turn.with(|segments| drop(segments.closed.remove(0)));
        }
        Ok(())
    }

    /// As [`SegmentedLog::rotate`](super::SegmentedLog::rotate).
    pub(crate) fn rotate(&self) -> Result<(), Error> {
        let turn = self.group.alone()?;
        self.begin_segment(&turn)
    }

    fn make_room(&self) -> Result<(), Error> {
        let turn = self.group.alone()?;
        // Somebody else may have made it, while this one waited for its turn.
        match turn.with(|segments| segments.has_room()) {
            true => Ok(()),
            false => self.begin_segment(&turn),
        }
    }

    fn begin_segment(&self, turn: &Turn<'_, S, B>) -> Result<(), Error> {
        if turn.with(|segments| segments.last.live_bytes()) == 0 {
            return Ok(());
        }
        turn.sync()?;
        let last = turn.with(|segments| segments.last.last());
        let first = last.map_or(1, |lsn| lsn.index.saturating_add(1));
        let made = create(&self.storage, &self.dir, first, self.owner).and_then(|file| {
            let named = self.storage.directory_barrier(&self.dir);
            named.or_fail("sync the store")?;
            Ok(file)
        });
        let file = made.map_err(|error| turn.poisoned_by(error))?;
        let path = names::path(&self.dir, first);
        turn.with(|segments| {
            let next = segments.last.successor(file, &path);
            let full = std::mem::replace(&mut segments.last, next);
            segments.closed.push(full);
        });
        Ok(())
    }

    /// As [`SegmentedLog::sync`](super::SegmentedLog::sync).
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.group.sync()
    }

    /// The records above the truncation point and after `after`, notes too, with their places.
    pub(crate) fn read_from(
        &self,
        after: Option<Lsn>,
    ) -> impl Iterator<Item = Result<(Place, Record), Error>> + use<S, B> {
        self.look(|segments| segments.read_from(after))
    }

    /// The index of the last record in the segments before the last: nothing is appended up to there.
    pub(crate) fn closed_up_to(&self) -> Option<u64> {
        self.look(|it| (!it.closed.is_empty()).then(|| it.last.floor()))
    }

    /// Whether this handle takes no more.
    pub(crate) fn check_poison(&self) -> Result<(), Error> {
        self.look(|segments| segments.last.check_poison())
    }

    /// The newest record that was recovered or whose append returned.
    pub(crate) fn last(&self) -> Option<Lsn> {
        self.look(|segments| segments.last.last())
    }

    /// Looks at the segments, for a moment.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&mut Segments<S::File, B>) -> T) -> T {
        self.group.look(at)
    }

    /// How many threads wait for others.
    pub(crate) fn waiting(&self) -> usize {
        self.group.waiting()
    }
}

fn note_checkpoint<F: File, B: Beside>(
    turn: &Alone<'_, Segments<F, B>>,
    up_to: u64,
) -> Result<Option<Lsn>, Error> {
    let noted = turn.with(|segments| {
        let last = segments.last.last().map_or(0, |lsn| lsn.index);
        if up_to > last {
            return Err(Error::NotThere { up_to, last });
        }
        if up_to <= segments.point {
            return Ok(None);
        }
        let noted = segments.last.stage_note(Note::Checkpoint(up_to), true);
        noted.map(Some)
    })?;
    if noted.is_some() {
        turn.commit()?;
        turn.with(|segments| segments.point = up_to);
    }
    Ok(noted)
}

/// Makes the segment whose first record will have this index, open under its final name, which is cached.
pub(super) fn create<S: Storage>(
    storage: &S,
    dir: &Path,
    first: u64,
    owner: Owner,
) -> Result<S::File, Error> {
    let (in_the_making, path) = (names::in_the_making(dir, first), names::path(dir, first));
    let file = storage.create(&in_the_making).or_fail("make a segment")?;
    file::write_header(&file, owner)?;
    let named = storage.rename(&in_the_making, &path);
    named.or_fail("give a segment its name")?;
    storage.open(&path).or_fail("open a segment")
}
