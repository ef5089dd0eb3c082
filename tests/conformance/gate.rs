//! The gate: drop any one storage call of the durable log, or let it happen after the next one, and
//! conformance turns red. What survives is listed, with the reason; the list is exact.

use crate::scripts::{fixed, fixed_bitcask, fixed_btree, fixed_events, fixed_segments, fixed_tree};
use lightsout::conform::{ANSWER, DEATH, Script, Sync, run, run_with};
use lightsout::storage::simulated::{Fault, Point};

const MODES: [Sync; 3] = [Sync::Every, Sync::EveryN(2), Sync::Never];

/// How many mistakes there were, how many of them a reason excuses, and the survivors without a reason
/// and reasons without a survivor.
fn survivors(
    script: impl Fn(Sync) -> Script,
    fault: Fault,
    excused: impl Fn(&[String]) -> bool,
) -> (usize, usize, Vec<String>) {
    let (mut tried, mut listed, mut survivors) = (0, 0, Vec::new());
    for sync in MODES {
        let script = script(sync);
        let calls = run(&script).unwrap_or_else(|found| panic!("{found}")).calls;
        let is_call = |call: &String| call != DEATH && call != ANSWER;
        let places = (0..calls.len()).filter(|&place| is_call(&calls[place]));
        for (number, call) in places.enumerate() {
            tried += 1;
            let ran = run_with(&script, &[(Point::Call(number), fault)]);
            let survives = ran.is_ok();
            let excused = excused(&calls[call..]);
            listed += usize::from(excused);
            if survives != excused {
                let next = calls.get(call + 1).map_or("", String::as_str);
                let word = if survives {
                    "survives"
                } else {
                    "is noticed, and listed"
                };
                survivors.push(format!(
                    "{sync:?}: call {call} {word}: {}, then {next}",
                    calls[call]
                ));
            }
        }
    }
    (tried, listed, survivors)
}

fn log(sync: Sync) -> Script {
    fixed(sync, "posix")
}

fn is_write(call: &str) -> bool {
    call.starts_with("write ")
}

/// The last call before the process dies, or a write before that with no barrier behind it: as if the
/// process had died before it.
fn dies_at_once(calls: &[String]) -> bool {
    let next = calls[1..].iter().find(|call| !is_write(call));
    let is_last = calls.get(1).is_some_and(|call| call == DEATH);
    is_last || (is_write(&calls[0]) && next.is_some_and(|call| call == DEATH))
}

#[test]
fn a_dropped_call_is_noticed_wherever_it_is() {
    let (tried, listed, wrong) = survivors(log, Fault::Drop, dies_at_once);
    assert!(tried > 120 && listed < 20, "{tried} {listed}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_call_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    // Two writes with no barrier between them: no crash image tells their order.
    let commute =
        |calls: &[String]| is_write(&calls[0]) && calls.get(1).is_some_and(|next| is_write(next));
    let (tried, listed, wrong) = survivors(log, Fault::SwapWithNext, |calls| {
        commute(calls) || dies_at_once(calls)
    });
    assert!(tried > 120 && listed < 40, "{tried} {listed}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_dropped_call_of_the_segments_is_noticed_wherever_it_is() {
    let (tried, listed, wrong) = survivors(fixed_segments, Fault::Drop, dies_at_once);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 200 && listed < 30, "{tried} {listed}");
}

#[test]
fn a_call_of_the_segments_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    let commute =
        |calls: &[String]| is_write(&calls[0]) && calls.get(1).is_some_and(|next| is_write(next));
    let (tried, listed, wrong) = survivors(fixed_segments, Fault::SwapWithNext, |calls| {
        commute(calls) || dies_at_once(calls)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 200 && listed < 60, "{tried} {listed}");
}

#[test]
fn a_dropped_call_of_the_tree_is_noticed_wherever_it_is() {
    let (tried, listed, wrong) = survivors(fixed_tree, Fault::Drop, dies_at_once);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 300 && listed < 30, "{tried} {listed}");
}

#[test]
fn a_call_of_the_tree_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    let commute =
        |calls: &[String]| is_write(&calls[0]) && calls.get(1).is_some_and(|next| is_write(next));
    let (tried, listed, wrong) = survivors(fixed_tree, Fault::SwapWithNext, |calls| {
        commute(calls) || dies_at_once(calls)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 300 && listed < 60, "{tried} {listed}");
}

#[test]
fn a_dropped_call_of_the_event_store_is_noticed_wherever_it_is() {
    let (tried, listed, wrong) = survivors(fixed_events, Fault::Drop, dies_at_once);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 200 && listed < 30, "{tried} {listed}");
}

#[test]
fn a_call_of_the_event_store_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    let commute =
        |calls: &[String]| is_write(&calls[0]) && calls.get(1).is_some_and(|next| is_write(next));
    let (tried, listed, wrong) = survivors(fixed_events, Fault::SwapWithNext, |calls| {
        commute(calls) || dies_at_once(calls)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 200 && listed < 60, "{tried} {listed}");
}

#[test]
fn a_dropped_call_of_bitcask_is_noticed_wherever_it_is() {
    let (tried, listed, wrong) = survivors(fixed_bitcask, Fault::Drop, dies_at_once);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 300 && listed < 30, "{tried} {listed}");
}

#[test]
fn a_call_of_bitcask_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    let commute =
        |calls: &[String]| is_write(&calls[0]) && calls.get(1).is_some_and(|next| is_write(next));
    let (tried, listed, wrong) = survivors(fixed_bitcask, Fault::SwapWithNext, |calls| {
        commute(calls) || dies_at_once(calls)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 300 && listed < 60, "{tried} {listed}");
}

#[test]
fn a_dropped_call_of_the_btree_is_noticed_wherever_it_is() {
    let (tried, listed, wrong) = survivors(fixed_btree, Fault::Drop, dies_at_once);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 300 && listed < 40, "{tried} {listed}");
}

#[test]
fn a_call_of_the_btree_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    let commute =
        |calls: &[String]| is_write(&calls[0]) && calls.get(1).is_some_and(|next| is_write(next));
    let (tried, listed, wrong) = survivors(fixed_btree, Fault::SwapWithNext, |calls| {
        commute(calls) || dies_at_once(calls)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 300 && listed < 150, "{tried} {listed}");
}
