//! The Explorer as a person meets it: the real binary on a free port, asked as a browser asks it.

use lightsout::check::explorer::{self, MOST_JUDGED};
use lightsout::check::run::id;
use lightsout::check::spec::{Check, Spec};
use lightsout::check::{catalogue, spec};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running Explorer; it ends with its test.
struct Running {
    process: Child,
    address: String,
    /// What it says when it starts.
    said: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lightsout"))
            .args(["explorer", "--address", "127.0.0.1:0"])
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut lines = BufReader::new(process.stderr.take().expect("its messages")).lines();
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line.expect("a line");
            said.push_str(&line);
            said.push('\n');
            if line.contains("Ctrl-C") {
                break;
            }
        }
        let address = said
            .split("http://")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        let address = address
            .unwrap_or_else(|| panic!("it says where it is: {said}"))
            .to_string();
        Self {
            process,
            address,
            said,
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(" 200 "), "{path}: {head}");
        body.to_string()
    }

    /// What can happen in the state that is reached by this way, with what comes of it.
    fn states(&self, way: &str) -> Vec<Value> {
        serde_json::from_str(&self.get(&format!("/.states{way}"))).expect("JSON")
    }
}

fn text<'v>(view: &'v Value, field: &str) -> &'v str {
    view[field]
        .as_str()
        .unwrap_or_else(|| panic!("`{field}` in {view}"))
}

#[test]
fn a_person_walks_to_a_broken_promise() {
    let running = Running::start(&["lsm/*/log-synced"]);
    assert!(
        running
            .said
            .starts_with("lsm/as-found/log-synced on posix: open http://127.0.0.1:")
    );
    assert!(running.get("/").contains("Stateright Explorer"));
    let status: Value = serde_json::from_str(&running.get("/.status")).expect("JSON");
    assert_eq!(status["properties"][0][1], "D1 acknowledged writes survive");

    let start = running.states("");
    assert!(text(&start[0], "state").contains("each append is synced before it returns"));
    let script = [
        "client: put a",
        "buffer r1.0 r1.1",
        "flush the buffer",
        "data barrier of store/log",
        "acknowledge",
        "client: flush",
        "create store/1.sst",
        "write store/1.sst [0..2] = t1-1.0 t1-1.1",
        "set length of store/log to 0",
        "power cut: keeps only size of store/log = 0",
        "recovery ends",
    ];
    let mut way = String::from("/0");
    let mut last = Value::Null;
    for (number, words) in script.iter().enumerate() {
        let choices = running.states(&way);
        let all: Vec<&str> = choices
            .iter()
            .map(|choice| text(choice, "action"))
            .collect();
        let index = all.iter().position(|action| action == words);
        let index = index.unwrap_or_else(|| panic!("step {number}: `{words}` is none of {all:#?}"));
        way.push_str(&format!("/{}", choices[index]["actionIndex"]));
        last = choices[index].clone();
        assert!(
            last["svg"]
                .as_str()
                .is_some_and(|svg| svg.contains("<svg") && svg.ends_with("</div>"))
        );
        let outcome = text(&last, "outcome");
        assert_eq!(
            outcome.contains("BROKEN"),
            number + 1 == script.len(),
            "{outcome}"
        );
        if *words == "acknowledge" {
            assert!(
                outcome.contains("the client is told: Ok, durable"),
                "{outcome}"
            );
            assert!(
                outcome.contains("store/log  r1.0 r1.1  r1.0 r1.1"),
                "{outcome}"
            );
        }
    }
    let outcome = text(&last, "outcome");
    assert!(
        outcome.contains("the client is told: reads nothing"),
        "{outcome}"
    );
    assert!(
        outcome.contains(
            "BROKEN: D1 acknowledged writes survive\n  After every recovery each acknowledged operation is there, \
             or a later issued one on the same key.\n"
        ),
        "{outcome}"
    );
    assert!(text(&last, "svg").contains("put a") && text(&last, "svg").contains("POWER CUT"));
    assert!(
        running.states(&way).is_empty(),
        "nothing follows a broken promise"
    );
    assert!(running.said.contains(&format!(
        "a broken D1: http://{}/#/steps{way}\n",
        running.address
    )));
}

fn refusal(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lightsout"))
        .arg("explorer")
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert!(
        text.starts_with("error: ") && text.trim_end().lines().count() == 1,
        "{text}"
    );
    text
}

