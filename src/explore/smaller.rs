//! A violation in fewer operations: those that it does not take are left out, one after the other, and what is left is
//! explored again, before anybody sees it.

use super::bounds::{Bounds, Workload};
use super::ongoing::{Exploration, explore_planted};
use super::report::Verdict;
use super::subject::{Subject, WriteOf};
use crate::counterexample::{Counterexample, Script};
use crate::storage::simulated::Plant;
use models::profile::Profile;

/// LIMIT: recoveries for each one that it took to find the violation, and some more: so many are spent on making it
/// smaller. A count, so that every machine ends with the same.
const EFFORT: (usize, usize) = (4, 10_000);

/// What was explored, with a violation in as few operations as could be found: none of them can be left out.
pub(super) fn smaller<S: Subject>(
    subject: &S,
    profile: &Profile,
    workload: &Workload<WriteOf<S>>,
    bounds: &Bounds,
    mut exploration: Exploration<S::Contract>,
) -> Exploration<S::Contract> {
    let Some(found) = exploration.counterexample.take() else {
        return exploration;
    };
    let mut smallest = found;
    let mut work = used(workload, &smallest);
    let mut left = exploration.report.recoveries * EFFORT.0 + EFFORT.1;
    let mut place = work.operations.len() + work.then.len();
    while place > 0 && left > 0 {
        place -= 1;
        let tried = without(&work, place);
        let bounds = Bounds {
            recoveries: Some(left),
            time: None,
            ..bounds.clone()
        };
        let again = explore_planted(subject, profile, &tried, &bounds, Plant::nothing());
        left = left.saturating_sub(again.report.recoveries.max(1));
        if let (Verdict::Violates { .. }, Some(found)) =
            (&again.report.verdict, again.counterexample)
            && found.breach() == smallest.breach()
            && found.broken.promise == smallest.broken.promise
        {
            exploration.report.verdict = again.report.verdict;
            work = used(&tried, &found);
            smallest = found;
            place = place.min(work.operations.len() + work.then.len());
        }
    }
    exploration.counterexample = Some(smallest);
    if bounds.interrupt.is_set() {
        let verdict = &exploration.report.verdict;
        let text = format!("it {verdict}; interrupted before it was known in how few operations");
        exploration.report.verdict = Verdict::Inconclusive(text);
    }
    exploration
}

/// As much of the work as a counterexample comes to.
fn used<W: Clone>(workload: &Workload<W>, found: &Counterexample) -> Workload<W> {
    let (first, later) = match &found.script {
        Script::Code(code) => (code.operations.len(), code.then.len()),
        Script::Model { .. } => (0, 0),
    };
    Workload {
        operations: workload.operations[..first.min(workload.operations.len())].to_vec(),
        then: workload.then[..later.min(workload.then.len())].to_vec(),
    }
}

/// All of it but one operation; the places of those after a recovery come behind the others.
fn without<W: Clone>(workload: &Workload<W>, place: usize) -> Workload<W> {
    let mut work = workload.clone();
    match place.checked_sub(work.operations.len()) {
        Some(later) => drop(work.then.remove(later)),
        None => drop(work.operations.remove(place)),
    }
    work
}
