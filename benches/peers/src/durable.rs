//! What every row of the table is: a store whose put is durable once it returns, and what it holds when it is
//! opened again.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// 16 bytes.
pub(crate) type Key = [u8; 16];
/// 100 bytes.
pub(crate) type Value = [u8; 100];
/// What went wrong is said in a sentence.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A store, or something that stands for one. Any number of threads put at once.
pub(crate) trait Durable: Sync {
    /// Once this returns, a power cut leaves it.
    fn put(&self, key: &Key, value: &Value) -> Outcome;
}

impl<F: Fn(&Key, &Value) -> Outcome + Sync> Durable for F {
    fn put(&self, key: &Key, value: &Value) -> Outcome {
        self(key, value)
    }
}

/// A line of the table.
pub(crate) struct Row {
    /// As the table has it.
    pub(crate) name: &'static str,
    /// Makes the store in an empty directory, for so many threads.
    pub(crate) open: fn(&Path, usize) -> Outcome<Box<dyn Durable>>,
    /// Opens it again, after it was dropped.
    pub(crate) found: fn(&Path) -> Outcome<Found>,
}

/// What a store holds once it is opened again.
pub(crate) enum Found {
    /// Nobody looks.
    Unasked,
    /// So many puts.
    Counted(u64),
    /// These pairs.
    Pairs(HashMap<Key, Vec<u8>>),
    /// What it reads.
    Reads(Box<Read>),
}

/// Reads a key of an open store.
pub(crate) type Read = dyn Fn(&Key) -> Outcome<Option<Vec<u8>>>;

/// One at a time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Outcome<MutexGuard<'_, T>> {
    Ok(mutex.lock().map_err(|_| "another writer panicked")?)
}

/// The key of a number: sixteen hexadecimal digits, all different, in no order.
pub(crate) fn key(number: u64) -> Key {
    // Odd, so that no two numbers meet.
    let mut scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut key = [0; 16];
    for digit in &mut key {
        *digit = b"0123456789abcdef"[(scattered >> 60) as usize];
        scattered <<= 4;
    }
    key
}

/// No two threads have a number in common.
pub(crate) fn number(nth: u64, thread: usize, threads: usize) -> u64 {
    nth * threads as u64 + thread as u64
}

/// The value of a key: the key, again and again.
pub(crate) fn value(key: &Key) -> Value {
    std::array::from_fn(|at| key[at % key.len()])
}

#[cfg(test)]
mod tests {
    use super::{key, value};
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_different_and_scattered() {
        let keys: Vec<_> = (0..10_000).map(key).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        let ascending = keys.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((3_000..7_000).contains(&ascending), "{ascending}");
        assert!(value(&keys[1]).starts_with(&keys[1]));
    }
}
