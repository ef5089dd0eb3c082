//! The pages of counterexamples: they are HTML, stand alone, and say everything, whatever is in a counterexample.
//! Each is written to `target/pages`, to be looked at. `tests/browser` opens them in a browser.

mod made;
mod run;

use lightsout::counterexample::contents::Node;
use lightsout::counterexample::{Counterexample, Fate};
use lightsout::report::{html, svg};
use scraper::{Html, Selector};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Those that were found, and kept here.
fn kept() -> Vec<Counterexample> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/counterexamples");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| Counterexample::read(path).expect("a counterexample"))
        .collect()
}

/// All, those that are made up among them.
fn all() -> Vec<Counterexample> {
    let mut all = kept();
    all.extend([
        made::every_mark(),
        made::long(200, 64 << 10),
        made::hostile(),
    ]);
    all
}

fn parsed(found: &Counterexample) -> (String, Html) {
    let page = html::page(found);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../pages");
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join(format!("{}.html", found.file_name())), &page).expect("written");
    fs::write(
        directory.join(format!("{}.svg", found.file_name())),
        svg::timeline(found),
    )
    .expect("written");
    let html = Html::parse_document(&page);
    (page, html)
}

/// Well-formed, ids only once, nothing of a network, no script in an attribute.
fn assert_alone(page: &str, html: &Html, name: &str) {
    assert!(html.errors.is_empty(), "{name}: {:?}", html.errors);
    let mut ids = BTreeSet::new();
    for element in html.select(&select("[id]")) {
        let id = element.attr("id").unwrap_or_default();
        assert!(ids.insert(id.to_string()), "{name}: two elements are {id}");
    }
    for element in html.select(&select("*")) {
        for (attribute, value) in element.value().attrs() {
            assert!(!attribute.starts_with("on"), "{name}: {attribute}");
            if matches!(attribute, "src" | "href" | "action") {
                let near = value.starts_with('#')
                    || value.starts_with("counterexamples/")
                    || value == "data:,";
                assert!(near, "{name}: {attribute}={value}");
            }
        }
    }
    let namespace = "http://www.w3.org/2000/svg";
    assert!(!page.replace(namespace, "").contains("://"), "{name}");
    let policy = html
        .select(&select("meta[http-equiv=Content-Security-Policy]"))
        .next();
    let policy = policy
        .and_then(|meta| meta.attr("content"))
        .expect("a policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
}

fn select(css: &str) -> Selector {
    Selector::parse(css).expect("a selector")
}

fn texts(html: &Html, css: &str) -> Vec<String> {
    html.select(&select(css))
        .map(|element| element.text().collect())
        .collect()
}

#[test]
fn a_page_is_well_formed_and_asks_nothing_of_a_network() {
    for found in all() {
        let (page, html) = parsed(&found);
        assert_alone(&page, &html, &found.name);
    }
}

#[test]
fn without_scripts_the_table_says_every_step_and_every_effect() {
    for found in all() {
        let (_, html) = parsed(&found);
        let rows = html.select(&select("table.steps > tbody > tr")).count();
        assert_eq!(rows, found.steps.len(), "{}", found.name);
        let effects = found.steps.iter().flat_map(|step| &step.effects);
        let said = texts(&html, "table.steps li");
        assert_eq!(said.len(), effects.clone().count(), "{}", found.name);
        let lost = said.iter().filter(|text| text.starts_with("lost")).count();
        assert_eq!(
            lost,
            effects.filter(|effect| effect.fate == Fate::Lost).count(),
            "{}",
            found.name
        );
        assert_eq!(
            texts(&html, "#why dd").len() >= found.why().len(),
            !found.steps.is_empty()
        );
    }
}

#[test]
fn the_headline_and_the_boxes_say_what_is_broken() {
    for found in kept() {
        let (_, html) = parsed(&found);
        let headline = texts(&html, "h1").concat();
        for word in [&found.name, &found.broken.name, &found.profile.name] {
            assert!(headline.contains(word), "{headline}");
        }
        let boxes = texts(&html, ".box .value");
        assert_eq!(
            boxes,
            [found.broken.promised.clone(), found.broken.there.clone()]
        );
        assert!(
            texts(&html, ".command")
                .concat()
                .starts_with("lightsout replay ")
        );
    }
}

#[test]
fn every_step_is_in_the_timeline_with_a_mark_and_a_title() {
    for found in all() {
        let svg = svg::timeline(&found);
        let html = Html::parse_fragment(&svg);
        assert!(html.errors.is_empty(), "{}: {:?}", found.name, html.errors);
        assert_eq!(texts(&html, "svg[role=img] > title").len(), 1);
        assert_eq!(texts(&html, "svg > desc").len(), 1);
        let titles = texts(&html, "[data-step] > title");
        assert_eq!(titles.len(), found.steps.len());
        for step in html.select(&select("[data-step]")) {
            let marks = step.select(&select(".mark, .crashed")).count();
            assert!(marks > 0, "{}: {}", found.name, step.html());
        }
    }
}

#[test]
fn what_a_counterexample_says_is_text_and_never_markup() {
    let found = made::hostile();
    let (page, html) = parsed(&found);
    assert_eq!(
        html.select(&select("script")).count(),
        2,
        "the data and the script"
    );
    assert_eq!(html.select(&select("img, iframe, b.injected")).count(), 0);
    assert!(!page.contains('\u{202e}') && !page.contains('\u{2028}') && !page.contains('\u{0}'));
    let data = texts(&html, "#counterexample").concat();
    let data: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    let paths = data["steps"][1]["cached"]["files"]
        .as_object()
        .expect("files");
    assert!(paths.contains_key(made::PATH), "{paths:?}");
    assert!(
        texts(&html, "table.steps")
            .concat()
            .contains("<script>alert(1)</script>")
    );
}

#[test]
fn two_hundred_steps_over_files_of_64_kib_are_a_page_below_a_megabyte() {
    let found = made::long(200, 64 << 10);
    assert_eq!(found.steps.len(), 200);
    let size = |node: &Node| match node {
        Node::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    let frames = found.frames();
    let sizes = frames
        .iter()
        .flat_map(|frame| frame.cached.0.values().map(size));
    assert_eq!(sizes.max(), Some(64 << 10));
    let (page, _) = parsed(&found);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[test]
fn a_run_is_one_page_with_every_check_and_a_mark_for_every_promise() {
    let run = run::committed(Path::new(env!("CARGO_MANIFEST_DIR")));
    let page = html::index(&run);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../pages");
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join("index.html"), &page).expect("written");
    let html = Html::parse_document(&page);
    assert_alone(&page, &html, "index");
    assert_eq!(
        html.select(&select(".sortable tbody tr")).count(),
        run.rows.len()
    );
    let headline = texts(&html, "h1").concat();
    assert_eq!(
        headline,
        format!("1 of {} verdicts is not as expected", run.rows.len())
    );
    assert!(
        texts(&html, "#wrong")
            .concat()
            .contains("<script>alert(1)</script>")
    );
    assert_eq!(html.select(&select("script")).count(), 1);
    let sides = [".matrix tbody tr", ".matrix .cell"].map(|css| html.select(&select(css)).count());
    assert_eq!(sides[1], sides[0] * run.promises.len());
    let cells = select(".cell > *");
    assert!(html.select(&cells).all(|mark| mark.attr("title").is_some()));
    let judged = html.select(&select(".cell:not(:empty)")).count();
    assert_eq!(html.select(&cells).count(), judged * run.profiles.len());
    let findings = texts(&html, "#findings td").concat();
    assert!(
        findings.contains("proved") && findings.contains("violates D1 on posix"),
        "{findings}"
    );
    assert!(html::index(&html::Run::default()).contains("Nothing was checked"));
}
