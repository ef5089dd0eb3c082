//! Components interned to small ids, and transitions remembered: what makes a state cheap to clone,
//! hash and compare without bending how a protocol reads. Ids mean nothing outside one machine.

use crate::disk::shared::Pooled;
use rustc_hash::FxHashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Every distinct value seen, numbered in order of appearance.
#[derive(Debug)]
pub struct Table<T: Pooled> {
    inner: RwLock<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T: Pooled> {
    ids: FxHashMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
    pool: T::Pool,
}

impl<T: Pooled> Default for Table<T> {
    fn default() -> Self {
        Self {
            inner: RwLock::new(Inner {
                ids: FxHashMap::default(),
                values: Vec::new(),
                pool: T::Pool::default(),
            }),
        }
    }
}

impl<T: Eq + Hash + Pooled> Table<T> {
    /// The number of a value.
    pub fn id(&self, mut value: T) -> u32 {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = inner.ids.get(&value) {
            return id;
        }
        let id = u32::try_from(inner.values.len()).expect("fewer than 2^32 values");
        value.pool(&mut inner.pool);
        let value = Arc::new(value);
        inner.values.push(value.clone());
        inner.ids.insert(value, id);
        id
    }

    /// The value of a number.
    pub fn value(&self, id: u32) -> Arc<T> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.values[id as usize].clone()
    }

    /// How many distinct values there are.
    pub fn len(&self) -> usize {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values
            .len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a pure function gave for each key that it was asked.
#[derive(Debug)]
pub struct Memo<K, V> {
    known: RwLock<FxHashMap<K, V>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self {
            known: RwLock::new(FxHashMap::default()),
        }
    }
}

impl<K: Eq + Hash + Copy, V: Clone> Memo<K, V> {
    /// The value for a key, computed once.
    pub fn get(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&key) {
            return value.clone();
        }
        drop(known);
        let value = compute();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(key).or_insert(value).clone()
    }
}

impl Pooled for crate::contract::Oracle {
    type Pool = ();

    fn pool(&mut self, (): &mut ()) {}
}

impl Pooled for Vec<crate::contract::Event> {
    type Pool = ();

    fn pool(&mut self, (): &mut ()) {
        self.shrink_to_fit();
    }
}
