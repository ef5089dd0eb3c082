//! The engines of lightsout, each with its default settings: every write is durable before it returns.
//!
//! A handle that takes one writer at a time stands behind a lock, as its user would have it.

mod logs;
mod stores;

use crate::durable::Row;

pub(crate) fn rows() -> impl Iterator<Item = Row> {
    logs::rows().into_iter().chain(stores::rows())
}
