//! Engines that nobody here wrote, explored: a line for each, with the settings that matter, and each file system.
#![expect(clippy::print_stdout)]

use clap::Parser;
use lightsout::explore::subject::OperationOf;
use lightsout::explore::{Bounds, PROFILES, Profile, SWITCHES, Subject, Workload, explore};
use lightsout_others::lsm_tree::{self, LsmTree};
use lightsout_others::raft_engine::{self, RaftEngine};
use lightsout_others::redb::{self, Commit, Header, Redb};
use mimalloc::MiMalloc;
use std::error::Error;
use std::time::Duration;

/// As the command line of lightsout has it: an exploration allocates much and little at a time.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

/// Explores engines that nobody here wrote. The time is looked at between two recoveries.
#[derive(Debug, Parser)]
struct Asked {
    /// Only those whose names begin so: redb, raft-engine, lsm-tree.
    engine: Option<String>,
    /// On this file system; on all six if none is given. Can be given again.
    #[arg(long, value_name = "PROFILE")]
    profile: Vec<String>,
    /// Sets a switch of the file system, as in `stale=no`. Can be given again.
    #[arg(long, value_name = "SWITCH=VALUE")]
    set: Vec<String>,
    /// Bytes that are written whole or not at all.
    #[arg(long, default_value_t = 512)]
    sector: usize,
    /// Operations before the crash.
    #[arg(long, default_value_t = 2)]
    operations: usize,
    /// Operations after a recovery.
    #[arg(long, default_value_t = 0)]
    then: usize,
    /// So many calls go wrong along one way, each at every place.
    #[arg(long, default_value_t = 0)]
    faults: usize,
    /// Crashes in a row without a recovery that ended.
    #[arg(long, default_value_t = 16)]
    crashes: usize,
    /// Kills between two power cuts.
    #[arg(long, default_value_t = 1)]
    kills: usize,
    /// Begin with an empty disk. Else the store is made, and durable, before.
    #[arg(long)]
    from_nothing: bool,
    /// Seconds for each exploration.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Say which families of crash points were run, and show each counterexample.
    #[arg(long)]
    show: bool,
    /// Some engine had that name.
    #[arg(skip)]
    explored: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut asked = Asked::parse();
    let profiles = asked.profiles()?;
    for commit in [Commit::OnePhase, Commit::TwoPhase, Commit::QuickRepair] {
        let redb = Redb {
            commit,
            header: Header::in_sectors_of(asked.sector),
            ..Redb::default()
        };
        let name = format!("redb {}", commit.name());
        let masked = redb.normalise().is_some();
        if masked && asked.then > 0 && asked.wants(&name) {
            println!(
                "{name}: not explored, for its mask is for work that ends with a recovery (`redb/normalise.rs`)"
            );
            asked.explored = true;
            continue;
        }
        asked.explore(&profiles, &name, &redb, &redb::operations(0..22));
    }
    let operations = raft_engine::operations();
    for (name, engine) in [
        ("raft-engine", RaftEngine::default()),
        ("raft-engine with care", RaftEngine::with_care()),
    ] {
        asked.explore(&profiles, name, &engine.in_small_files(), &operations);
    }
    let operations = lsm_tree::operations();
    for (name, log_bytes) in [
        ("lsm-tree", LsmTree::USUAL.log_bytes),
        ("lsm-tree whole manifests", 0),
    ] {
        let tree = LsmTree {
            log_bytes,
            ..LsmTree::USUAL
        };
        asked.explore(&profiles, name, &tree, &operations);
    }
    match asked.explored {
        true => Ok(()),
        false => Err("there is no such engine: it is redb, raft-engine or lsm-tree".into()),
    }
}

impl Asked {
    fn profiles(&self) -> Result<Vec<Profile>, String> {
        let names: Vec<&str> = match self.profile.is_empty() {
            true => PROFILES.to_vec(),
            false => self.profile.iter().map(String::as_str).collect(),
        };
        let profile = |name: &str| {
            let mut profile = Profile::named(name)
                .ok_or_else(|| {
                    let known = PROFILES.join(", ");
                    format!("there is no profile `{name}`: it is one of {known}")
                })?
                .with_sizes(self.sector, 4096);
            for set in &self.set {
                let with = set.split_once('=');
                let with = with.and_then(|(switch, value)| profile.clone().with(switch, value));
                profile = with.ok_or_else(|| {
                    let known =
                        SWITCHES.map(|(switch, values)| format!("{switch}={}", values.join("|")));
                    format!(
                        "there is no switch `{set}`: it is one of {}",
                        known.join(", ")
                    )
                })?;
            }
            Ok(profile)
        };
        names.into_iter().map(profile).collect()
    }

    fn wants(&self, name: &str) -> bool {
        let engine = self.engine.as_ref();
        engine.is_none_or(|engine| name.starts_with(engine.as_str()))
    }

    /// Explores the first of these operations, then some of the others.
    fn explore<S: Subject>(
        &mut self,
        profiles: &[Profile],
        name: &str,
        subject: &S,
        operations: &[OperationOf<S>],
    ) {
        if !self.wants(name) {
            return;
        }
        self.explored = true;
        let (first, rest) = operations.split_at(self.operations.min(operations.len()));
        let workload = Workload {
            operations: first.to_vec(),
            then: rest[..self.then.min(rest.len())].to_vec(),
        };
        let bounds = Bounds {
            faults: self.faults,
            crashes: self.crashes,
            kills: self.kills,
            settled: !self.from_nothing,
            time: Some(Duration::from_secs(self.seconds)),
            ..Bounds::default()
        };
        println!("{name}, {} operations", first.len());
        for profile in profiles {
            let exploration = explore(subject, profile, &workload, &bounds);
            println!("  {}", exploration.report);
            if self.show {
                for line in exploration.report.coverage.lines() {
                    println!("    {line}");
                }
                if let Some(counterexample) = exploration.counterexample {
                    println!("{counterexample}");
                }
            }
        }
    }
}
