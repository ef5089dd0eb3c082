//! Where everything of a timeline is, in pixels.

use super::tracks::{self, Crash, Track};
use super::{label, link, said};
use crate::counterexample::{Counterexample, Mark, Step};

/// The names of the lanes stand left of here.
pub(super) const GUTTER: usize = 126;
/// The label of a step is at most so wide,
const LABEL: usize = 100;
/// its column at least so,
const NARROW: usize = 60;
/// and so where the power is cut.
const CUT: usize = 112;
/// Between lines of a label.
const LINE: usize = 14;
/// The numbers of the steps, and the names of crashes and recoveries.
const HEAD: usize = 46;
/// The link of a broken promise.
const BAND: usize = 26;

/// All of a timeline.
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The names of the lanes are so wide.
    pub(super) gutter: usize,
    pub(super) lanes: Vec<Lane>,
    pub(super) columns: Vec<Column>,
    pub(super) recoveries: Vec<Recovery>,
    pub(super) crashes: Vec<Crash>,
    pub(super) tracks: Vec<Track>,
    pub(super) link: Option<Link>,
}

/// One lane.
pub(super) struct Lane {
    pub(super) name: &'static str,
    /// What a crash does to it.
    pub(super) says: &'static [&'static str],
    pub(super) top: usize,
    pub(super) height: usize,
}

/// One step.
pub(super) struct Column {
    pub(super) number: usize,
    pub(super) left: usize,
    pub(super) width: usize,
    pub(super) centre: usize,
    pub(super) mark: Mark,
    /// Where the mark is.
    pub(super) y: usize,
    /// Where a barrier reaches down to.
    pub(super) bottom: usize,
    pub(super) lines: Vec<(usize, String)>,
    pub(super) title: String,
    /// It is a barrier that failed.
    pub(super) failed_barrier: bool,
    /// It is the end, where the promise is broken.
    pub(super) broken: bool,
}

/// Steps of one recovery.
pub(super) struct Recovery {
    pub(super) left: usize,
    pub(super) width: usize,
}

/// From the answer that promised to the end.
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) y: usize,
    pub(super) bottom: usize,
    pub(super) middle: usize,
    pub(super) label: String,
}

/// Where the lanes begin.
struct Rows {
    client: usize,
    memory: usize,
    cache: usize,
    disk: usize,
    end: usize,
    /// Where tracks begin.
    tracks: usize,
    linked: bool,
}

/// The columns: as wide as what stands in them.
pub(super) struct Grid {
    /// Where each begins, and where the last one ends.
    pub(super) lefts: Vec<usize>,
}

impl Grid {
    pub(super) fn of(steps: &[Step]) -> Self {
        let mut lefts = vec![GUTTER];
        let mut left = GUTTER;
        for step in steps {
            let lines = lines(step);
            let widest = lines
                .iter()
                .map(|line| label::pixels(line) + 12)
                .max()
                .unwrap_or(0);
            left += match step.mark {
                Mark::PowerCut => CUT,
                _ => widest.max(NARROW),
            };
            lefts.push(left);
        }
        Self { lefts }
    }

    pub(super) fn left(&self, step: usize) -> usize {
        self.lefts
            .get(step)
            .or(self.lefts.last())
            .copied()
            .unwrap_or(GUTTER)
    }

    /// The middle of a step's column.
    pub(super) fn centre(&self, step: usize) -> usize {
        self.left(step).midpoint(self.left(step + 1))
    }
}

impl Layout {
    pub(super) fn of(found: &Counterexample) -> Self {
        let link = link::broken(found);
        let grid = Grid::of(&found.steps);
        let (mut tracks, mut crashes, rows) = tracks::of(found, &grid);
        let rows = Rows::of(found, link.is_some(), rows);
        for track in &mut tracks {
            track.down(rows.tracks, rows.disk + 12);
        }
        for crash in &mut crashes {
            crash.top = HEAD;
            crash.bottom = if crash.kill { rows.cache } else { rows.end };
        }
        let labels = tracks.iter().map(|track| track.end);
        let width = labels
            .chain([grid.left(found.steps.len())])
            .max()
            .unwrap_or(0)
            + 8;
        let steps = found.steps.iter().enumerate();
        Self {
            width,
            height: rows.end + 4,
            gutter: GUTTER - 6,
            lanes: rows.lanes(),
            columns: steps
                .map(|(n, step)| column(n, step, &rows, &grid))
                .collect(),
            recoveries: recoveries(&found.steps, &grid),
            crashes,
            tracks,
            link: link.map(|link| Link::of(found, link, &rows, &grid)),
        }
    }
}

