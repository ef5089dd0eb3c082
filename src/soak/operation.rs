//! What operation `number` of a thread does: it follows from the seed, the thread and the number, so that nobody has
//! to write it down.

use super::chance::Chance;
use super::engines::{Engine, Kind};
use crate::engine::wal::Write;
use std::fmt;

/// Keys of each thread.
const KEYS: u64 = 40;
/// Streams of each thread.
const STREAMS: u64 = 3;
/// The stream that all threads append to.
pub(super) const SHARED_STREAM: &str = "all";
/// Longer than a block.
const LARGE_BYTES: u64 = 9_000;

/// One call of a client, or the engine's own work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// All of them or none.
    Write(Vec<Write>),
    /// Changes nothing that a client reads.
    Maintain(Task),
}

/// Maintenance; each engine has some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Sync,
    Flush,
    Compact,
    Merge,
    Rotate,
    Snapshot,
    /// Of a tree: pages go in place. Of a log: notes what [`up_to`] says.
    Checkpoint,
    /// Gives up what [`up_to`] says.
    Truncate,
}

/// What operation `number` of this thread does to a store of this engine.
pub(super) fn operation(engine: &Engine, seed: u64, thread: u32, number: u64) -> Operation {
    let mut chance = Chance::of(&[seed, u64::from(thread), number]);
    if thread == 0 && chance.one_in(20) {
        let task = chance.below(engine.tasks.len() as u64) as usize;
        if let Some(task) = engine.tasks.get(task) {
            return Operation::Maintain(*task);
        }
    }
    let count = match chance.one_in(5) {
        true => 2 + chance.below(4),
        false => 1,
    };
    let stream = match chance.one_in(8) {
        true => SHARED_STREAM.into(),
        false => format!("{thread}/{}", chance.below(STREAMS)),
    };
    let write = |part| {
        let own = format!("{thread}/{}", chance.below(KEYS));
        // The first write of a record says whose it is.
        let deletes = match engine.kind {
            Kind::Keys => chance.one_in(4),
            Kind::Records => part > 0 && chance.one_in(4),
            Kind::Events => false,
        };
        if deletes {
            let key = own.into_bytes();
            return Write::Delete { key };
        }
        let key = match engine.kind {
            Kind::Events => stream.clone(),
            Kind::Keys | Kind::Records => own,
        };
        let bytes = match chance.one_in(32) {
            true => LARGE_BYTES / 2 + chance.below(LARGE_BYTES / 2),
            false => chance.below(150),
        };
        let mut value = format!("{thread}.{number}.{part} ").into_bytes();
        let bytes = (bytes as usize).min(engine.value_bytes_max);
        value.resize(bytes.max(value.len()), b'.');
        let key = key.into_bytes();
        Write::Put { key, value }
    };
    Operation::Write((0..count).map(write).collect())
}

/// Which operation wrote this, going by what it says of itself: thread and number.
pub(super) fn written_by(writes: &[Write]) -> Option<(u32, u64)> {
    let Some(Write::Put { value, .. }) = writes.first() else {
        return None;
    };
    let head = value.split(|byte| *byte == b' ').next()?;
    let mut numbers = std::str::from_utf8(head).ok()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What operation `number` of thread 0 gives up, where it gives up a part of a log: all up to one of the thread's own
/// records of this life, `told` being the indexes of those before; 0 where there is none.
pub(super) fn up_to(seed: u64, number: u64, told: &[u64]) -> u64 {
    let back = Chance::of(&[seed, number]).below(12) as usize;
    let place = told.len().checked_sub(back + 1);
    place.map_or(0, |place| told[place])
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Maintain(task) => write!(f, "{}", format!("{task:?}").to_lowercase()),
            Operation::Write(writes) => {
                let write = |write: &Write| match write {
                    Write::Put { key, value } => {
                        let key = String::from_utf8_lossy(key);
                        format!("put {key}, {} bytes", value.len())
                    }
                    Write::Delete { key } => format!("delete {}", String::from_utf8_lossy(key)),
                };
                let writes: Vec<String> = writes.iter().map(write).collect();
                write!(f, "{}", writes.join("; "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::engines::ENGINES;

    #[test]
    fn an_operation_is_the_same_each_time_and_says_whose_it_is() {
        for engine in ENGINES {
            let (mut batches, mut large, mut tasks) = (0, 0, 0);
            for number in 1..2_000 {
                let done = operation(engine, 7, 0, number);
                assert_eq!(done, operation(engine, 7, 0, number));
                let Operation::Write(writes) = done else {
                    tasks += 1;
                    continue;
                };
                batches += u32::from(writes.len() > 1);
                let is_large =
                    |write: &Write| matches!(write, Write::Put { value, .. } if value.len() > 4096);
                large += u32::from(writes.iter().any(is_large));
                if engine.kind != Kind::Keys {
                    assert_eq!(written_by(&writes), Some((0, number)));
                }
            }
            assert!(batches > 100 && tasks > 20, "{}", engine.name);
            assert_eq!(large > 0, engine.value_bytes_max > 4096);
        }
    }

    #[test]
    fn only_what_the_thread_was_told_in_this_life_is_given_up() {
        assert_eq!(up_to(1, 1, &[]), 0);
        let told: Vec<u64> = (100..200).collect();
        let points: Vec<u64> = (0..50).map(|number| up_to(1, number, &told)).collect();
        assert!(points.iter().all(|point| (188..200).contains(point)));
        assert!(points.iter().any(|point| *point != points[0]));
    }
}
