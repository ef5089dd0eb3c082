//! Engines that nobody here wrote, explored: `cargo run --release -p lightsout-others`.
//!
//! `-- redb` explores that engine alone, `-- redb xfs` on that file system alone, and `-- redb xfs stale=no` with
//! switches of its profile set. Each line says what was explored, and how it ended. The time is looked at between
//! two recoveries.
#![expect(clippy::print_stdout)]

use lightsout::explore::subject::OperationOf;
use lightsout::explore::{Bounds, PROFILES, Profile, Subject, explore, workload};
use lightsout_others::lsm_tree::{self, LsmTree};
use lightsout_others::redb::{self, Commit, Redb};
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::from(std::env::args().skip(1))?;
    for commit in [Commit::OnePhase, Commit::TwoPhase, Commit::QuickRepair] {
        let redb = Redb {
            commit,
            ..Redb::default()
        };
        asked.explore("redb", &redb, &redb::operations(1))?;
    }
    for log_bytes in [LsmTree::USUAL.log_bytes, 0] {
        let tree = LsmTree {
            log_bytes,
            ..LsmTree::USUAL
        };
        asked.explore("lsm-tree", &tree, &lsm_tree::operations())?;
    }
    Ok(())
}

/// What the command line asks for.
struct Asked {
    subject: Option<String>,
    profile: Option<String>,
    switches: Vec<(String, String)>,
}

impl Asked {
    fn from(arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut asked = Self {
            subject: None,
            profile: None,
            switches: Vec::new(),
        };
        for argument in arguments {
            match argument.split_once('=') {
                Some((switch, value)) => asked.switches.push((switch.into(), value.into())),
                None if asked.subject.is_none() => asked.subject = Some(argument),
                None if PROFILES.contains(&&*argument) => asked.profile = Some(argument),
                None => {
                    return Err(format!(
                        "there is no profile `{argument}`: it is one of {}",
                        PROFILES.join(", ")
                    )
                    .into());
                }
            }
        }
        Ok(asked)
    }

    /// Explores these operations, unless something else is asked for.
    fn explore<S: Subject>(
        &self,
        name: &str,
        subject: &S,
        operations: &[OperationOf<S>],
    ) -> Result<(), Box<dyn Error>> {
        let asked =
            |asked: &Option<String>, name: &str| asked.as_ref().is_none_or(|asked| asked == name);
        if !asked(&self.subject, name) {
            return Ok(());
        }
        let bounds = Bounds {
            time: Some(Duration::from_secs(20)),
            recoveries: Some(100_000),
            ..Bounds::default()
        };
        println!("{name}, {}", subject.name());
        for profile in PROFILES
            .into_iter()
            .filter(|profile| asked(&self.profile, profile))
        {
            let mut profile = Profile::named(profile)
                .ok_or("no such profile")?
                .with_sizes(512, 4096);
            for (switch, value) in &self.switches {
                profile = profile
                    .with(switch, value)
                    .ok_or_else(|| format!("no switch `{switch}` can be `{value}`"))?;
            }
            let exploration = explore(subject, &profile, &workload::<S>(operations), &bounds);
            println!("  {}", exploration.report);
            if let Some(counterexample) = exploration.counterexample {
                println!("{counterexample}");
            }
        }
        Ok(())
    }
}
