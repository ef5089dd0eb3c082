//! Values that many disks have in common: one copy, and its hash computed once.

use rustc_hash::FxHasher;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A value that is cheap to clone, to hash and to compare with itself. Equal where the values are.
#[derive(Clone, Debug, Default)]
pub struct Shared<T>(Arc<Hashed<T>>);

/// A value that has parts which others may have too.
pub trait Pooled {
    /// The parts that were seen.
    type Pool: Default + Debug;

    /// Makes its parts one with the equal ones that were seen, and lets go of spare room.
    fn pool(&mut self, pool: &mut Self::Pool);
}

#[derive(Debug, Default)]
struct Hashed<T> {
    value: T,
    hash: OnceLock<u64>,
}

/// A clone is made in order to be changed.
impl<T: Clone> Clone for Hashed<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            hash: OnceLock::new(),
        }
    }
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Hashed {
            value,
            hash: OnceLock::new(),
        }))
    }
}

impl<T: Clone> Shared<T> {
    /// The value, to be changed; copied first where others share it.
    pub(super) fn make_mut(&mut self) -> &mut T {
        let hashed = Arc::make_mut(&mut self.0);
        hashed.hash = OnceLock::new();
        &mut hashed.value
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.value == other.0.value
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: PartialOrd> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.value.partial_cmp(&other.0.value)
    }
}

impl<T: Ord> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.value.cmp(&other.0.value)
    }
}

impl<T: Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let hash = self.0.hash.get_or_init(|| {
            let mut hasher = FxHasher::default();
            self.0.value.hash(&mut hasher);
            hasher.finish()
        });
        state.write_u64(*hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_changes_one_copy_and_its_hash() {
        let hash = |shared: &Shared<Vec<u8>>| {
            let mut hasher = FxHasher::default();
            shared.hash(&mut hasher);
            hasher.finish()
        };
        let one = Shared::new(vec![1]);
        let mut two = one.clone();
        let before = hash(&two);
        two.make_mut().push(2);
        assert_eq!((&one[..], &two[..]), (&[1][..], &[1, 2][..]));
        assert_ne!(hash(&two), before);
        assert_eq!(hash(&two), hash(&Shared::new(vec![1, 2])));
        two.make_mut().pop();
        assert_eq!((&two, hash(&two)), (&one, before));
    }
}
