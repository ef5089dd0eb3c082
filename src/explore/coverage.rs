//! How much an exploration covers: which crash states, of which families, and what kept it from being shorter.

use super::contract::Contract;
use super::point::Point;
use crate::counterexample::Trouble;
use crate::storage::simulated::WidestRead;
use std::collections::BTreeMap;
use std::fmt;

/// What was covered.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The crash states.
    pub states: States,
    /// The families that were met.
    pub families: BTreeMap<Family, Met>,
    /// The read for which the most fates had to be decided in one run: where runs are many, it says why.
    pub widest: Option<WidestRead>,
}

/// Crash states: a crash point, a fate for every cached effect that bears on what can be read, kept or lost as the file
/// system allows, and what was read in lost space. No fewer than the disks that differ: two effects on one place may
/// leave the same. One recovery covers all the states that differ in what it did not read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct States {
    /// How many recoveries covered; beyond 2^53 rounded.
    pub covered: f64,
    /// There are more than that: some could not be counted.
    pub more: bool,
    /// Of the crash points that were not followed: how many disks they can leave, at least.
    pub left: f64,
}

/// Crash points of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family {
    /// In which part of a life.
    pub during: During,
    /// What had gone wrong before.
    pub trouble: Option<Trouble>,
}

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum During {
    /// The work before any crash.
    Work,
    /// A recovery.
    Recovery,
    /// What is done after a recovery.
    LaterWork,
}

/// How many crash points of a family were met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// With different futures.
    pub distinct: usize,
    /// Whose recoveries were all run.
    pub followed: usize,
    /// Whose futures another one has too, and more: that one is followed.
    pub superseded: usize,
}

impl Coverage {
    pub(super) fn widen(&mut self, read: Option<WidestRead>) {
        let decided = |read: &Option<WidestRead>| read.as_ref().map_or(0, |read| read.decided);
        if decided(&read) > decided(&self.widest) {
            self.widest = read;
        }
    }

    /// A line for each family.
    pub fn families(&self) -> Vec<String> {
        let line = |(family, met): (&Family, &Met)| {
            let left = met.distinct - met.followed - met.superseded;
            format!("{family}: {} followed, {left} left", met.followed)
        };
        self.families.iter().map(line).collect()
    }

    /// A line for each family, and one for the read that branched most.
    pub fn lines(&self) -> Vec<String> {
        let widest = self.widest.iter().map(|read| {
            format!(
                "the read that branched most: {} of {:?}, {} choices in one run",
                read.site, read.path, read.decided
            )
        });
        self.families().into_iter().chain(widest).collect()
    }
}

impl States {
    pub(super) fn add(&mut self, (states, all): (f64, bool)) {
        self.covered += states;
        self.more |= !all;
    }

    /// Those of another exploration, too.
    pub fn and(self, other: Self) -> Self {
        Self {
            covered: self.covered + other.covered,
            more: self.more || other.more,
            left: self.left + other.left,
        }
    }
}

/// A number to read.
fn number(number: f64) -> String {
    match number {
        few @ ..1e7 => few.to_string(),
        many => format!("{many:.1e}"),
    }
}

impl Family {
    pub(super) fn of<C: Contract>(point: &Point<C>) -> Self {
        let life = &point.trail.life;
        let mut trail = Some(&point.trail);
        let mut trouble = None;
        while let Some(this) = trail {
            trouble = trouble.or(this.life.trouble.map(|(_, trouble)| trouble));
            trail = this.before.as_ref();
        }
        let during = match (point.depth, life.after) {
            (1.., _) => During::Recovery,
            (0, None) => During::Work,
            (0, Some(_)) => During::LaterWork,
        };
        Self { during, trouble }
    }
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.more { "+" } else { "" };
        let text = number(self.covered) + more;
        match self.left {
            0.0 => f.pad(&text),
            left => f.pad(&format!("{text}, left {}+", number(left))),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.during {
            During::Work => "crashes in the work",
            During::Recovery => "crashes in a recovery",
            During::LaterWork => "crashes after a recovery",
        })?;
        match self.trouble {
            None => Ok(()),
            Some(trouble) => write!(f, ", once {trouble}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_as_numbers() {
        let states = |covered, more, left| {
            let states = States {
                covered,
                more,
                left,
            };
            states.to_string()
        };
        assert_eq!(states(1_234.0, false, 0.0), "1234");
        assert_eq!(states(3.14e9, true, 0.0), "3.1e9+");
        assert_eq!(states(10.0, false, 5.0), "10, left 5+");
    }
}
