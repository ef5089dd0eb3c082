//! Whether the subject does the same in every run: else nothing that is explored means anything.

use super::contract::Told;
use super::history::History;
use super::life::{self, Notes};
use super::subject::{Failure, OperationOf, StateOf, Subject};
use super::trace;
use crate::storage::simulated::Simulated;
use models::profile::Profile;

struct Silent;

impl<C: super::contract::Contract> Notes<C> for Silent {
    fn worked(&mut self, _: &Simulated, _: &History<C>) {}

    fn answered(
        &mut self,
        _: &super::contract::Operation<C::Write>,
        _: &Result<Told, Failure>,
        _: &Simulated,
        _: &History<C>,
    ) {
    }
}

/// The first storage call in which two runs of one workload differ, in words.
pub(super) fn first_difference<S: Subject>(
    subject: &S,
    profile: &Profile,
    operations: &[OperationOf<S>],
) -> Option<String> {
    let calls = || -> Vec<String> {
        let storage = Simulated::new(profile.clone());
        storage.untraced();
        storage.record();
        if let Ok((store, _)) = life::open(subject, &storage) {
            let mut history = History::after(vec![StateOf::<S>::default()]);
            // What it comes to, the exploration says.
            let _ = life::work(
                subject,
                &storage,
                store,
                operations,
                &mut history,
                &mut Silent,
                true,
            );
        }
        storage.recorded().iter().map(trace::say).collect()
    };
    let (one, other) = (calls(), calls());
    let shorter = one.len().min(other.len());
    let differ = (0..shorter).find(|&i| one[i] != other[i]);
    let differ = differ.or((one.len() != other.len()).then_some(shorter))?;
    let said = |calls: &[String]| {
        calls
            .get(differ)
            .map_or("nothing", String::as_str)
            .to_string()
    };
    Some(format!(
        "two runs of one workload differ in storage call {}: `{}` in one, `{}` in the other",
        differ + 1,
        said(&one),
        said(&other)
    ))
}
