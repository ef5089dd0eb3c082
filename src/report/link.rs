//! Which answer to the client turned out to be broken.

use crate::counterexample::{Counterexample, Mark, Step};

/// The step that made the promise, and the last one, which shows that it is broken. `None`: no answer promised it.
pub(super) fn broken(found: &Counterexample) -> Option<(usize, usize)> {
    let last = found.steps.len().checked_sub(1)?;
    let promised = match &found.broken.promise[..] {
        "D1" | "D4" | "D7" | "D9" | "D10" => named(found)
            .or_else(|| saying(found))
            .or_else(|| latest(found, Mark::Acknowledged, last))
            .or_else(|| latest(found, Mark::Served, last)),
        // What a recovery served is what the next one has to extend.
        "D2" => recovered(found, last),
        _ => None,
    };
    promised
        .filter(|step| *step < last)
        .map(|step| (step, last))
}

/// `(acknowledged in step 5)`.
fn named(found: &Counterexample) -> Option<usize> {
    let (_, rest) = found.broken.promised.split_once("in step ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let step: usize = digits.parse().ok()?;
    let told = |mark: Mark| matches!(mark, Mark::Acknowledged | Mark::Returned | Mark::Served);
    found
        .steps
        .get(step)
        .is_some_and(|step| told(step.mark))
        .then_some(step)
}

/// The last acknowledgement, or recovery, that says what was promised and is not there: `a: 1`.
fn saying(found: &Counterexample) -> Option<usize> {
    let broken = &found.broken;
    let there: Vec<&str> = broken.there.split(", ").collect();
    let missing = broken
        .promised
        .split(", ")
        .filter(|fact| !there.contains(fact));
    let missing: Vec<(&str, &str)> = missing.filter_map(|fact| fact.split_once(": ")).collect();
    let says = |text: &str| {
        missing
            .iter()
            .any(|(_, value)| !value.is_empty() && text.contains(value))
    };
    let mut steps = found.steps.iter().enumerate().rev().skip(1);
    let promises = |mark: Mark| matches!(mark, Mark::Acknowledged | Mark::Served);
    let step =
        steps.find(|(_, step)| promises(step.mark) && (says(&step.what) || says(&step.client)));
    step.map(|(number, _)| number)
}

fn recovered(found: &Counterexample, before: usize) -> Option<usize> {
    let served = |step: &Step| step.mark == Mark::Served && step.recovery;
    found.steps[..before].iter().rposition(served)
}

fn latest(found: &Counterexample, mark: Mark, before: usize) -> Option<usize> {
    found.steps[..before]
        .iter()
        .rposition(|step| step.mark == mark)
}
