//! What the arguments of `lightsout explore` select.

use super::ExploreArgs;
use lightsout::check::Error;
use lightsout::check::lock::{Difference, Kind, Lock};
use lightsout::explore::engines::{self, catalogue};
use lightsout::explore::{PROFILES, Profile};
use lightsout::report::plan::{Plan, Shard};
use lightsout::report::results::{Entry, exploration_id, kept};
use lightsout::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES};
use std::collections::BTreeSet;
use std::path::Path;

/// What the arguments select.
pub(super) struct Chosen {
    entries: Vec<engines::Entry>,
    pub(super) profiles: Vec<Profile>,
    pub(super) lock: Lock,
    /// Whether there is a lock to compare with.
    is_kept: bool,
    pub(super) plan: Plan,
}

impl Chosen {
    pub(super) fn of(directory: &Path, args: &ExploreArgs) -> Result<Self, Error> {
        let (entries, profiles) = (selected(args)?, profiles(args)?);
        let lock = Lock::read(directory)?;
        let on = |entry: &engines::Entry| {
            let id = |profile: &Profile| exploration_id(entry.name, &profile.name);
            profiles.iter().map(id).collect::<Vec<_>>()
        };
        let ids = entries.iter().flat_map(on).collect();
        let work = |entry: &engines::Entry| format!("{} {:?}", entry.operations, entry.breaks);
        let contents: Vec<String> = entries.iter().map(work).collect();
        Ok(Self {
            plan: Plan::new(Kind::Explore, arguments(args), ids, &lock, &contents),
            is_kept: Lock::path(directory).exists(),
            entries,
            profiles,
            lock,
        })
    }

    /// An engine and a file system, by their place in the plan.
    pub(super) fn job(&self, place: usize) -> (&engines::Entry, &Profile) {
        let of = self.profiles.len();
        (&self.entries[place / of], &self.profiles[place % of])
    }

    pub(super) fn covers(&self, args: &ExploreArgs, id: &str) -> bool {
        let Some((engine, profile)) = id.split_once('/') else {
            return false;
        };
        (args.engines.is_empty() || args.engines.iter().any(|name| name == engine))
            && (args.profile.is_empty() || args.profile.iter().any(|name| name == profile))
    }

    /// How it differs from the lock, which keeps what the default bounds give; what is gone is seen in a whole run only.
    pub(super) fn differences(
        &self,
        args: &ExploreArgs,
        shard: Option<Shard>,
        entries: &[Entry],
    ) -> Vec<Difference> {
        if !is_default(args) || !self.is_kept {
            return Vec::new();
        }
        let ought = |id: &str| shard.is_none() && self.covers(args, id);
        self.lock.differences(Kind::Explore, kept(entries), ought)
    }
}

/// Whether the bounds are those that the lock keeps verdicts of.
pub(super) fn is_default(args: &ExploreArgs) -> bool {
    args.operations.is_none()
        && args.faults == 0
        && !(args.from_nothing || args.eager || args.converges)
}

/// The selection, as arguments: what is selected by them again is the same.
fn arguments(args: &ExploreArgs) -> Vec<String> {
    let mut arguments = args.engines.clone();
    let profiles = args.profile.iter();
    arguments.extend(profiles.map(|profile| format!("--profile={profile}")));
    let operations = args.operations.iter();
    arguments.extend(operations.map(|operations| format!("--operations={operations}")));
    arguments.extend((args.faults > 0).then(|| format!("--faults={}", args.faults)));
    let switches = [
        ("--from-nothing", args.from_nothing),
        ("--eager", args.eager),
        ("--converges", args.converges),
        ("--rules", args.rules),
    ];
    let set = switches.into_iter().filter(|(_, is_set)| *is_set);
    arguments.extend(set.map(|(name, _)| name.to_string()));
    arguments
}

fn selected(args: &ExploreArgs) -> Result<Vec<engines::Entry>, Error> {
    let all = catalogue();
    let known: Vec<&str> = all.iter().map(|entry| entry.name).collect();
    if let Some(unknown) = args
        .engines
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(Error::Usage(format!(
            "there is no engine `{unknown}` to explore: it is one of {}",
            known.join(", ")
        )));
    }
    let wanted = |entry: &engines::Entry| {
        args.engines.is_empty() || args.engines.iter().any(|name| name == entry.name)
    };
    Ok(all.into_iter().filter(wanted).collect())
}

fn profiles(args: &ExploreArgs) -> Result<Vec<Profile>, Error> {
    let names: Vec<&str> = match args.profile.is_empty() {
        true => PROFILES.to_vec(),
        false => args.profile.iter().map(String::as_str).collect(),
    };
    let profile = |name: &&str| {
        let named = Profile::named(name).ok_or_else(|| {
            Error::Usage(format!(
                "there is no profile `{name}`: it is one of {}",
                PROFILES.join(", ")
            ))
        })?;
        Ok(named.with_sizes(SECTOR_BYTES, BLOCK_BYTES))
    };
    let mut profiles: Vec<Profile> = names.iter().map(profile).collect::<Result<_, Error>>()?;
    let mut seen = BTreeSet::new();
    profiles.retain(|profile| seen.insert(profile.name.clone()));
    Ok(profiles)
}
