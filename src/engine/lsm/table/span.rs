//! From which key to which.

use std::ops::{Bound, RangeBounds};

/// A range of keys that owns its bounds. One that ends before it begins holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) lower: Bound<Vec<u8>>,
    pub(crate) upper: Bound<Vec<u8>>,
}

impl Span {
    /// Every key.
    pub(crate) fn all() -> Span {
        Span {
            lower: Bound::Unbounded,
            upper: Bound::Unbounded,
        }
    }

    pub(crate) fn of<K: AsRef<[u8]> + ?Sized>(range: &impl RangeBounds<K>) -> Span {
        Span {
            lower: range.start_bound().map(|key| key.as_ref().to_vec()),
            upper: range.end_bound().map(|key| key.as_ref().to_vec()),
        }
    }

    /// Whether the span begins after the key.
    pub(crate) fn is_after(&self, key: &[u8]) -> bool {
        match &self.lower {
            Bound::Included(lower) => key < lower.as_slice(),
            Bound::Excluded(lower) => key <= lower.as_slice(),
            Bound::Unbounded => false,
        }
    }

    /// Whether the span ends before the key.
    pub(crate) fn is_before(&self, key: &[u8]) -> bool {
        match &self.upper {
            Bound::Included(upper) => key > upper.as_slice(),
            Bound::Excluded(upper) => key >= upper.as_slice(),
            Bound::Unbounded => false,
        }
    }

    /// Whether it is plain from the bounds that no key lies between them.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (
                Bound::Included(lower) | Bound::Excluded(lower),
                Bound::Included(upper) | Bound::Excluded(upper),
            ) => lower >= upper,
        }
    }
}
