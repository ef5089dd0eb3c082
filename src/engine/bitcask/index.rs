//! What is kept beside the data files: the keys, as of the last record that returned, and the merged file.

use super::error::Error;
use super::keydir::{At, Change, Keydir, Placed, changes};
use super::merged::Merged;
use crate::engine::wal::Write;
use crate::engine::wal::read::Place;
use crate::engine::wal::segments::Beside;
use crate::storage::File;
use std::collections::VecDeque;
use std::sync::Arc;

/// What the lock of the data files protects beside them.
#[derive(Debug)]
pub(super) struct Index<F> {
    pub(super) keydir: Keydir,
    /// What records change that have not returned yet, by their indexes.
    pub(super) staged: VecDeque<(u64, Vec<Change>)>,
    pub(super) merged: Option<Arc<Merged<F>>>,
    /// Whether the merged file has a hint.
    pub(super) hinted: bool,
    /// What ended a merge.
    pub(super) poison: Option<Arc<Error>>,
}

impl<F: File> Default for Index<F> {
    fn default() -> Self {
        Index {
            keydir: Keydir::default(),
            staged: VecDeque::new(),
            merged: None,
            hinted: false,
            poison: None,
        }
    }
}

impl<F: File> Index<F> {
    /// Whether a merge failed.
    pub(super) fn check_poison(&self) -> Result<(), Error> {
        match &self.poison {
            Some(because) => Err(Error::Poisoned {
                because: because.clone(),
            }),
            None => Ok(()),
        }
    }

    /// What a record changes is seen once it returns.
    pub(super) fn stage(&mut self, place: Place, writes: &[Write]) {
        let changes = changes(place, writes).collect();
        self.staged.push_back((place.index, changes));
    }

    /// Up to which record the merged file holds everything; 0 where there is none.
    pub(super) fn merged_up_to(&self) -> u64 {
        self.merged
            .as_ref()
            .map_or(0, |merged| merged.footer.meta.hi)
    }

    /// A merged file takes the place of the one before: these keys are in it, unless a later record has them.
    pub(super) fn replace(
        &mut self,
        merged: Merged<F>,
        keys: Vec<(Vec<u8>, Placed)>,
    ) -> Option<Arc<Merged<F>>> {
        let hi = merged.footer.meta.hi;
        let replaced = self.merged.replace(Arc::new(merged));
        self.hinted = true;
        for (key, placed) in keys {
            let entry = self.keydir.entries.get_mut(&key);
            if let Some(entry) = entry.filter(|entry| entry.at.is_up_to(hi)) {
                entry.at = At::Merged(placed);
            }
        }
        replaced
    }
}

impl<F: File> Beside for Index<F> {
    fn returned(&mut self, up_to: u64) {
        while self
            .staged
            .front()
            .is_some_and(|(index, _)| *index <= up_to)
        {
            let (_, changes) = self.staged.pop_front().unwrap_or_default();
            self.keydir.apply(changes);
        }
    }
}
