//! redb under exploration, through its `StorageBackend`: the pattern for engines that nobody here wrote.
#![expect(clippy::print_stdout)]

#[path = "redb/adapter.rs"]
mod adapter;

use adapter::{Commit, Making, Redb};
use lightsout::explore::{Bounds, MapWrite, Mode, Operation, Workload, explore};
use models::profile::{NAMES, Profile};
use std::time::Duration;
use std::env;

fn main() {
    let arg = |name: &str| env::var(name).ok();
    let n: usize = arg("N").and_then(|n| n.parse().ok()).unwrap_or(2);
    let m: usize = arg("M").and_then(|n| n.parse().ok()).unwrap_or(0);
    let secs: u64 = arg("T").and_then(|n| n.parse().ok()).unwrap_or(20);
    let commit = match arg("C").as_deref() {
        Some("2") => Commit::TwoPhase,
        Some("q") => Commit::QuickRepair,
        _ => Commit::OnePhase,
    };
    let making = if arg("INPLACE").is_some() { Making::InPlace } else { Making::Copied };
    let subject = Redb { commit, making, ..Redb::default() };
    let put = |i: usize| Operation::Write(vec![MapWrite::put(format!("k{i}"), format!("v{i}"))]);
    let workload = Workload { operations: (0..n).map(put).collect(), then: (0..m).map(|i| put(100 + i)).collect() };
    let bounds = Bounds { time: Some(Duration::from_secs(secs)),
        mode: if arg("EAGER").is_some() { Mode::Eager } else { Mode::Lazy },
        kills: arg("K").and_then(|n| n.parse().ok()).unwrap_or(1), ..Bounds::default() };
    for name in NAMES {
        if arg("P").is_some_and(|p| p != name) { continue; }
        let profile = Profile::named(name).unwrap().with_sizes(512, 4096);
        let exploration = explore(&subject, &profile, &workload, &bounds);
        println!("{}", exploration.report);
        if let Some(c) = exploration.counterexample { println!("{c}"); }
    }
}
