//! What was cached only when the power went: a track from the step that made it to the crash, where it falls to the
//! disk or ends.

use super::layout::Grid;
use super::{label, said};
use crate::counterexample::{Counterexample, Fate, Fated, Mark};

/// Between two tracks.
pub(super) const ROW: usize = 20;
/// Tracks of one crash; what is more shares the last one.
const MOST: usize = 8;
/// Between the arrows that fall to the disk.
const APART: usize = 8;
/// A label of a track.
const LABEL: usize = 290;

/// The line of a crash.
pub(super) struct Crash {
    pub(super) x: usize,
    pub(super) kill: bool,
    pub(super) top: usize,
    pub(super) bottom: usize,
}

/// Cached effects of one step that had one fate; of the lost ones those that lacked the same barrier.
pub(super) struct Track {
    pub(super) from: usize,
    /// Where it ends: at the crash, or where it falls.
    pub(super) to: usize,
    /// Where its label begins, and where it ends.
    pub(super) text: usize,
    pub(super) end: usize,
    row: usize,
    pub(super) y: usize,
    /// Where it reaches the disk.
    pub(super) bottom: usize,
    pub(super) fate: &'static str,
    pub(super) label: String,
    pub(super) title: String,
}

impl Track {
    /// Knows where the first row is, and the disk.
    pub(super) fn down(&mut self, first: usize, disk: usize) {
        self.y = first + self.row * ROW + ROW / 2;
        self.bottom = disk;
    }
}

/// Effects that are drawn as one.
struct Group<'c> {
    since: usize,
    fate: Fate,
    effects: Vec<&'c Fated>,
}

/// The tracks, the crashes, and how many rows the tracks need. What belongs to one crash stands together.
pub(super) fn of(found: &Counterexample, grid: &Grid) -> (Vec<Track>, Vec<Crash>, usize) {
    let mut tracks: Vec<Track> = Vec::new();
    let mut crashes = Vec::new();
    for (number, step) in found.steps.iter().enumerate() {
        if !matches!(step.mark, Mark::PowerCut | Mark::Kill) {
            continue;
        }
        crashes.push(Crash {
            x: grid.centre(number),
            kill: step.mark == Mark::Kill,
            top: 0,
            bottom: 0,
        });
        let placed = placed(&groups(&step.effects, number), number, grid);
        let left = placed.iter().map(|track| track.from).min().unwrap_or(0);
        let over = tracks.iter().filter(|other| other.end + 12 > left);
        let first = over.map(|other| other.row + 1).max().unwrap_or(0);
        tracks.extend(placed.into_iter().map(|track| Track {
            row: track.row + first,
            ..track
        }));
    }
    let rows = tracks.iter().map(|track| track.row + 1).max().unwrap_or(0);
    (tracks, crashes, rows)
}

/// The lost ones first, then those that do not matter, then the kept ones.
fn groups(effects: &[Fated], crash: usize) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for fate in [Fate::Lost, Fate::Either, Fate::Kept] {
        let first = groups.len();
        for effect in effects.iter().filter(|effect| effect.fate == fate) {
            let since = effect.since.min(crash);
            let room = groups.len() - first < MOST;
            let alike = |group: &Group<'_>| {
                since == group.since && (fate != Fate::Lost || group.lacks() == lacks(effect))
            };
            let same = |group: &Group<'_>| fate == group.fate && (alike(group) || !room);
            match groups.iter_mut().rev().find(|group| same(group)) {
                Some(group) => {
                    group.since = group.since.min(since);
                    group.effects.push(effect);
                }
                None => groups.push(Group {
                    since,
                    fate,
                    effects: vec![effect],
                }),
            }
        }
    }
    groups
}

/// Lost ones end at the crash. Kept ones cross it and fall, the upper ones further right, so that none crosses another.
fn placed(groups: &[Group<'_>], crash: usize, grid: &Grid) -> Vec<Track> {
    let kept = groups
        .iter()
        .filter(|group| group.fate == Fate::Kept)
        .count();
    let x = grid.centre(crash);
    let text = x + 14 + kept * APART;
    let track = |(row, group): (usize, &Group<'_>)| {
        let (fate, to) = match group.fate {
            Fate::Lost => ("lost", x),
            Fate::Either => ("either", x),
            Fate::Kept => ("kept", x + 2 + (groups.len() - row) * APART),
        };
        let label = group.says(fate);
        Track {
            from: grid.centre(group.since),
            to,
            text,
            // What is lost stands out, and is wider.
            end: text + label::pixels(&label) * 9 / 8,
            row,
            y: 0,
            bottom: 0,
            fate,
            label,
            title: group.title(fate, crash),
        }
    };
    groups.iter().enumerate().map(track).collect()
}

/// Why an effect was not durable.
fn lacks(effect: &Fated) -> String {
    match effect.doomed {
        true => format!("the {} failed", effect.barrier),
        false => format!("no {}", effect.barrier),
    }
}

impl Group<'_> {
    /// What all of them lacked, if it is one thing.
    fn lacks(&self) -> String {
        let mut lacking = self.effects.iter().map(|effect| lacks(effect));
        let first = lacking.next().unwrap_or_default();
        if lacking.all(|other| other == first) {
            first
        } else {
            String::new()
        }
    }

    /// `lost: name 1.sst (no directory barrier of store)`.
    fn says(&self, fate: &str) -> String {
        let lacks = label::line(&label::call(&self.lacks()), LABEL * 2 / 3);
        match self.fate {
            Fate::Lost if !lacks.is_empty() => format!("{} ({lacks})", self.label(fate)),
            _ => self.label(fate),
        }
    }

    /// `kept: size of log = 0`: as many as there is room for, one at least.
    fn label(&self, fate: &str) -> String {
        let mut label = String::new();
        for (number, effect) in self.effects.iter().enumerate() {
            let what = label::call(&effect.what);
            let rest = self.effects.len() - number - 1;
            let more = if rest == 0 {
                String::new()
            } else {
                format!(", {rest} more")
            };
            let longer = match number {
                0 => format!("{fate}: {}", label::line(&what, LABEL * 2 / 3)),
                _ => format!("{label}, {what}"),
            };
            if number > 0 && label::pixels(&longer) + label::pixels(&more) > LABEL {
                return format!("{label}, {} more", rest + 1);
            }
            label = longer;
        }
        label
    }

    fn title(&self, fate: &str, crash: usize) -> String {
        let effects = self.effects.iter();
        let whats: Vec<String> = effects
            .take(6)
            .map(|effect| format!("{} (needs the {})", said(&effect.what), effect.barrier))
            .collect();
        let more = match self.effects.len().saturating_sub(6) {
            0 => String::new(),
            more => format!("; {more} more"),
        };
        said(&format!(
            "Cached in step {}, {fate} in step {crash}: {}{more}",
            self.since,
            whats.join("; ")
        ))
    }
}
