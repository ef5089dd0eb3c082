//! Counterexamples that nobody found, for what the found ones do not have.

use lightsout::counterexample::contents::{Files, Node};
use lightsout::counterexample::{Broken, Counterexample, Fate, Fated, Mark, SCHEMA, Script, Step};
use models::profile::Profile;
use std::collections::BTreeMap;

/// A path that a page must show as it is.
pub(crate) const PATH: &str = "store/<script>alert(1)</script>'\"&.log";

fn of(name: &str, steps: Vec<Step>) -> Counterexample {
    Counterexample {
        schema: SCHEMA,
        name: name.into(),
        about: "made up, for a test of pages".into(),
        finding: None,
        profile: Profile::named("ext4-ordered").expect("a profile"),
        shown_by: Vec::new(),
        strongest: Vec::new(),
        needs: Vec::new(),
        barriers: Vec::new(),
        note: None,
        broken: Broken {
            promised: "k7: value 7".into(),
            there: "nothing".into(),
            ..Broken::of("D1")
        },
        script: Script::Model { moves: Vec::new() },
        steps,
    }
}

/// Steps with the files after each.
#[derive(Default)]
struct Story {
    steps: Vec<Step>,
    cached: Files,
    durable: Files,
    before: (Files, Files),
}

impl Story {
    fn step(&mut self, step: Step) {
        let before = (self.cached.clone(), self.durable.clone());
        self.steps.push(Step {
            cached: self.cached.since(&self.before.0),
            durable: self.durable.since(&self.before.1),
            ..step
        });
        self.before = before;
    }

    fn set(&mut self, path: &str, node: Node) {
        self.cached.0.insert(path.into(), node);
    }

    fn barrier(&mut self, path: &str) {
        if let Some(node) = self.cached.0.get(path) {
            self.durable.0.insert(path.into(), node.clone());
        }
        self.step(Step::new(Mark::Barrier, format!("barrier of {path}")));
    }
}

fn effect(what: &str, fate: Fate, since: usize, barrier: &str) -> Fated {
    Fated {
        what: what.into(),
        fate,
        since,
        barrier: barrier.into(),
        doomed: false,
    }
}

/// One step of each kind.
pub(crate) fn every_mark() -> Counterexample {
    let cells = |text: &str| Node::Cells(text.split(' ').map(String::from).collect());
    let mut story = Story::default();
    story.set("store", Node::Directory);
    story.durable = story.cached.clone();
    story.step(Step::new(Mark::Start, "start"));
    story.step(Step::new(Mark::Asked, "client: put k7"));
    let buffered = Step {
        buffered: "r1.0 r1.1".into(),
        ..Step::new(Mark::Buffered, "buffer r1.0 r1.1")
    };
    story.step(buffered);
    story.set("store/log", cells("H r1.0 r1.1 0"));
    story.step(Step::new(Mark::Change, "flush the buffer"));
    story.step(Step::new(Mark::Returned, "put returns").told("Ok, not yet durable"));
    story.step(Step::new(Mark::Memory, "make a new memtable"));
    story.barrier("store/log");
    story.step(Step::new(Mark::Acknowledged, "sync returns").told("Ok, durable"));
    story.step(Step::new(Mark::Asked, "client: delete k7"));
    story.step(Step::new(Mark::Failed, "barrier of store/log fails (EIO)"));
    story.step(Step::new(Mark::Refused, "delete fails").told("error: the log refuses writes"));
    story.step(Step::new(Mark::Kill, "KILL"));
    story.set("store/log", cells("H r1.0 r1.1 r2.0"));
    story.step(Step::new(Mark::Change, "write store/log [3..4] = r2.0").in_recovery(true));
    story.step(
        Step::new(Mark::Served, "recovery ends")
            .told("reads k7: value 7")
            .in_recovery(true),
    );
    story.cached = story.durable.clone();
    story.cached.0.remove("store/log");
    story.durable = story.cached.clone();
    let effects = vec![
        effect(
            "store/log [3] = r2.0",
            Fate::Either,
            12,
            "barrier of store/log",
        ),
        effect(
            "name store/log",
            Fate::Lost,
            3,
            "directory barrier of store",
        ),
        Fated {
            doomed: true,
            ..effect(
                "size of store/log = 4",
                Fate::Kept,
                3,
                "barrier of store/log",
            )
        },
    ];
    story.step(Step {
        effects,
        ..Step::new(Mark::PowerCut, "POWER CUT")
    });
    story.step(Step::new(Mark::Barrier, "directory barrier of store").in_recovery(true));
    story.step(
        Step::new(Mark::Unopened, "recovery ends")
            .told("the store does not open")
            .in_recovery(true),
    );
    of("every-mark", story.steps)
}

