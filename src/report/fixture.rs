//! Counterexamples for tests.

use crate::counterexample::{Broken, Counterexample, SCHEMA, Script, Step};
use models::profile::Profile;

/// One of that name and those steps.
pub(super) fn of(name: &str, steps: Vec<Step>) -> Counterexample {
    Counterexample {
        schema: SCHEMA,
        name: name.into(),
        about: String::new(),
        finding: None,
        profile: Profile::posix(),
        shown_by: Vec::new(),
        strongest: Vec::new(),
        needs: Vec::new(),
        barriers: Vec::new(),
        note: None,
        broken: Broken::of("D1"),
        script: Script::Model { moves: Vec::new() },
        steps,
    }
}
