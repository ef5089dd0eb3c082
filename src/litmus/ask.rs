//! One answer: every crash image of a program, looked at once.

use super::operation::{Operation, sync};
use super::{Ask, Crash, Observation, Verdict, contents, observation};
use models::disk::effect::{Effect, Kind, Status};
use models::disk::image::Fates;
use models::disk::{Disk, Ino};
use models::profile::Profile;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

/// LIMIT: bytes of crash images looked at for one row, each image at least [`IMAGE_MIN`]. Beyond it,
/// `undecided` and not `forbidden`; smaller sizes of sector and block bring a test below it.
const BYTES_MAX: usize = 1 << 26;

/// LIMIT: the same for one step of the search for a reason.
const BYTES_MAX_IN_SEARCH: usize = 1 << 20;

/// What an image costs beside its bytes, in bytes.
const IMAGE_MIN: usize = 256;

/// What was found for one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether a crash can leave the state.
    pub verdict: Verdict,
    /// Distinct outcomes over all the points at which the power may go.
    pub outcomes: usize,
    /// Whether that is all of them.
    pub exhausted: bool,
    /// One crash that leaves the state, where one does.
    pub witness: Option<Witness>,
}

/// A crash, and what it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Operations of the program that had completed.
    pub completed: usize,
    /// What was cached, in order of issue, and its fate.
    pub cached: Vec<Line>,
    /// What is there after the crash.
    pub left: Observation,
}

/// The fate of one or several effects that share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Kept, or lost.
    pub kept: bool,
    /// The effect in words.
    pub effect: String,
}

/// A disk at a point where the power may go.
#[derive(Clone)]
struct Point {
    completed: usize,
    disk: Disk<u8>,
    /// What each file was called first.
    names: BTreeMap<Ino, String>,
}

impl Ask {
    /// Looks at every image that a crash under this profile can leave.
    pub fn answer(&self, profile: &Profile) -> Answer {
        let mut seen = HashSet::new();
        let mut witness = None;
        let images_max = self.images_within(BYTES_MAX);
        let mut images = 0;
        let program: Vec<&Operation> = self.program.iter().collect();
        for point in self.points(profile, &program) {
            point.disk.visit_crash_images(profile, |fates, image| {
                images += 1;
                if images > images_max {
                    return ControlFlow::Break(());
                }
                if witness.is_none() && self.state.holds(image.view()) {
                    witness = Some(point.witness(&fates, image));
                }
                seen.insert(observation(image.view(), &self.observe));
                ControlFlow::Continue(())
            });
        }
        let exhausted = images <= images_max;
        let verdict = match &witness {
            Some(_) => Verdict::Allowed,
            None if exhausted => Verdict::Forbidden,
            None => Verdict::Undecided,
        };
        Answer {
            verdict,
            outcomes: seen.len(),
            exhausted,
            witness,
        }
    }

    /// Whether some crash of such a program leaves the state. `None`: not within the bound.
    pub(super) fn is_possible(&self, profile: &Profile, program: &[&Operation]) -> Option<bool> {
        let images_max = self.images_within(BYTES_MAX_IN_SEARCH);
        let mut found = false;
        let mut images = 0;
        for point in self.points(profile, program) {
            point.disk.visit_crash_images(profile, |_, image| {
                images += 1;
                found = self.state.holds(image.view());
                if found || images > images_max {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            if found || images > images_max {
                break;
            }
        }
        (found || images <= images_max).then_some(found)
    }

    fn images_within(&self, bytes: usize) -> usize {
        let operations = self.setup.iter().chain(&self.program);
        bytes / (IMAGE_MIN + operations.map(Operation::bytes).sum::<usize>())
    }

    /// The disks on which the power may go. Between two operations is enough: a crash within one
    /// leaves what a crash right after it may leave, and a barrier in progress guarantees nothing.
    fn points(&self, profile: &Profile, program: &[&Operation]) -> Vec<Point> {
        const REHEARSED: &str = "the parser has run these operations once";
        let mut point = Point {
            completed: 0,
            disk: Disk::default(),
            names: BTreeMap::new(),
        };
        // All of it becomes durable, so its order does not matter; what it gave up does.
        let unordered = Profile {
            stale: profile.stale,
            ..Profile::posix().with_sizes(profile.sector, profile.block)
        };
        for operation in &self.setup {
            operation
                .apply(&mut point.disk, &unordered)
                .expect(REHEARSED);
        }
        sync(&mut point.disk, &unordered).expect("a new disk is not read-only");
        point.note_names();
        let mut points = Vec::new();
        for operation in program {
            if self.crash == Crash::Any {
                points.push(point.clone());
            }
            operation.apply(&mut point.disk, profile).expect(REHEARSED);
            point.completed += 1;
            point.note_names();
        }
        points.push(point);
        points
    }
}

impl Point {
    fn note_names(&mut self) {
        let view = self.disk.view();
        for (path, _) in view.paths() {
            if let Some(ino) = view.lookup(&path) {
                self.names.entry(ino).or_insert(path);
            }
        }
    }

    fn witness(&self, fates: &Fates, image: &Disk<u8>) -> Witness {
        let mut cached: Vec<Line> = Vec::new();
        // The bytes of the last line, where it is about bytes.
        let mut run: Option<(Ino, usize, Vec<u8>)> = None;
        for (i, logged) in self.disk.log().iter().enumerate() {
            let kept = fates.kept.contains(&i);
            // A spill that is lost is what should happen.
            if logged.status == Status::Durable || (logged.kind == Kind::Spill && !kept) {
                continue;
            }
            // Sectors of one write that share a fate make one line.
            if let Effect::Data { file, at, cells } = &*logged.effect {
                let last = cached.last_mut().filter(|line| line.kept == kept);
                if let (Some(line), Some((ino, from, bytes))) = (last, &mut run)
                    && ino == file
                    && *from + bytes.len() == *at
                {
                    bytes.extend(cells);
                    line.effect = self.data_in_words(*file, *from, bytes);
                    continue;
                }
                run = Some((*file, *at, cells.clone()));
            } else {
                run = None;
            }
            let effect = self.in_words(&logged.effect);
            cached.push(Line { kept, effect });
        }
        Witness {
            completed: self.completed,
            cached,
            left: observation(image.view(), &[]),
        }
    }

    fn in_words(&self, effect: &Effect<u8>) -> String {
        match effect {
            Effect::Data { file, at, cells } => self.data_in_words(*file, *at, cells),
            Effect::Size { file, to } => format!("size of {} becomes {to}", self.name(*file)),
            Effect::Entry {
                directory,
                name,
                target,
            } => {
                let path = match self.name(*directory) {
                    "" => name.to_string(),
                    above => format!("{above}/{name}"),
                };
                match target.map(|ino| self.name(ino)) {
                    Some(first) if first != path => format!("name {path}, for what was {first}"),
                    Some(_) => format!("name {path}"),
                    None => format!("removal of the name {path}"),
                }
            }
        }
    }

    fn data_in_words(&self, file: Ino, at: usize, bytes: &[u8]) -> String {
        let (name, end) = (self.name(file), at + bytes.len());
        format!(
            "bytes {at}..{end} of {name} become {}",
            contents::describe(bytes)
        )
    }

    fn name(&self, ino: Ino) -> &str {
        self.names.get(&ino).map_or("", String::as_str)
    }
}
