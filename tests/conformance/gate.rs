//! The gate: drop any one storage call of the durable log, or let it happen after the next one, and
//! conformance turns red. What survives is listed, with the reason.

use crate::scripts::fixed;
use lightsout::conform::{Sync, run, run_with};
use lightsout::storage::simulated::{Fault, Point};
use std::collections::BTreeSet;

const MODES: [Sync; 3] = [Sync::Every, Sync::EveryN(2), Sync::Never];

/// Every mistake that conformance does not notice, over all modes.
fn survivors(fault: Fault) -> (usize, BTreeSet<String>) {
    let (mut tried, mut survivors) = (0, BTreeSet::new());
    for sync in MODES {
        let script = fixed(sync, "posix");
        let calls = run(&script).unwrap_or_else(|found| panic!("{found}")).calls;
        assert!(calls > 40, "{calls} calls");
        for call in 0..calls {
            tried += 1;
            if run_with(&script, &[(Point::Call(call), fault)]).is_ok() {
                survivors.insert(format!("{sync:?}: call {call}"));
            }
        }
    }
    (tried, survivors)
}

#[test]
fn a_dropped_call_is_noticed_wherever_it_is() {
    let (tried, survivors) = survivors(Fault::Drop);
    assert!(tried > 120, "{tried}");
    assert_eq!(survivors, BTreeSet::new());
}

#[test]
fn a_call_swapped_with_the_next_one_is_noticed_wherever_it_is() {
    let (tried, survivors) = survivors(Fault::SwapWithNext);
    assert!(tried > 120, "{tried}");
    assert_eq!(survivors, BTreeSet::new());
}