#[test]
fn what_cannot_be_explored_is_refused_with_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken
        .local_addr()
        .map(|address| (taken, address.to_string()))
        .expect("its address");
    let text = refusal(&["lsm/durable/every", "--address", &taken.1]);
    assert!(
        text.contains("cannot listen at") && text.contains("in use") && text.contains("port 0"),
        "{text}"
    );
    let text = refusal(&["lsm/durable/every", "--address", "3000"]);
    assert!(text.contains("is not HOST:PORT"), "{text}");
    let text = refusal(&["lsm/durable/*"]);
    assert!(text.contains("takes one: lsm/durable/every, "), "{text}");
    let text = refusal(&["lsm/durable/eevery"]);
    assert!(
        text.contains("no check `lsm/durable/eevery`; of lsm there are lsm/durable/every, "),
        "{text}"
    );
    let text = refusal(&["redis/durable/every"]);
    assert!(
        text.contains("the engines are bitcask, btree, event_store, lsm, wal"),
        "{text}"
    );
    let text = refusal(&["lsm", "durabel"]);
    assert!(
        text.contains("no check is of the variant `durabel` of lsm; there are durable, as-found"),
        "{text}"
    );
    let text = refusal(&["lsm", "durable", "--bounds", "operations=0"]);
    assert!(text.contains("bound `operations` is 0"), "{text}");
}

#[test]
fn an_engine_and_a_variant_are_a_model_with_other_bounds_and_another_file_system() {
    let bounds = ["--profile", "strict", "--bounds", "crashes=1"];
    let running = Running::start(&[&["wal", "durable"], &bounds[..]].concat());
    assert!(
        running.said.starts_with("wal/durable/every on strict: "),
        "{}",
        running.said
    );
    let actions = running.states("/0");
    assert!(
        actions
            .iter()
            .any(|choice| text(choice, "action") == "kill")
    );
    let kill = actions
        .iter()
        .position(|choice| text(choice, "action") == "kill")
        .unwrap_or(0);
    let after = running.states(&format!("/0/{kill}"));
    assert!(
        after.iter().all(|choice| text(choice, "action") != "kill"),
        "one crash only"
    );
}

fn checks() -> Vec<(Spec, Check)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let specs = spec::read(&root.join("specs")).expect("the specs");
    let checks = specs.engines.into_iter().flat_map(|spec| {
        let checks = spec.checks.clone();
        checks.into_iter().map(move |check| (spec.clone(), check))
    });
    checks.collect()
}

#[test]
fn every_check_can_be_walked_through_and_no_two_choices_read_the_same() {
    for (spec, check) in checks() {
        let name = id(&spec, &check);
        let explorer = explorer::of(&spec, &check).expect("an Explorer");
        let judged = spec.judged(&check).expect("what it judges");
        assert_eq!(
            explorer.judged().len(),
            judged.len(),
            "{name}: at most {MOST_JUDGED}"
        );
        assert!(
            explorer.judged().iter().all(|name| name.contains(' ')),
            "{name}"
        );
        let mut way = vec![0];
        for depth in 0..10 {
            let state = explorer.state(&way).expect("a state");
            assert!(
                state.contains("the process ") && state.contains("spent of the bounds"),
                "{state}"
            );
            assert_eq!(state.starts_with(&name), depth == 0, "{state}");
            let choices = explorer.choices(&way).expect("choices");
            let texts: BTreeSet<&str> = choices.iter().map(|choice| &choice.action[..]).collect();
            assert_eq!(texts.len(), choices.len(), "{name} {way:?}: {choices:#?}");
            assert!(
                choices
                    .iter()
                    .all(|choice| choice.step.contains("the client is told: "))
            );
            if choices.is_empty() {
                break;
            }
            // Mostly on; now and then something goes wrong.
            way.push(if depth % 4 == 3 { choices.len() / 2 } else { 0 });
        }
    }
}

#[test]
fn the_way_of_a_counterexample_ends_where_it_breaks_the_promise() {
    let some = [
        "wal/as-found-lsm/power-cut",
        "lsm/as-found/log-synced",
        "lsm/without/flush-table-barrier",
    ];
    let (mut met, mut checks) = (0, checks());
    checks.retain(|(spec, check)| some.contains(&&id(spec, check)[..]));
    for (spec, check) in checks {
        let case = catalogue::case(&spec, &check).expect("a case");
        let found = case
            .shortest(lightsout::check::search::Until::default())
            .expect("time")
            .expect("a violation");
        let explorer = explorer::of(&spec, &check).expect("an Explorer");
        let way = explorer.way(found.moves()).expect("a way");
        let (last, before) = way.split_last().expect("a step");
        let choice = explorer.choices(before).expect("choices")[*last].clone();
        assert_eq!(
            choice.breaks.map(|promise| promise.to_string()),
            Some(found.broken.promise)
        );
        assert!(choice.step.contains(&found.broken.text), "{}", choice.step);
        assert_eq!(explorer.choices(&[7]), None);
        met += 1;
    }
    assert_eq!(met, some.len());
}
