//! Several checks at a time, each on a thread of its own; their answers come in the order of the specs.
//!
//! One exploration gains little from a second thread, two explorations beside each other almost
//! everything. The largest start first, or the last one would run alone.

use super::Error;
use super::lock::Lock;
use super::run::{id, run};
use super::search::Limits;
use super::spec::{Check, Spec};
use super::verdict::Judged;
use crate::parallel::in_order;
use std::cmp::Reverse;

/// Hears of one check how many states it has so far.
pub type Progress = Box<dyn Fn(usize)>;

/// Runs these checks, so many at a time, those first that had the most states when the lock was
/// written. `watch` is told the id of a check that starts. After an error no other check starts.
pub fn run_all(
    checks: &[(&Spec, Check)],
    lock: &Lock,
    at_a_time: usize,
    limits: Limits,
    watch: &(dyn Fn(&str) -> Progress + Sync),
    mut answer: impl FnMut(Judged) -> Result<(), Error>,
) -> Result<(), Error> {
    let states = |place: &usize| {
        let (spec, check) = &checks[*place];
        let locked = lock.verdict.get(&id(spec, check));
        locked.and_then(|locked| locked.states).unwrap_or(0)
    };
    let mut places: Vec<usize> = (0..checks.len()).collect();
    places.sort_by_key(|place| Reverse(states(place)));
    let judge = |place: usize| {
        let (spec, check) = &checks[place];
        run(spec, check, limits, &*watch(&id(spec, check)))
    };
    in_order(places, at_a_time, judge, |judged| answer(judged?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::lock::Locked;
    use crate::interrupt::Interrupt;
    use std::path::Path;
    use std::sync::Mutex;

    const IDS: [&str; 3] = [
        "wal/without/append-data-barrier",
        "wal/mistake/made-in-place",
        "wal/as-found-lsm/power-cut",
    ];

    /// The ids in the order in which they started, and in that in which they were answered.
    fn order(at_a_time: usize, fail: bool) -> (Vec<String>, Vec<String>) {
        let specs = crate::check::spec::read(Path::new("specs")).expect("the specs");
        let log = specs.engines.iter().find(|spec| spec.engine == "wal");
        let log = log.expect("the log");
        let checks = IDS.map(|wanted| {
            let check = log.checks.iter().find(|check| id(log, check) == wanted);
            (log, check.expect("the check").clone())
        });
        let states = |states| Locked {
            states: Some(states),
            ..Locked::default()
        };
        let mut lock = Lock::default();
        lock.verdict.insert(IDS[2].into(), states(2));
        lock.verdict.insert(IDS[1].into(), states(1));
        let started = Mutex::new(Vec::new());
        let mut answered = Vec::new();
        let watch = |id: &str| -> Progress {
            started.lock().expect("a list").push(id.to_string());
            Box::new(|_| ())
        };
        let limits = Limits {
            threads: 1,
            time: None,
            gauge: None,
            interrupt: Interrupt::default(),
        };
        let done = run_all(&checks, &lock, at_a_time, limits, &watch, |judged| {
            answered.push(judged.id);
            match fail {
                true => Err(Error::BlessInCi),
                false => Ok(()),
            }
        });
        assert_eq!(done.is_err(), fail);
        (started.into_inner().expect("a list"), answered)
    }

    #[test]
    fn the_largest_check_starts_first_and_answers_come_in_order() {
        let (started, answered) = order(1, false);
        assert_eq!(started, [IDS[2], IDS[1], IDS[0]]);
        assert_eq!(answered, IDS);
        assert_eq!(order(3, false).1, IDS);
    }

    #[test]
    fn after_an_error_nothing_more_is_answered() {
        assert_eq!(order(2, true).1.len(), 1);
    }
}