impl Rows {
    fn of(found: &Counterexample, linked: bool, tracks: usize) -> Self {
        let memory = found
            .steps
            .iter()
            .any(|step| matches!(step.mark, Mark::Memory | Mark::Buffered));
        let client = HEAD + if linked { BAND } else { 0 };
        let engine = client + 84;
        let cache = engine + if memory { 76 } else { 40 };
        let first = cache + 88;
        let disk = first
            + if tracks == 0 {
                0
            } else {
                tracks * tracks::ROW + 4
            };
        Self {
            client,
            memory: engine,
            cache,
            disk,
            end: disk + 74,
            tracks: first,
            linked,
        }
    }

    fn lanes(&self) -> Vec<Lane> {
        // The link is above the client's marks, in its lane.
        let client = self.client - if self.linked { BAND } else { 0 };
        let lane = |name, says: &'static [&'static str], top, end: usize| Lane {
            name,
            says,
            top,
            height: end - top,
        };
        vec![
            lane("client", &["asks, and is told"], client, self.memory),
            lane(
                "engine memory",
                &["lost in a crash"],
                self.memory,
                self.cache,
            ),
            lane(
                "page cache",
                &["kept or lost", "in a power cut"],
                self.cache,
                self.disk,
            ),
            lane("disk", &["stays"], self.disk, self.end),
        ]
    }
}

fn column(number: usize, step: &Step, rows: &Rows, grid: &Grid) -> Column {
    let mark = step.mark;
    let last = number + 2 == grid.lefts.len();
    let failed_barrier = mark == Mark::Failed && step.what.contains("barrier");
    // The mark, the first line of its label, and whether the last line stands there instead.
    let (y, label, upwards) = match mark {
        Mark::Buffered | Mark::Memory => (rows.memory + 20, rows.memory + 44, false),
        Mark::Change | Mark::Failed => (rows.cache + 68, rows.cache + 50, true),
        Mark::Barrier => (rows.cache + 68, rows.disk + 34, false),
        Mark::Kill => (HEAD, rows.cache + 18, false),
        Mark::PowerCut => (HEAD, rows.client + 40, false),
        _ => (rows.client + 20, rows.client + 46, false),
    };
    let lines = lines(step);
    let first = match upwards {
        true => (label + LINE).saturating_sub(lines.len() * LINE),
        false => label,
    };
    let placed = lines.into_iter().enumerate();
    let happens = format!("Step {number}: {}", step.in_words());
    Column {
        number,
        left: grid.left(number),
        width: grid.left(number + 1) - grid.left(number),
        centre: grid.centre(number),
        mark,
        y,
        bottom: rows.disk + 14,
        lines: placed.map(|(n, line)| (first + n * LINE, line)).collect(),
        title: said(&happens),
        failed_barrier,
        broken: last && matches!(mark, Mark::Served | Mark::Unopened),
    }
}

/// The label of a step, in lines.
fn lines(step: &Step) -> Vec<String> {
    let most = if matches!(step.mark, Mark::Buffered | Mark::Memory) {
        2
    } else {
        3
    };
    label::lines(&words(step), LABEL, most)
}

/// What a mark's label says.
fn words(step: &Step) -> String {
    match step.mark {
        Mark::Kill => "stays cached".into(),
        Mark::PowerCut => String::new(),
        Mark::Asked => label::plain(step.what.trim_start_matches("client: ")),
        Mark::Unopened => "does not open".into(),
        Mark::Acknowledged | Mark::Returned | Mark::Refused | Mark::Served
            if !step.client.is_empty() =>
        {
            label::plain(&step.client)
        }
        _ => label::call(&step.what),
    }
}

fn recoveries(steps: &[Step], grid: &Grid) -> Vec<Recovery> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (number, _) in steps.iter().enumerate().filter(|(_, step)| step.recovery) {
        match found.last_mut() {
            Some((first, len)) if *first + *len == number => *len += 1,
            _ => found.push((number, 1)),
        }
    }
    let spans = found.into_iter();
    spans
        .map(|(first, len)| Recovery {
            left: grid.left(first) + 2,
            width: grid.left(first + len) - grid.left(first) - 4,
        })
        .collect()
}

impl Link {
    fn of(
        found: &Counterexample,
        (promise, end): (usize, usize),
        rows: &Rows,
        grid: &Grid,
    ) -> Self {
        let word = match found.steps.get(promise).map(|step| step.mark) {
            Some(Mark::Served) => "served",
            _ => "promised",
        };
        let (from, to) = (grid.centre(promise), grid.centre(end));
        let labels = [
            format!("{word} in step {promise}, broken in step {end}"),
            format!("{word}, and broken"),
        ];
        let fits = |label: &String| label::pixels(label) * 9 / 8 + 24 < to - from;
        let label = labels.into_iter().find(fits).unwrap_or_default();
        Self {
            from,
            to,
            y: rows.client - BAND + 14,
            bottom: rows.client + 6,
            middle: from.midpoint(to),
            label,
        }
    }
}
