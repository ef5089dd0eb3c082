//! The log with several writers, held to the model of group commit.

use crate::scripts::durable_together_scripts;
use lightsout::conform::{Discipline, Engine, Script, Step, Sync, Write, run_together};
use lightsout::storage::simulated::{Fault, Point};
use models::disk::Failure;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_writers_in_any_order_are_a_run_of_the_model((script, comes) in durable_together_scripts()) {
        if let Err(found) = run_together(&script, &comes, &[]) {
            let json = serde_json::to_string(&(&script, &comes)).unwrap();
            return Err(TestCaseError::fail(format!("{found}\n{json}")));
        }
    }

    #[test]
    fn so_they_are_with_zeros_ahead(
        (script, comes) in durable_together_scripts(),
        preallocate in prop::sample::select(vec![3, 16, 600])
    ) {
        let script = Script { preallocate, ..script };
        if let Err(found) = run_together(&script, &comes, &[]) {
            let json = serde_json::to_string(&(&script, &comes)).unwrap();
            return Err(TestCaseError::fail(format!("{found}\n{json}")));
        }
    }
}

fn write(key: u8) -> Step {
    let value = Some(10);
    Step::Write(vec![Write { key, value }])
}

/// Three who write, two of whom come while the first one's batch is written, and one who comes later; then a power cut.
fn four(sync: Sync) -> (Script, Vec<Option<usize>>) {
    let cut = Step::PowerCut {
        keep: vec![false],
        fills: vec![0],
    };
    let steps = vec![write(0), write(1), write(2), write(3), cut];
    let script = Script {
        engine: Engine::Log,
        discipline: Discipline::Durable,
        sync,
        profile: "posix".into(),
        sector_bytes: 512,
        block_bytes: 4096,
        preallocate: 0,
        keys: vec![1, 2, 3, 4],
        steps,
    };
    (script, vec![None, Some(0), Some(1), Some(3), None])
}

/// The data barriers of a run.
fn barriers(sync: Sync) -> Vec<String> {
    let (script, comes) = four(sync);
    let conformed = run_together(&script, &comes, &[]).expect("it conforms");
    let calls = conformed.calls.into_iter();
    calls.filter(|call| call.contains("data barrier")).collect()
}

#[test]
fn those_who_come_together_share_a_barrier() {
    // The first alone, then two of them, then the last.
    let every = barriers(Sync::Every);
    assert_eq!(every.len(), 3, "{every:#?}");
}

#[test]
fn a_barrier_that_is_dropped_diverges() {
    let (script, comes) = four(Sync::Every);
    let dropped = |number| run_together(&script, &comes, &[(Point::Call(number), Fault::Drop)]);
    let first = (0..40)
        .find(|number| dropped(*number).is_err())
        .expect("a call that is missed");
    let missed = (first..first + 40)
        .filter(|number| dropped(*number).is_err())
        .count();
    assert!(missed >= 6, "{missed}");
}

#[test]
fn a_failed_barrier_is_told_to_all_who_wait() {
    for failure in Failure::ALL {
        for barriers in 0..3 {
            let (mut script, mut comes) = four(Sync::Every);
            script
                .steps
                .insert(0, Step::FailBarrierAfter(barriers, failure));
            comes.insert(0, None);
            run_together(&script, &comes, &[]).expect("it conforms");
        }
    }
}

#[test]
fn zeros_ahead_are_written_by_one_write_in_many() {
    let (mut script, comes) = four(Sync::Every);
    script.preallocate = 64;
    let conformed = run_together(&script, &comes, &[]).expect("it conforms");
    let writes = conformed.calls.iter();
    let writes = writes.filter(|call| call.starts_with("write ") && call.ends_with("store/log"));
    let bytes: Vec<usize> = writes
        .filter_map(|call| call.split(' ').nth(1)?.parse().ok())
        .collect();
    // The first record takes 64 cells, less the header, and the others are written into them.
    assert_eq!(bytes[..3], [63 * 16, 128, 64], "{bytes:?}");
}
