//! A counterexample as a page.

use crate::counterexample::Counterexample;

/// One file, which needs no network.
pub fn page(found: &Counterexample) -> String {
    found.to_string()
}
