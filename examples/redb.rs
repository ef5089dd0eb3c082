//! redb under exploration, through its `StorageBackend`: the pattern for engines that nobody here wrote.
//!
//! `cargo run --example redb -- 2 ext4-ordered quick`: so many transactions, on that profile or on `all`, each
//! committed in `one` phase, in `two` or with `quick` repair; then switches of the profile, as in `stale=no`.
//! Without arguments one transaction with quick repair on each of the six. The time is looked at between two
//! crash points, so a run may take longer.
#![expect(clippy::print_stdout)]

#[expect(dead_code, reason = "the test uses more of it")]
#[path = "redb/adapter.rs"]
mod adapter;

use adapter::{Commit, Redb, workload};
use lightsout::explore::{Bounds, explore};
use models::profile::{NAMES, Profile};
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let transactions = arguments.next().map_or(Ok(1), |number| number.parse())?;
    let only = arguments.next().filter(|only| only != "all");
    let commit = match arguments.next().as_deref() {
        Some("one") => Commit::OnePhase,
        Some("two") => Commit::TwoPhase,
        Some("quick") | None => Commit::QuickRepair,
        Some(_) => return Err("a commit is one, two or quick".into()),
    };
    let switches: Vec<String> = arguments.collect();
    let subject = Redb {
        commit,
        ..Redb::default()
    };
    let bounds = Bounds {
        time: Some(Duration::from_secs(20)),
        recoveries: Some(100_000),
        ..Bounds::default()
    };
    for name in NAMES {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let profile = Profile::named(name).ok_or("no such profile")?;
        let mut profile = profile.with_sizes(512, 4096);
        for switch in &switches {
            let (switch, value) = switch.split_once('=').ok_or("a switch has a value")?;
            profile = profile.with(switch, value).ok_or("no such switch")?;
        }
        let exploration = explore(&subject, &profile, &workload(transactions), &bounds);
        println!("{}", exploration.report);
        if let Some(counterexample) = exploration.counterexample {
            println!("{counterexample}");
        }
    }
    Ok(())
}
