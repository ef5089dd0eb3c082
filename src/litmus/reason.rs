//! Why a state is forbidden: the rules that forbid it, found by weakening them.

use super::operation::Operation;
use super::{Answer, Ask, Verdict};
use models::profile::{Profile, SWITCHES};
use std::fmt;

/// LIMIT: bytes that a program writes, up to which the search for a reason tries the switches that
/// give every byte a fate of its own.
const BYTES_APART_MAX: usize = 64;

/// Why the verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is allowed, and the witness shows how.
    Crash,
    /// The sets of switches that, weakened, make it allowed. Several: each is enough.
    Rules(Vec<Vec<Change>>),
    /// It is forbidden with every guarantee off, and allowed without these barriers.
    Barriers(Vec<String>),
    /// It is forbidden with every guarantee off and every barrier left out.
    Never,
    /// The search gave up at its bound.
    Unknown,
}

/// A switch set to a weaker value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The switch.
    pub switch: &'static str,
    /// Its weaker value.
    pub to: &'static str,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.switch, self.to)
    }
}

impl Ask {
    /// Why the profile answers so.
    pub(super) fn reason(&self, profile: &Profile, answer: &Answer) -> Reason {
        match answer.verdict {
            Verdict::Allowed => Reason::Crash,
            Verdict::Undecided => Reason::Unknown,
            Verdict::Forbidden => self.forbidden_by(profile),
        }
    }

    fn forbidden_by(&self, profile: &Profile) -> Reason {
        let weaker = self.weaker(profile);
        let single = |values: &Vec<Change>| {
            let enough = values
                .iter()
                .find(|c| self.allows(profile, &[**c]) == Some(true));
            enough.map(|change| vec![*change])
        };
        let singles: Vec<Vec<Change>> = weaker.iter().filter_map(single).collect();
        if !singles.is_empty() {
            return Reason::Rules(singles);
        }
        let all: Vec<Change> = weaker
            .iter()
            .map(|values| values[values.len() - 1])
            .collect();
        let weakest = self.allows(profile, &all);
        if weakest == Some(false) {
            return self.forbidden_by_barriers(&with(profile, &all));
        }
        for (i, first) in all.iter().enumerate() {
            for second in &all[i + 1..] {
                let pair = [*first, *second];
                if self.allows(profile, &pair) == Some(true) {
                    return Reason::Rules(vec![self.softened(profile, &weaker, pair.to_vec())]);
                }
            }
        }
        if weakest.is_none() {
            return Reason::Unknown;
        }
        let mut set = all.clone();
        for change in &all {
            let without: Vec<Change> = set.iter().filter(|c| *c != change).copied().collect();
            if self.allows(profile, &without) == Some(true) {
                set = without;
            }
        }
        Reason::Rules(vec![self.softened(profile, &weaker, set)])
    }

    /// For each switch that can be weakened, its weaker values, the nearest first.
    fn weaker(&self, profile: &Profile) -> Vec<Vec<Change>> {
        let bytes: usize = self.program.iter().map(Operation::bytes).sum();
        let apart = |switch: &str| bytes <= BYTES_APART_MAX || !["R2", "R19"].contains(&switch);
        let switches = SWITCHES.iter().filter(|(switch, _)| apart(switch));
        let weaker = switches.map(|&(switch, values)| {
            let is = |to: &'static str| with(profile, &[Change { switch, to }]) == *profile;
            let at = values.iter().position(|value| is(value)).unwrap_or(0);
            values[..at]
                .iter()
                .rev()
                .map(|to| Change { switch, to })
                .collect()
        });
        weaker
            .filter(|values: &Vec<Change>| !values.is_empty())
            .collect()
    }

    /// Each change brought as near to what the profile says as the verdict bears.
    fn softened(
        &self,
        profile: &Profile,
        weaker: &[Vec<Change>],
        mut set: Vec<Change>,
    ) -> Vec<Change> {
        for i in 0..set.len() {
            let values = weaker
                .iter()
                .flatten()
                .filter(|c| c.switch == set[i].switch);
            for nearer in values {
                let tried = [&set[..i], &[*nearer], &set[i + 1..]].concat();
                if self.allows(profile, &tried) == Some(true) {
                    set = tried;
                    break;
                }
            }
        }
        set
    }

    fn allows(&self, profile: &Profile, changes: &[Change]) -> Option<bool> {
        let program: Vec<&Operation> = self.program.iter().collect();
        self.is_possible(&with(profile, changes), &program)
    }

    fn forbidden_by_barriers(&self, weakest: &Profile) -> Reason {
        let without = |left_out: &dyn Fn(usize, &Operation) -> bool| {
            let program = self.program.iter().enumerate();
            let program: Vec<&Operation> = program
                .filter(|(i, o)| !left_out(*i, o))
                .map(|(_, o)| o)
                .collect();
            self.is_possible(weakest, &program)
        };
        let barriers = || {
            self.program
                .iter()
                .enumerate()
                .filter(|(_, o)| o.is_barrier())
        };
        let singles: Vec<String> = barriers()
            .filter(|(barrier, _)| without(&|i, _| i == *barrier) == Some(true))
            .map(|(_, operation)| operation.to_string())
            .collect();
        if !singles.is_empty() {
            return Reason::Barriers(singles);
        }
        match without(&|_, operation| operation.is_barrier()) {
            Some(true) => Reason::Barriers(barriers().map(|(_, o)| o.to_string()).collect()),
            Some(false) => Reason::Never,
            None => Reason::Unknown,
        }
    }
}

/// The profile with changes made, under its own name.
fn with(profile: &Profile, changes: &[Change]) -> Profile {
    let changed = changes.iter().fold(profile.clone(), |profile, change| {
        let set = profile.with(change.switch, change.to);
        set.expect("a value that the switch takes")
    });
    Profile {
        name: profile.name.clone(),
        ..changed
    }
}
