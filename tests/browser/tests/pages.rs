//! The pages in a browser: what moves, moves; what is shown is what the counterexample says; nothing is too faint, too
//! wide, or on top of something else. Screenshots of it all are in `target/browser`.

#[path = "../../pages/made.rs"]
mod made;
#[path = "../../pages/run.rs"]
mod run;
mod shown;

use lightsout::counterexample::{Counterexample, Mark};
use lightsout::report::html;
use lightsout_browser::Page;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace")
}

fn kept(name: &str) -> Counterexample {
    let path = root()
        .join("tests/pages/counterexamples")
        .join(format!("{name}.json"));
    Counterexample::read(&path).expect("a counterexample")
}

fn lsm() -> Counterexample {
    kept("lsm-truncate-before-sstable-sync-posix-d1")
}

fn all() -> Vec<Counterexample> {
    let names = [
        "bitcask-conditional-sync-posix-d1",
        "btree-recovery-interrupted-posix-d6",
        "btree-wal-fsync-pagefile-deferred-posix-d1",
        "lsm-as-found-log-synced",
        "lsm-truncate-before-sstable-sync-posix-d1",
        "wal-module-syncs-every-write-posix-d2",
    ];
    let mut all: Vec<_> = names.into_iter().map(kept).collect();
    all.extend([
        made::every_mark(),
        made::long(200, 64 << 10),
        made::hostile(),
    ]);
    all
}

/// Writes a page to where screenshots go. One file a test: they run side by side.
fn written(found: &Counterexample, test: &str) -> PathBuf {
    let directory = root().join("target/browser").join(test);
    fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join(format!("{}.html", found.file_name()));
    fs::write(&path, html::page(found)).expect("written");
    path
}

fn picture(name: &str) -> PathBuf {
    root().join("target/browser").join(format!("{name}.png"))
}

fn step(page: &mut Page) -> Value {
    page.evaluate("Number(document.body.dataset.step)")
}

#[test]
fn every_page_opens_without_an_error_at_the_last_crash() {
    let mut page = Page::start();
    for found in all() {
        page.open(&written(&found, "opens"), "");
        assert_eq!(page.errors(), Vec::<Value>::new(), "{}", found.name);
        let crash = |step: &_| matches!(step, Mark::PowerCut | Mark::Kill);
        let crash = found.steps.iter().rposition(|step| crash(&step.mark));
        assert_eq!(step(&mut page), json!(crash), "{}", found.name);
        let complete = page.evaluate(
            "[document.querySelectorAll('.steps tbody tr').length, document.querySelectorAll('[data-step]').length - 1,
              document.querySelectorAll('.fates tbody tr').length]",
        );
        let effects = crash.map_or(0, |crash| found.steps[crash].effects.len());
        assert_eq!(
            complete,
            json!([found.steps.len(), found.steps.len(), effects]),
            "{}",
            found.name
        );
        assert_eq!(
            page.evaluate("document.querySelectorAll('img, iframe, b.injected').length"),
            json!(0)
        );
    }
}

#[test]
fn keys_buttons_the_slider_the_timeline_and_the_address_move_the_step() {
    let mut page = Page::start();
    let file = written(&lsm(), "moves");
    page.open(&file, "#step=7");
    assert_eq!(step(&mut page), json!(7));
    for (key, to) in [
        ("ArrowRight", 8),
        ("j", 9),
        ("k", 8),
        ("ArrowLeft", 7),
        ("Home", 0),
        ("k", 0),
        ("End", 12),
        ("j", 12),
    ] {
        page.press(key);
        assert_eq!(step(&mut page), json!(to), "{key}");
        assert_eq!(page.evaluate("location.hash"), json!(format!("#step={to}")));
    }
    for (button, to) in [
        ("#first", 0),
        ("#next", 1),
        ("#next", 2),
        ("#previous", 1),
        ("#last", 12),
    ] {
        page.click(button);
        assert_eq!(step(&mut page), json!(to), "{button}");
    }
    page.click("[data-step='4'] .number");
    assert_eq!(step(&mut page), json!(4));
    page.evaluate("document.getElementById('slider').focus()");
    for (key, to) in [
        ("ArrowRight", 5),
        ("ArrowLeft", 4),
        ("Home", 0),
        ("End", 12),
        ("k", 11),
    ] {
        page.press(key);
        assert_eq!(step(&mut page), json!(to), "{key} on the slider");
    }
    page.click(".fates a");
    assert_eq!(step(&mut page), json!(7), "the step of an effect");
    page.evaluate("location.hash = '#step=3'");
    page.evaluate("new Promise((done) => setTimeout(done))");
    assert_eq!(step(&mut page), json!(3));
    let said = page.evaluate("document.querySelector('#now .what').textContent");
    assert!(
        said.as_str()
            .is_some_and(|said| said.starts_with("write store/log [0..29]")),
        "{said}"
    );
    assert_eq!(page.errors(), Vec::<Value>::new());
}

