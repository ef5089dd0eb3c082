//! Engines that nobody here wrote, explored: `cargo run --release -p lightsout-others`.
//!
//! `-- redb` explores that engine alone, `-- redb xfs` on that file system alone, and `-- redb xfs stale=no` with
//! switches of its profile set. So are the bounds: `transactions=1` and `then=0` say how much work there is before the
//! crash and after a recovery, `faults=0` how many calls go wrong, `sector=512` what is written whole, `seconds=20` and
//! `recoveries=100000` when to give up, `commit=one-phase` how redb commits. Each line says what was explored, and how
//! it ended. The time is looked at between two recoveries.
#![expect(clippy::print_stdout)]

use lightsout::explore::subject::OperationOf;
use lightsout::explore::{Bounds, PROFILES, Profile, Subject, Workload, explore};
use lightsout_others::redb::{self, Commit, Header, Redb};
use std::error::Error;
use std::ops::Range;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let asked = Asked::from(std::env::args().skip(1))?;
    for commit in [Commit::OnePhase, Commit::TwoPhase, Commit::QuickRepair] {
        let redb = Redb {
            commit,
            header: Header::in_sectors_of(asked.sector),
            ..Redb::default()
        };
        if asked
            .commit
            .as_ref()
            .is_none_or(|name| name == commit.name())
        {
            asked.explore("redb", &redb, redb::operations)?;
        }
    }
    Ok(())
}

/// What the command line asks for.
struct Asked {
    subject: Option<String>,
    profile: Option<String>,
    commit: Option<String>,
    switches: Vec<(String, String)>,
    transactions: usize,
    then: usize,
    sector: usize,
    bounds: Bounds,
}

impl Asked {
    fn from(arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut asked = Self {
            subject: None,
            profile: None,
            commit: None,
            switches: Vec::new(),
            transactions: 1,
            then: 0,
            sector: 512,
            bounds: Bounds {
                time: Some(Duration::from_secs(20)),
                recoveries: Some(100_000),
                ..Bounds::default()
            },
        };
        for argument in arguments {
            match argument.split_once('=') {
                Some(("transactions", value)) => asked.transactions = value.parse()?,
                Some(("then", value)) => asked.then = value.parse()?,
                Some(("sector", value)) => asked.sector = value.parse()?,
                Some(("faults", value)) => asked.bounds.faults = value.parse()?,
                Some(("crashes", value)) => asked.bounds.crashes = value.parse()?,
                Some(("kills", value)) => asked.bounds.kills = value.parse()?,
                Some(("settled", value)) => asked.bounds.settled = value.parse()?,
                Some(("recoveries", value)) => asked.bounds.recoveries = Some(value.parse()?),
                Some(("seconds", value)) => {
                    asked.bounds.time = Some(Duration::from_secs(value.parse()?));
                }
                Some(("commit", value)) => asked.commit = Some(value.into()),
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
        operations: impl Fn(Range<usize>) -> Vec<OperationOf<S>>,
    ) -> Result<(), Box<dyn Error>> {
        let asked =
            |asked: &Option<String>, name: &str| asked.as_ref().is_none_or(|asked| asked == name);
        if !asked(&self.subject, name) {
            return Ok(());
        }
        let workload = Workload {
            operations: operations(0..self.transactions),
            then: operations(self.transactions..self.transactions + self.then),
        };
        println!("{name}, {}", subject.name());
        for profile in PROFILES
            .into_iter()
            .filter(|profile| asked(&self.profile, profile))
        {
            let mut profile = Profile::named(profile)
                .ok_or("no such profile")?
                .with_sizes(self.sector, 4096);
            for (switch, value) in &self.switches {
                profile = profile
                    .with(switch, value)
                    .ok_or_else(|| format!("no switch `{switch}` can be `{value}`"))?;
            }
            let exploration = explore(subject, &profile, &workload, &self.bounds);
            println!("  {}", exploration.report);
            if let Some(counterexample) = exploration.counterexample {
                println!("{counterexample}");
            }
        }
        Ok(())
    }
}
