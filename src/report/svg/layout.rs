//! Where everything of a timeline is, in pixels.

use super::tracks::{self, Crash, Track};
use super::{label, link, said};
use crate::counterexample::{Counterexample, Mark, Step};

/// The names of the lanes stand left of here.
pub(super) const GUTTER: usize = 124;
/// A step is so wide.
pub(super) const COLUMN: usize = 94;
/// Its label, at most.
const LABEL: usize = 88;
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
    pub(super) says: &'static str,
    pub(super) top: usize,
    pub(super) height: usize,
}

/// One step.
pub(super) struct Column {
    pub(super) number: usize,
    pub(super) left: usize,
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

/// The middle of a step's column.
pub(super) fn centre(step: usize) -> usize {
    GUTTER + step * COLUMN + COLUMN / 2
}

impl Layout {
    pub(super) fn of(found: &Counterexample) -> Self {
        let link = link::broken(found);
        let (mut tracks, mut crashes, rows) = tracks::of(found);
        let rows = Rows::of(found, link.is_some(), rows);
        for track in &mut tracks {
            track.down(rows.tracks, rows.disk + 12);
        }
        for crash in &mut crashes {
            crash.top = HEAD;
            crash.bottom = if crash.kill { rows.cache } else { rows.end };
        }
        let labels = tracks.iter().map(|track| track.end);
        let width = labels.chain([centre(found.steps.len()) - COLUMN / 2]).max().unwrap_or(0) + 8;
        Self {
            width,
            height: rows.end + 4,
            lanes: rows.lanes(),
            columns: found.steps.iter().enumerate().map(|(n, step)| column(found, n, step, &rows)).collect(),
            recoveries: recoveries(&found.steps),
            crashes,
            tracks,
            link: link.map(|link| Link::of(link, &rows)),
        }
    }
}

impl Rows {
    fn of(found: &Counterexample, linked: bool, tracks: usize) -> Self {
        let memory = found.steps.iter().any(|step| matches!(step.mark, Mark::Memory | Mark::Buffered));
        let client = HEAD + if linked { BAND } else { 0 };
        let engine = client + 84;
        let cache = engine + if memory { 76 } else { 40 };
        let first = cache + 88;
        let disk = first + if tracks == 0 { 0 } else { tracks * tracks::ROW + 4 };
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
        let lane = |name, says, top, end: usize| Lane {
            name,
            says,
            top,
            height: end - top,
        };
        vec![
            lane("client", "asks, and is told", client, self.memory),
            lane("engine memory", "a kill takes it", self.memory, self.cache),
            lane("page cache", "a power cut may", self.cache, self.disk),
            lane("disk", "stays", self.disk, self.end),
        ]
    }
}

fn column(found: &Counterexample, number: usize, step: &Step, rows: &Rows) -> Column {
    let mark = step.mark;
    let last = number + 1 == found.steps.len();
    let says = words(step);
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
    let most = if matches!(mark, Mark::Buffered | Mark::Memory) { 2 } else { 3 };
    let lines = label::lines(&says, LABEL, most);
    let first = match upwards {
        true => (label + LINE).saturating_sub(lines.len() * LINE),
        false => label,
    };
    let placed = lines.into_iter().enumerate();
    let happens = format!("Step {number}: {}", step.in_words());
    Column {
        number,
        left: GUTTER + number * COLUMN,
        centre: centre(number),
        mark,
        y,
        bottom: rows.disk + 14,
        lines: placed.map(|(n, line)| (first + n * LINE, line)).collect(),
        title: said(&happens),
        failed_barrier,
        broken: last && matches!(mark, Mark::Served | Mark::Unopened),
    }
}

/// What a mark's label says.
fn words(step: &Step) -> String {
    match step.mark {
        Mark::Kill => "stays cached".into(),
        Mark::PowerCut => String::new(),
        Mark::Asked => label::plain(step.what.trim_start_matches("client: ")),
        Mark::Unopened => "does not open".into(),
        Mark::Acknowledged | Mark::Returned | Mark::Refused | Mark::Served if !step.client.is_empty() => {
            label::plain(&step.client)
        }
        _ => label::call(&step.what),
    }
}

fn recoveries(steps: &[Step]) -> Vec<Recovery> {
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
            left: GUTTER + first * COLUMN + 2,
            width: len * COLUMN - 4,
        })
        .collect()
}

impl Link {
    fn of((promise, end): (usize, usize), rows: &Rows) -> Self {
        let (from, to) = (centre(promise), centre(end));
        let label = match end - promise {
            1 => String::new(),
            2 => format!("promise of {promise} broken"),
            _ => format!("promised in step {promise}, broken in step {end}"),
        };
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