#[test]
fn what_a_step_shows_is_what_the_counterexample_says() {
    let mut page = Page::start();
    for found in all() {
        page.open(&written(&found, "shows"), "#step=0");
        let few = found.steps.len() <= 40;
        for frame in found
            .frames()
            .iter()
            .filter(|frame| few || frame.number % 37 == 0 || frame.number > 196)
        {
            page.evaluate(&format!("go({})", frame.number));
            let shown = page.evaluate(shown::READ);
            shown::assert_same(&shown, frame, &found.name);
        }
        assert_eq!(page.errors(), Vec::<Value>::new(), "{}", found.name);
    }
}

#[test]
fn light_dark_narrow_and_on_paper_it_is_there_and_not_too_faint() {
    let mut page = Page::start();
    let looks = [
        ("screen", "light", 1300),
        ("screen", "dark", 1300),
        ("screen", "light", 400),
        ("print", "light", 1000),
    ];
    for found in [lsm(), made::every_mark(), made::long(200, 64 << 10)] {
        let file = written(&found, "looks");
        for (media, scheme, width) in looks {
            page.size(width, 1000);
            page.media(media, scheme);
            page.open(&file, "");
            let what = format!("{}-{media}-{scheme}-{width}", found.file_name());
            let (colours, part) = page.screenshot(&picture(&what), false);
            assert!(
                colours > 20 && part > 0.03,
                "{what} is blank: {colours} colours, {part}"
            );
            let faint = page.evaluate(shown::FAINT);
            assert_eq!(faint, json!([]), "{what}");
            let wide = page.evaluate("document.scrollingElement.scrollWidth");
            assert!(
                media == "print" || wide.as_u64() <= Some(width as u64),
                "{what}: {wide} wide"
            );
            let stepper = page
                .evaluate("document.getElementById('stepper').getBoundingClientRect().height > 0");
            assert_eq!(stepper, json!(media == "screen"), "{what}");
        }
    }
    let paper = page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert_eq!(paper, json!("rgb(255, 255, 255)"));
}

#[test]
fn no_text_of_a_timeline_is_on_top_of_another() {
    let mut page = Page::start();
    for found in all() {
        page.open(&written(&found, "apart"), "");
        let over = page.evaluate(shown::OVERLAPS);
        assert_eq!(over, json!([]), "{}", found.name);
    }
}

#[test]
fn without_scripts_the_table_says_it_all() {
    let mut page = Page::start();
    page.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    let found = lsm();
    page.open(&written(&found, "plain"), "");
    page.screenshot(&picture("without-scripts"), true);
    let rows = page.evaluate(
        "[...document.querySelectorAll('.steps tbody tr')].map((row) => row.offsetHeight > 0 ? row.innerText : '')",
    );
    let rows: Vec<&str> = rows
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(rows.len(), found.steps.len());
    for (row, step) in rows.iter().zip(&found.steps) {
        assert!(row.contains(&step.what), "{row}");
        assert!(
            step.effects.iter().all(|effect| row.contains(&effect.what)),
            "{row}"
        );
    }
    assert_eq!(
        page.evaluate("document.getElementById('stepper').hidden"),
        json!(true)
    );
    assert_eq!(
        page.evaluate("document.body.dataset.step === undefined"),
        json!(true)
    );
}

#[test]
fn the_page_of_a_run_sorts_and_filters_its_checks() {
    let mut page = Page::start();
    let run = run::committed(&root());
    let directory = root().join("target/browser/run");
    fs::create_dir_all(&directory).expect("a directory");
    let file = directory.join("index.html");
    fs::write(&file, html::index(&run)).expect("written");
    for (media, scheme, width) in [
        ("screen", "light", 1300),
        ("screen", "dark", 1300),
        ("screen", "light", 400),
        ("print", "light", 1000),
    ] {
        page.size(width, 1000);
        page.media(media, scheme);
        page.open(&file, "");
        assert_eq!(page.errors(), Vec::<Value>::new());
        let what = format!("run-{media}-{scheme}-{width}");
        let (colours, part) = page.screenshot(&picture(&what), false);
        assert!(
            colours > 20 && part > 0.03,
            "{what} is blank: {colours} colours, {part}"
        );
        assert_eq!(page.evaluate(shown::FAINT), json!([]), "{what}");
        let wide = page.evaluate("document.scrollingElement.scrollWidth");
        assert!(
            media == "print" || wide.as_u64() <= Some(width as u64),
            "{what}: {wide} wide"
        );
    }
    page.media("screen", "light");
    let states = |rows: Value| -> Vec<u64> {
        rows.as_array()
            .expect("rows")
            .iter()
            .filter_map(Value::as_u64)
            .collect()
    };
    let read = "[...document.querySelectorAll('.sortable tbody tr:not([hidden])')].map((r) => Number(r.cells[8].dataset.value))";
    let mut expected: Vec<u64> = run.rows.iter().map(|row| row.states).collect();
    assert_eq!(states(page.evaluate(read)), expected);
    page.click(".sortable th:last-child button");
    expected.sort_unstable();
    assert_eq!(states(page.evaluate(read)), expected);
    page.click(".sortable th:last-child button");
    expected.reverse();
    assert_eq!(states(page.evaluate(read)), expected);
    page.evaluate("document.getElementById('filter').focus()");
    page.call("Input.insertText", json!({"text": "wal/durable/three"}));
    let named = run
        .rows
        .iter()
        .filter(|row| row.id.contains("wal/durable/three"))
        .count();
    assert_eq!(states(page.evaluate(read)).len(), named);
}
