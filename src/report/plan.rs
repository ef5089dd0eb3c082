//! What a run is to answer, and how it is split into parts that run on machines of their own.

use crate::check::lock::{Kind, Lock};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use twox_hash::XxHash3_64;

/// What a run is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of models or of real code.
    pub kind: Kind,
    /// What was selected, as arguments of the command line.
    pub selection: Vec<String>,
    /// Tells apart what the verdicts depend on.
    pub fingerprint: String,
    /// The ids, in their order.
    pub ids: Vec<String>,
    /// How much there is to do for each.
    sizes: Vec<usize>,
}

/// One of so many parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which one, from 1.
    pub index: NonZeroUsize,
    /// Of how many.
    pub of: NonZeroUsize,
}

impl Plan {
    /// The sizes are those of the lock. `contents` is what the verdicts depend on besides: specs, or bounds.
    pub fn new(
        kind: Kind,
        selection: Vec<String>,
        ids: Vec<String>,
        lock: &Lock,
        contents: &[String],
    ) -> Self {
        // What there is to do for any, in states or recoveries: measured, where a violation ends it.
        let least = match kind {
            Kind::Check => 5_000,
            Kind::Explore => 1_000,
        };
        let size = |id: &String| {
            lock.kept(kind, id)
                .and_then(|kept| kept.size())
                .unwrap_or(0)
        };
        let sizes = ids.iter().map(|id| size(id) + least).collect();
        let mut all: Vec<u8> = Vec::new();
        let mut add = |text: &str| {
            all.extend((text.len() as u64).to_le_bytes());
            all.extend(text.as_bytes());
        };
        add(env!("CARGO_PKG_VERSION"));
        for list in [&selection[..], &ids[..], contents] {
            add(&list.len().to_string());
            list.iter().for_each(|text| add(text));
        }
        for id in &ids {
            add(&format!("{:?}", lock.kept(kind, id)));
        }
        Self {
            kind,
            selection,
            fingerprint: format!("{:016x}", XxHash3_64::oneshot(&all)),
            ids,
            sizes,
        }
    }

    /// The places in [`ids`](Self::ids) of a part, in their order: each goes, the largest first, to the part that has
    /// least to do. No part: all of them.
    pub fn part(&self, shard: Option<Shard>) -> Vec<usize> {
        let Some(shard) = shard else {
            return (0..self.ids.len()).collect();
        };
        let mut places: Vec<usize> = (0..self.ids.len()).collect();
        places.sort_by_key(|&place| (Reverse(self.sizes[place]), place));
        // More parts than ids have nothing to do.
        let mut loads = vec![0; shard.of.get().min(places.len())];
        let mut mine = Vec::new();
        for place in places {
            let Some(least) = (0..loads.len()).min_by_key(|&part| (loads[part], part)) else {
                break;
            };
            loads[least] += self.sizes[place];
            if least + 1 == shard.index.get() {
                mine.push(place);
            }
        }
        mine.sort_unstable();
        mine
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            Some(Shard {
                index: index.parse().ok()?,
                of: of.parse().ok()?,
            })
        });
        match parsed {
            Some(shard) if shard.index <= shard.of => Ok(shard),
            _ => Err(format!(
                "--shard `{text}` is not I/N, the I-th of N parts, as 1/4: I is 1 at least and N at most"
            )),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::lock::LockedExploration;

    /// A plan with these sizes.
    fn plan(recoveries: &[usize]) -> Plan {
        let ids: Vec<String> = (0..recoveries.len()).map(|i| format!("log/{i}")).collect();
        let mut lock = Lock::default();
        for (id, &recoveries) in ids.iter().zip(recoveries) {
            let kept = LockedExploration {
                recoveries: Some(recoveries),
                ..LockedExploration::default()
            };
            lock.exploration.insert(id.clone(), kept);
        }
        Plan::new(Kind::Explore, Vec::new(), ids, &lock, &[])
    }

    fn parts(plan: &Plan, of: usize) -> Vec<Vec<usize>> {
        let part = |index| {
            let shard = format!("{index}/{of}").parse().expect("a shard");
            plan.part(Some(shard))
        };
        (1..=of).map(part).collect()
    }

    #[test]
    fn each_id_is_in_one_part_and_the_large_ones_are_apart() {
        let plan = plan(&[10, 900_000, 20, 400_000, 500_000, 30]);
        assert_eq!(plan.part(None), [0, 1, 2, 3, 4, 5]);
        for of in [1, 2, 3, 5, 6, 7, 50] {
            let parts = parts(&plan, of);
            let mut all = parts.concat();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3, 4, 5], "{of}");
        }
        let halves = parts(&plan, 2);
        assert!(halves[0].contains(&1) && halves[1].contains(&3) && halves[1].contains(&4));
        assert!(parts(&plan, 9)[8].is_empty());
        let last = format!("{0}/{0}", usize::MAX).parse().expect("a shard");
        assert!(plan.part(Some(last)).is_empty());
    }

    #[test]
    fn what_is_no_shard_is_refused_with_a_sentence() {
        for text in [
            "",
            "1",
            "0/2",
            "3/2",
            "1/0",
            "-1/2",
            "1/2/3",
            "a/b",
            "1/99999999999999999999",
        ] {
            let refused = text.parse::<Shard>().expect_err(text);
            assert!(refused.contains("as 1/4"), "{refused}");
        }
        let shard: Shard = "2/3".parse().expect("a shard");
        assert_eq!(shard.to_string(), "2/3");
    }

    #[test]
    fn the_fingerprint_tells_apart_all_that_verdicts_depend_on() {
        let plan = |selection: &[&str], ids: &[&str], contents: &[&str]| {
            let [selection, ids, contents] = [selection, ids, contents]
                .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
            Plan::new(Kind::Check, selection, ids, &Lock::default(), &contents).fingerprint
        };
        let one = plan(&["a"], &["b", "c"], &["d"]);
        assert_eq!(one, plan(&["a"], &["b", "c"], &["d"]));
        for other in [
            plan(&[], &["b", "c"], &["d"]),
            plan(&["a"], &["bc"], &["d"]),
            plan(&["a", "b"], &["c"], &["d"]),
            plan(&["a"], &["b", "c"], &["e"]),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(self::plan(&[1]).fingerprint, self::plan(&[2]).fingerprint);
    }
}
