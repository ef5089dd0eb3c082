//! How many cells a table takes.

use super::Table;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// How many cells a table with these entries takes.
#[derive(Clone)]
pub enum TableSize {
    /// The same for all.
    Fixed(usize),
    /// As the engine's tables have it.
    Real(Arc<dyn Fn(&Table) -> usize + Send + Sync>),
}

impl TableSize {
    pub(crate) fn of(&self, table: &Table) -> usize {
        match self {
            TableSize::Fixed(cells) => *cells,
            TableSize::Real(cells) => cells(table),
        }
    }
}

impl PartialEq for TableSize {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (TableSize::Fixed(one), TableSize::Fixed(other)) => one == other,
            (TableSize::Real(one), TableSize::Real(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for TableSize {}

impl Hash for TableSize {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let TableSize::Fixed(cells) = self {
            cells.hash(state);
        }
    }
}

impl fmt::Debug for TableSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableSize::Fixed(cells) => write!(f, "Fixed({cells})"),
            TableSize::Real(_) => write!(f, "Real"),
        }
    }
}
