//! Group commit: leader and followers. Whoever finds nobody syncing leads: it writes what all have brought, syncs once,
//! and wakes them.

use super::{preallocated, record, write};
use crate::durable::{Durable, Found, Key, Outcome, Row, Value, lock};
use std::fs::File;
use std::sync::{Condvar, Mutex};

/// One write and one sync for all that arrived.
pub(crate) const GROUP: Row = Row {
    name: "raw: overwrite, group commit",
    open: |dir, _| {
        let group = Group {
            file: Mutex::new((preallocated(dir)?, 0)),
            state: Mutex::default(),
            synced: Condvar::new(),
        };
        Ok(Box::new(group))
    },
    found: |_| Ok(Found::Unasked),
};

/// Leader and followers.
struct Group {
    /// The leader's: the file, and how many records are in it.
    file: Mutex<(File, u64)>,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Default)]
struct State {
    /// What arrived since the last leader took it: the batch of this number.
    arrived: Vec<u8>,
    batch: u64,
    /// Batches that are durable: those below.
    durable: u64,
    leads: bool,
    failed: bool,
}

impl Durable for Group {
    fn put(&self, key: &Key, value: &Value) -> Outcome {
        let mut state = lock(&self.state)?;
        state.arrived.extend(record(key, value));
        let mine = state.batch;
        while state.durable <= mine && !state.failed {
            if state.leads {
                let woken = self.synced.wait(state);
                state = woken.map_err(|_| "another writer panicked")?;
                continue;
            }
            state.leads = true;
            state.batch += 1;
            let bytes = std::mem::take(&mut state.arrived);
            drop(state);
            let written = self.lead(&bytes);
            state = lock(&self.state)?;
            state.leads = false;
            state.failed |= written.is_err();
            state.durable = mine + 1;
            self.synced.notify_all();
            return written;
        }
        match state.failed {
            true => Err("another writer's sync failed".into()),
            false => Ok(()),
        }
    }
}

impl Group {
    fn lead(&self, bytes: &[u8]) -> Outcome {
        let mut at = lock(&self.file)?;
        let (file, records) = &mut *at;
        write(file, records, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FILE, RECORD};
    use super::*;
    use crate::durable::{key, value};
    use std::collections::BTreeSet;

    #[test]
    fn group_commit_writes_what_each_brought_once() -> Outcome {
        let home = tempfile::tempdir()?;
        let group = (GROUP.open)(home.path(), 4)?;
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let group = &group;
                scope.spawn(move || {
                    for number in 0..100 {
                        let key = key(number * 4 + thread);
                        group.put(&key, &value(&key)).expect("a put");
                    }
                });
            }
        });
        let bytes = std::fs::read(home.path().join(FILE))?;
        let records = bytes.chunks(RECORD).take_while(|record| record[0] != 0);
        let found: Vec<_> = records.map(|record| record.to_vec()).collect();
        let expected = (0..400)
            .map(key)
            .map(|key| record(&key, &value(&key)).to_vec());
        assert_eq!(found.len(), 400);
        assert_eq!(BTreeSet::from_iter(found), expected.collect());
        Ok(())
    }
}
