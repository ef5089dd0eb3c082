//! The first Ctrl-C ends a run with what it covered so far, the second at once.

use super::{Home, command, stdout};
use lightsout::check::catalogue;
use lightsout::check::run::{Selection, run};
use lightsout::check::search::{Limits, TimeUp, Until};
use lightsout::check::spec::{self, Check, Spec, Specs};
use lightsout::check::verdict::Verdict;
use lightsout::explore::engines::catalogue as engines;
use lightsout::explore::{self, Bounds, Profile};
use lightsout::interrupt::Interrupt;
use lightsout::report::results::Results;
use lightsout::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A run that was started, and has said so.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

fn start(args: &[&str]) -> Running {
    let mut child = command()
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut heading = String::new();
    stdout.read_line(&mut heading).expect("a heading");
    assert!(heading.contains("verdict"), "{heading}");
    Running { child, stdout }
}

impl Running {
    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("sent");
    }

    fn end(mut self) -> Output {
        let mut out = Vec::new();
        self.stdout.read_to_end(&mut out).expect("read");
        let output = self.child.wait_with_output().expect("it ends");
        Output {
            stdout: out,
            ..output
        }
    }
}

/// Interrupts a run in the middle, and says what it wrote.
fn interrupted(args: &[&str], signal: Signal) -> (String, Results) {
    let home = Home::new();
    let [json, junit, markdown] = ["out.json", "out.xml", "out.md"].map(|name| home.at(name));
    let files = ["--json", &json, "--junit", &junit, "--markdown", &markdown];
    let run = start(&[args, &files].concat());
    sleep(Duration::from_millis(700));
    let sent = Instant::now();
    run.send(signal);
    let output = run.end();
    let took = sent.elapsed();
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    // One second is what a person waits; the rest is for a machine that has other things to do.
    assert!(took < Duration::from_secs(4), "it took {took:?}");
    assert!(home.read("out.xml").contains("type=\"inconclusive\""));
    assert!(
        home.read("out.md").contains("## lightsout") && home.read("out.md").contains("interrupted")
    );
    let results = serde_json::from_str(&home.read("out.json")).expect("it reads back");
    (text, results)
}

fn says(results: &Results, place: usize) -> &str {
    results.entries[place].because.as_deref().expect("a reason")
}

#[test]
fn an_interrupted_check_says_what_it_covered_and_what_was_not_started() {
    for signal in [Signal::INT, Signal::TERM] {
        // The largest starts first: minutes of it.
        let args = ["check", "lsm", "--bounds=large", "--threads=1"];
        let (text, results) = interrupted(&args, signal);
        assert!(text.contains("interrupted after "), "{text}");
        assert!(text.contains("not started"), "{text}");
        assert!(results.entries.len() > 1);
        let is_covered = |entry: &lightsout::report::results::Entry| {
            entry.kept.size().is_some_and(|states| states > 0)
        };
        assert_eq!(
            results.entries.iter().filter(|one| is_covered(one)).count(),
            1
        );
        assert_eq!(results.totals.inconclusive, results.entries.len());
    }
}

#[test]
fn an_interrupted_exploration_says_what_it_covered_and_what_was_not_started() {
    let args = [
        "explore",
        "btree",
        "bitcask",
        "--profile=posix",
        "--threads=1",
    ];
    let (text, results) = interrupted(&args, Signal::INT);
    assert!(
        says(&results, 0).starts_with("interrupted after "),
        "{text}"
    );
    assert!(
        says(&results, 0).ends_with("crash points are left"),
        "{text}"
    );
    assert_eq!(says(&results, 1), "not started");
    let explored = results.entries[0]
        .explored
        .as_ref()
        .expect("an exploration");
    assert!(explored.recoveries > 0 && !explored.families.is_empty());
    assert!(text.contains("crashes in the work: "), "{text}");
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let home = Home::new();
    let pipe = home.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    // Nobody ever reads what it wants to write, so it would wait for ever.
    let pipe = pipe.display().to_string();
    let run = start(&[
        "check",
        "lsm",
        "--bounds=large",
        "--threads=1",
        "--json",
        &pipe,
    ]);
    sleep(Duration::from_millis(500));
    run.send(Signal::INT);
    sleep(Duration::from_millis(2_000));
    let sent = Instant::now();
    run.send(Signal::INT);
    let output = run.end();
    assert_eq!(output.status.code(), Some(130), "{}", stdout(&output));
    assert!(sent.elapsed() < Duration::from_secs(1));
}

static SET: AtomicBool = AtomicBool::new(true);

fn specs() -> Specs {
    spec::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("specs")).expect("the specs")
}

fn the_check<'s>(specs: &'s Specs, id: &str) -> (&'s Spec, Check) {
    let selection = Selection {
        only: vec![glob::Pattern::new(id).expect("a pattern")],
        ..Selection::default()
    };
    let mut selected = selection.of(specs).expect("a check");
    assert_eq!(selected.len(), 1, "{id}");
    selected.remove(0)
}

fn limits(interrupt: Interrupt) -> Limits {
    Limits {
        threads: 1,
        time: None,
        gauge: None,
        interrupt,
    }
}

#[test]
fn a_search_for_a_shortest_script_gives_up() {
    let specs = specs();
    let (spec, check) = the_check(&specs, "wal/durable/every");
    let case = catalogue::case(spec, &check).expect("a case");
    let until = Until {
        time: None,
        interrupt: Interrupt::by(&SET),
    };
    assert_eq!(case.shortest(until), Err(TimeUp));
    let exploration = case.explore(limits(Interrupt::by(&SET)), &|_| ());
    assert!(!exploration.exhausted && !exploration.breached);
}

#[test]
fn a_check_that_is_interrupted_in_the_middle_is_inconclusive() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let specs = specs();
    let (spec, check) = the_check(&specs, "wal/durable/every");
    let in_the_middle = |states| ASKED.store(states > 0, Ordering::Relaxed);
    let judged = run(spec, &check, limits(Interrupt::by(&ASKED)), &in_the_middle);
    let judged = judged.expect("a verdict");
    let Verdict::Inconclusive(why) = &judged.verdict else {
        panic!("{}", judged.verdict)
    };
    assert_eq!(
        *why,
        format!("interrupted after {} states", judged.exploration.unique)
    );
    let judged = run(spec, &check, limits(Interrupt::by(&SET)), &|_| ()).expect("a verdict");
    let is_so = matches!(&judged.verdict, Verdict::Inconclusive(why) if why == "not started");
    assert!(is_so, "{}", judged.verdict);
}

#[test]
fn an_exploration_of_ones_own_ends_too() {
    let store = explore::engines::LogSubject::default();
    let bounds = Bounds {
        interrupt: Interrupt::by(&SET),
        ..Bounds::default()
    };
    let explorer = explore::Explorer::new(&store).within(bounds.clone());
    let found = explorer.explore(&explore::engines::LogSubject::workload());
    let text = found.report.verdict.to_string();
    assert!(
        text.starts_with("inconclusive: interrupted after 0 recoveries, "),
        "{text}"
    );
    let profile = Profile::posix().with_sizes(SECTOR_BYTES, BLOCK_BYTES);
    for entry in engines().iter().take(2) {
        let verdict = entry.explore(&profile, &bounds, 3).report.verdict;
        assert_eq!(verdict.to_string(), "inconclusive: not started");
    }
}
