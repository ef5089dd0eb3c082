//! The barrier audit: does each barrier of the code earn its place, and which one is missing?
//!
//! A barrier is a call site, file and line. Each is left out in turn, and each full barrier of a file weakened to
//! a data barrier: *needed*, with the way to a breach; or *redundant within these bounds*. Of code that breaks
//! the contract the smallest set of barriers is searched, after calls that change something, that mends it.

use super::bounds::{Bounds, Workload};
use super::ongoing::explore_planted;
use super::report::Verdict;
use super::subject::{Subject, WriteOf};
use crate::counterexample::Breach;
use crate::storage::simulated::{Insertion, Plant, Site};
use models::profile::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What came of the code without a barrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It breaks the contract.
    Needed {
        /// How.
        breach: Breach,
        /// In a sentence.
        says: String,
    },
    /// It keeps it, within these bounds.
    Redundant,
    /// A bound was met first.
    Undecided(String),
}

/// One barrier.
#[derive(Clone, Debug)]
pub struct Audited {
    /// Where it stands.
    pub site: Site,
    /// What came of leaving it out.
    pub without: Need,
    /// Of a full barrier of a file: what came of weakening it to a data barrier.
    pub data_only: Option<Need>,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Needed { breach, says } => write!(f, "needed, {breach}: {says}"),
            Need::Redundant => write!(f, "redundant within these bounds"),
            Need::Undecided(why) => write!(f, "undecided: {why}"),
        }
    }
}

impl fmt::Display for Audited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n      without it: {}", self.site, self.without)?;
        match &self.data_only {
            Some(need) => write!(f, "\n      as a data barrier: {need}"),
            None => Ok(()),
        }
    }
}

/// Audits every barrier that these workloads, each within its bounds, come to with their crashes and
/// recoveries: one is needed if any of them needs it. `None`: the code does not keep the contract as it is, or
/// bounds end an exploration early.
pub fn audit<S: Subject>(
    subject: &S,
    profile: &Profile,
    checks: &[(Workload<WriteOf<S>>, Bounds)],
) -> Option<Vec<Audited>> {
    let mut sites = BTreeSet::new();
    for (workload, bounds) in checks {
        let plant = Plant {
            keeps_sites: true,
            ..Plant::default()
        };
        let all = explore_planted(subject, profile, workload, bounds, &plant);
        if all.report.verdict != Verdict::Holds {
            return None;
        }
        sites.extend(all.sites.into_iter().filter(Site::is_barrier));
    }
    let need = |plant: &Plant| {
        let mut need = Need::Redundant;
        for (workload, bounds) in checks {
            match explore_planted(subject, profile, workload, bounds, plant)
                .report
                .verdict
            {
                Verdict::Holds => {}
                Verdict::Violates { breach, says, .. } => return Need::Needed { breach, says },
                Verdict::Broken(why) | Verdict::Inconclusive(why) => need = Need::Undecided(why),
            }
        }
        need
    };
    let audited = sites.into_iter().map(|site| Audited {
        site,
        without: need(&Plant {
            without: vec![site],
            ..Plant::default()
        }),
        data_only: (site.call == "barrier").then(|| {
            need(&Plant {
                data_only: vec![site],
                ..Plant::default()
            })
        }),
    });
    Some(audited.collect())
}

/// The smallest set of barriers, at most two, that mends code that breaks the contract. `None`: there is none
/// within the bounds.
pub fn missing<S: Subject>(
    subject: &S,
    profile: &Profile,
    workload: &Workload<WriteOf<S>>,
    bounds: &Bounds,
) -> Option<BTreeMap<Site, Insertion>> {
    let explore = |plant: &Plant| explore_planted(subject, profile, workload, bounds, plant);
    let all = explore(&Plant {
        keeps_sites: true,
        ..Plant::default()
    });
    let changes = all.sites.iter().filter(|site| !site.is_barrier());
    let single: Vec<(Site, Insertion)> = changes
        .flat_map(|&site| [(site, Insertion::File), (site, Insertion::Directory)])
        .collect();
    let mends = |inserted: BTreeMap<Site, Insertion>| {
        let plant = Plant {
            inserted: inserted.clone(),
            ..Plant::default()
        };
        (explore(&plant).report.verdict == Verdict::Holds).then_some(inserted)
    };
    let one = single.iter().find_map(|&one| mends(BTreeMap::from([one])));
    one.or_else(|| {
        let pairs = single.iter().enumerate();
        let mut pairs = pairs.flat_map(|(i, &a)| single[i + 1..].iter().map(move |&b| [a, b]));
        pairs.find_map(|pair| match pair[0].0 == pair[1].0 {
            true => None,
            false => mends(BTreeMap::from(pair)),
        })
    })
}
