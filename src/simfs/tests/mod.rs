//! Against std, and under exploration.