/// So many steps over four files of so many bytes, which no two bytes beside each other make smaller.
pub(crate) fn long(steps: usize, bytes: usize) -> Counterexample {
    let mut story = Story::default();
    let mut seed = 1u32;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    story.set("store", Node::Directory);
    story.durable = story.cached.clone();
    story.step(Step::new(Mark::Start, "start"));
    let pages = steps / 3;
    let page = (bytes * 4 / pages).next_multiple_of(16);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut last = 0;
    while story.steps.len() + 2 < steps {
        let number = story.steps.len();
        match number % 3 {
            1 => story.step(Step::new(
                Mark::Asked,
                format!("client: put k{number} = value {number}"),
            )),
            2 => {
                let path = format!("store/{}.segment", number / 3 * page / bytes);
                let file = files.entry(path.clone()).or_default();
                let begin = file.len();
                file.extend((0..page.min(bytes - begin)).map(|_| random()));
                let what = format!("write {path} [{begin}..{}] = 0x..", file.len());
                story.set(&path, Node::Bytes(file.clone()));
                last = number;
                story.step(Step::new(Mark::Change, what));
            }
            _ if number % 2 == 0 => {
                let path = format!("store/{}.segment", (number - 1) / 3 * page / bytes);
                story.barrier(&path);
            }
            _ => story.step(
                Step::new(Mark::Acknowledged, format!("put k{number} returns")).told("Ok, durable"),
            ),
        }
    }
    story.cached = story.durable.clone();
    let effects = (0..14).map(|n| match n % 5 {
        0 => effect(
            &format!("store/3.segment [{n}..{}]", n + 1),
            Fate::Lost,
            last,
            "barrier of store/3.segment",
        ),
        _ => effect(
            &format!("size of store/{n}.segment = 65536"),
            Fate::Kept,
            last - 6 * n,
            "barrier of it",
        ),
    });
    story.step(Step {
        effects: effects.collect(),
        ..Step::new(Mark::PowerCut, "POWER CUT")
    });
    story.step(
        Step::new(Mark::Served, "recovery ends")
            .told("reads nothing")
            .in_recovery(true),
    );
    of("long", story.steps)
}

/// Texts that want to be something else.
pub(crate) fn hostile() -> Counterexample {
    let mut story = Story::default();
    let long = "x<b class=injected>y</b>".repeat(420);
    story.step(Step::new(Mark::Start, "start"));
    story.set(
        PATH,
        Node::Bytes(b"</script><script>alert(2)</script>".to_vec()),
    );
    story.set(
        "store/\u{202e}txt.exe",
        Node::Cells(vec!["<img src=x onerror=alert(3)>".into(), long.clone()]),
    );
    story.set("שלום/עולם", Node::Cells(vec!["שלום".into()]));
    story.step(Step::new(
        Mark::Change,
        format!("write {PATH} [0..4] = <!--<script>"),
    ));
    story.step(Step::new(
        Mark::Asked,
        format!("client: put {long} = \u{2028}\u{0}]]>{{{{ 7 * 7 }}}}${{7*7}}"),
    ));
    story.step(
        Step::new(
            Mark::Acknowledged,
            "</title></svg><script>alert(4)</script>",
        )
        .told(long.clone()),
    );
    let effects = vec![effect(
        &format!("name {PATH}"),
        Fate::Lost,
        1,
        "barrier of \"><iframe>",
    )];
    story.cached.0.remove(PATH);
    story.step(Step {
        effects,
        ..Step::new(Mark::PowerCut, "POWER CUT")
    });
    story.step(Step::new(Mark::Served, "recovery ends").told("reads \u{202e}nothing</desc>"));
    let mut found = of("<script>alert(0)</script>\"'", story.steps);
    found.note = Some(long.clone());
    found.broken.promised = long;
    found.broken.there = "</p></div><script>alert(5)</script>".into();
    found.needs = vec!["R5 = <i>no</i>".into()];
    found.barriers = vec!["</dd><script>".into()];
    found
}
