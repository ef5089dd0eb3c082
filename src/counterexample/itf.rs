//! Placeholder until the merge.

use super::Counterexample;

/// As ITF.
pub fn itf(found: &Counterexample) -> serde_json::Value {
    serde_json::to_value(found).unwrap_or_default()
}
