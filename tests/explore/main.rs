//! Exploration: our engines hold, those as found do not, and every control catches what it is there for.

mod as_found;
mod coverage;
mod engines;
mod honesty;
mod one_file;

use lightsout::engine::{Discipline, lsm};
use lightsout::explore::engines::{LogSubject, LsmSubject, SegmentsSubject, catalogue};
use lightsout::explore::{
    Bounds, Breach, Contract, Counterexample, Explorer, Failure, Map, MapWrite, Mode, Need,
    Operation, PROFILES, Profile, Subject, Told, Trouble, Verdict, audit, every_sequence, explore,
    missing, replay, workload,
};
use lightsout::storage::simulated::{Insertion, Simulated};
use lightsout::storage::{File, Storage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

fn named(profile: &str) -> Profile {
    let named = Profile::named(profile).expect("a profile");
    named.with_sizes(512, 4096)
}

fn settled() -> Bounds {
    Bounds {
        settled: true,
        ..Bounds::default()
    }
}
