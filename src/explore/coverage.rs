//! How much an exploration covers: which crash states, of which families, and what kept it from being shorter.

use super::bounds::Trouble;
use super::contract::Contract;
use super::point::Point;
use crate::storage::simulated::WidestRead;
use models::disk::image::Count;
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

/// Crash states: pairs of a crash point and of a disk that a crash there can leave. Every one that the file system
/// allows at a point is covered by its recoveries, for one that does not read a difference stands for both sides of
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct States {
    /// How many there are at least; beyond 2^53 rounded.
    pub at_least: f64,
    /// There are more than that: some could not be counted without making them.
    pub more: bool,
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
    pub fn lines(&self) -> Vec<String> {
        let line = |(family, met): (&Family, &Met)| {
            let left = met.distinct - met.followed - met.superseded;
            format!("{family}: {} followed, {left} left", met.followed)
        };
        let families = self.families.iter().map(line);
        let widest = self.widest.iter().map(|read| {
            format!(
                "the read that branched most: {} of {:?}, {} choices in one run",
                read.site, read.path, read.decided
            )
        });
        families.chain(widest).collect()
    }
}

impl States {
    pub(super) fn add(&mut self, count: Count) {
        self.at_least += count.images;
        self.more |= !count.exact;
    }

    /// Those of another exploration, too.
    pub fn and(self, other: Self) -> Self {
        Self {
            at_least: self.at_least + other.at_least,
            more: self.more || other.more,
        }
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
        let during = match (point.depth, life.after, life.operations) {
            (1.., ..) => During::Recovery,
            (0, None, _) => During::Work,
            (0, Some(_), _) => During::LaterWork,
        };
        Self { during, trouble }
    }
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.at_least {
            few @ ..1e7 => format!("{few}"),
            many => format!("{many:.1e}"),
        };
        let text = if self.more { format!("{text}+") } else { text };
        f.pad(&text)
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
        let states = |at_least, more| States { at_least, more }.to_string();
        assert_eq!(states(1_234.0, false), "1234");
        assert_eq!(states(3.14e9, true), "3.1e9+");
    }
}
