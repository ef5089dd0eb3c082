//! The parts of a run, put together, are what one run of all writes, byte for byte; and what is no whole is refused.

use super::{Home, ends, refusal};
use lightsout::check::lock::{Lock, Locked};
use std::fs;

const KINDS: [&str; 3] = ["json", "junit", "markdown"];

/// Some violations and a check that holds, in a short time.
const CHECK: [&str; 3] = [
    "check",
    "--only=wal/mistake/segments-*",
    "--only=wal/durable/inner",
];
const EXPLORE: [&str; 4] = ["explore", "log", "wal-module-tail-left", "--operations=1"];

/// Runs it, and writes `NAME.json`, `NAME.junit`, `NAME.markdown`.
fn run(home: &Home, name: &str, args: &[&str], code: i32) {
    let paths = KINDS.map(|kind| home.at(&format!("{name}.{kind}")));
    let mut all: Vec<&str> = args.to_vec();
    for (kind, path) in ["--json", "--junit", "--markdown"].iter().zip(&paths) {
        all.extend([kind, path.as_str()]);
    }
    ends(code, &all);
}

fn shards(home: &Home, args: &[&str], of: usize, code: i32) -> Vec<String> {
    let shard = |index: usize| {
        let (shard, threads) = (
            format!("--shard={index}/{of}"),
            format!("--threads={index}"),
        );
        let name = format!("part-{index}");
        run(home, &name, &[args, &[&shard, &threads]].concat(), code);
        home.at(&format!("{name}.json"))
    };
    (1..=of).map(shard).collect()
}

fn merge<'a>(files: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let files = files.iter().map(String::as_str);
    ["merge"]
        .into_iter()
        .chain(files)
        .chain(more.iter().copied())
        .collect()
}

fn merged_is_the_whole(args: &[&str], of: usize, specs: &str) {
    let home = Home::new();
    run(&home, "whole", &[args, &["--threads=4"]].concat(), 0);
    run(&home, "again", &[args, &["--threads=1"]].concat(), 0);
    let mut files = shards(&home, args, of, 0);
    files.reverse();
    let specs = ["--specs", specs];
    run(&home, "merged", &merge(&files, &specs), 0);
    for kind in KINDS {
        let whole = home.read(&format!("whole.{kind}"));
        assert_eq!(
            whole,
            home.read(&format!("again.{kind}")),
            "{kind}, by the number of threads"
        );
        assert_eq!(
            whole,
            home.read(&format!("merged.{kind}")),
            "{kind}, in parts"
        );
        let parts: String = (1..=of)
            .map(|i| home.read(&format!("part-{i}.{kind}")))
            .collect();
        assert_ne!(whole, parts);
    }
    run(
        &home,
        "once-more",
        &merge(&[home.at("merged.json")], &specs),
        0,
    );
    assert_eq!(home.read("whole.json"), home.read("once-more.json"));
}

#[test]
fn parts_of_checks_merge_into_what_one_run_writes() {
    merged_is_the_whole(&CHECK, 3, "specs");
}

#[test]
fn parts_of_explorations_merge_into_what_one_run_writes_also_if_some_have_nothing_to_do() {
    merged_is_the_whole(&EXPLORE, 4, "specs");
    let few = [&EXPLORE[..], &["--profile=posix"]].concat();
    merged_is_the_whole(&few, 5, "specs");
}

#[test]
fn parts_that_make_no_whole_are_refused_with_a_sentence() {
    let home = Home::with_specs();
    let here = home.0.path().display().to_string();
    let args = [&CHECK[..], &["--specs", &here]].concat();
    let files = shards(&home, &args, 3, 0);
    let refused = |files: &[String]| refusal(&merge(files, &["--specs", &here]));
    let [one, two, three] = &files[..] else {
        panic!("three parts")
    };

    let text = refused(&[one.clone(), two.clone(), two.clone()]);
    assert!(text.contains("overlap: both are part 2/3"), "{text}");
    let text = refused(&[one.clone(), three.clone()]);
    assert!(text.contains("missing 2/3;"), "{text}");

    run(&home, "half", &[&args[..], &["--shard=1/2"]].concat(), 0);
    let text = refused(&[one.clone(), home.at("half.json")]);
    assert!(
        text.contains("one of 3 parts") && text.contains("one of 2 parts"),
        "{text}"
    );
    run(&home, "whole", &args, 0);
    let text = refused(&[home.at("whole.json"), home.at("whole.json")]);
    assert!(text.contains("overlap: both are all of it"), "{text}");
    let text = refused(&[one.clone(), home.at("whole.json")]);
    assert!(text.contains("is all of it"), "{text}");

    let other = ["check", "--only=wal/mistake/no-end-mark", "--specs", &here];
    run(&home, "other", &[&other[..], &["--shard=2/3"]].concat(), 0);
    let text = refused(&[one.clone(), home.at("other.json"), three.clone()]);
    assert!(
        text.contains("is of another run") && text.contains("no-end-mark"),
        "{text}"
    );
    run(&home, "code", &[&EXPLORE[..], &["--shard=2/3"]].concat(), 0);
    let text = refused(&[one.clone(), home.at("code.json"), three.clone()]);
    assert!(
        text.contains("`lightsout explore`") || text.contains("lightsout explore"),
        "{text}"
    );

    let whole = home.read("part-2.json");
    let planted = |text: &str| {
        fs::write(home.path("planted.json"), text).expect("written");
        refused(&[one.clone(), home.at("planted.json"), three.clone()])
    };
    let text = planted(&whole[..whole.len() / 2]);
    assert!(text.contains("planted.json: it is cut off"), "{text}");
    let text = planted("");
    assert!(text.contains("it is cut off"), "{text}");
    let text = planted("all as expected");
    assert!(text.contains("it is no JSON"), "{text}");
    let text = planted("{\"schema\": \"two\"}");
    assert!(text.contains("no results of lightsout"), "{text}");
    let text = planted(&whole.replacen("\"schema\": 2", "\"schema\": 3", 1));
    assert!(
        text.contains("its schema is 3, and this version reads 2"),
        "{text}"
    );
    let text = planted(&whole.replace("\"id\": \"wal/", "\"id\": \"wall/"));
    assert!(text.contains("does not have the"), "{text}");
    let text = planted(&whole.replacen("\"selection\"", "\"selected\"", 1));
    assert!(text.contains("no results of lightsout"), "{text}");
    let text = refused(&[home.at("nowhere.json")]);
    assert!(text.contains("nowhere.json"), "{text}");

    let spec = home.read("wal.toml");
    fs::write(
        home.path("wal.toml"),
        spec.replacen("title = \"", "title = \"Other: ", 1),
    )
    .expect("written");
    let text = refused(&files);
    assert!(text.contains("with other specs, another lock"), "{text}");
    fs::write(home.path("wal.toml"), spec).expect("written");
    let lock = home.read("verdicts.lock");
    let kept = "[verdict.\"wal/durable/inner\"]\nverdict = \"holds\"";
    assert!(lock.contains(kept));
    let other = lock.replace(kept, &kept.replace("holds", "held"));
    fs::write(home.path("verdicts.lock"), other).expect("written");
    let text = refused(&files);
    assert!(text.contains("with other specs, another lock"), "{text}");
    fs::write(home.path("verdicts.lock"), lock).expect("written");
    ends(0, &merge(&files, &["--specs", &here]));
}

#[test]
fn a_selection_that_is_none_is_refused() {
    let home = Home::new();
    run(
        &home,
        "whole",
        &["check", "--only=wal/mistake/no-end-mark"],
        0,
    );
    let text = home.read("whole.json");
    let planted = text.replace("--only=wal/mistake/no-end-mark", "--json=elsewhere");
    fs::write(home.path("planted.json"), planted).expect("written");
    let text = refusal(&["merge", &home.at("planted.json")]);
    assert!(text.contains("is of another run"), "{text}");
    let planted = home
        .read("whole.json")
        .replace("--only=wal/mistake/no-end-mark", "--help");
    fs::write(home.path("planted.json"), planted).expect("written");
    let text = refusal(&["merge", &home.at("planted.json")]);
    assert!(text.contains("which is no selection"), "{text}");
}

#[test]
fn merging_ends_as_the_whole_run_would() {
    let home = Home::with_specs();
    let here = home.0.path().display().to_string();
    let spec = home.read("wal.toml");
    let planted = spec.replacen(
        "expect = \"violates D1\"\nfinding",
        "expect = \"holds\"\nfinding",
        1,
    );
    assert_ne!(spec, planted);
    fs::write(home.path("wal.toml"), planted).expect("written");
    // One verdict differs: the part without it is as expected.
    let args = [
        "check",
        "--specs",
        &here,
        "--only=wal/as-found-lsm/power-cut",
        "--only=wal/mistake/no-end-mark",
    ];
    let shard = |index: usize, code: i32| {
        let shard = format!("--shard={index}/2");
        run(
            &home,
            &format!("part-{index}"),
            &[&args[..], &[&shard]].concat(),
            code,
        );
        home.at(&format!("part-{index}.json"))
    };
    let ended = [1, 2].map(|index| {
        let first = super::lightsout(&[&args[..], &[&format!("--shard={index}/2")]].concat());
        first.status.code().expect("a code")
    });
    assert_eq!(ended.iter().sum::<i32>(), 1, "{ended:?}");
    let files = [shard(1, ended[0]), shard(2, ended[1])];
    let text = ends(1, &merge(&files, &["--specs", &here]));
    assert!(
        text.contains("NOT AS EXPECTED") && text.contains("POWER CUT"),
        "{text}"
    );
    assert!(text.contains("2 verdicts, 1 as expected"), "{text}");

    // Which check is gone is seen where all of them are together.
    let mut lock = Lock::read(home.0.path()).expect("the lock");
    lock.verdict
        .insert("wal/mistake/no-such".into(), Locked::default());
    lock.write(home.0.path()).expect("written");
    let args = ["check", "--specs", &here, "--only=wal/mistake/no-*"];
    let files = shards(&home, &args, 2, 0);
    run(&home, "whole", &args, 1);
    run(&home, "merged", &merge(&files, &["--specs", &here]), 1);
    assert!(home.read("whole.json").contains("it is gone"));
    for kind in KINDS {
        let [whole, merged] = ["whole", "merged"].map(|name| home.read(&format!("{name}.{kind}")));
        assert_eq!(whole, merged);
    }

    let args = ["check", "--only=wal/durable/every", "--time-limit=0.01"];
    run(&home, "part-1", &[&args[..], &["--shard=1/1"]].concat(), 3);
    ends(3, &["merge", &home.at("part-1.json")]);
    let broken = home
        .read("part-1.json")
        .replace("\"inconclusive\"", "\"broken\"");
    fs::write(home.path("part-1.json"), broken).expect("written");
    ends(2, &["merge", &home.at("part-1.json")]);
}

#[test]
fn what_is_no_part_is_refused() {
    for command in ["check", "explore"] {
        for shard in ["0/2", "3/2", "2", "1/0", "one/two"] {
            let text = refusal(&[command, "--shard", shard]);
            assert!(text.contains("is not I/N"), "{text}");
        }
        let text = refusal(&[command, "--shard=1/2", "--bless"]);
        assert!(text.contains("--bless keeps a whole run"), "{text}");
    }
    let text = refusal(&["explore", "log", "--audit", "--shard=1/2"]);
    assert!(text.contains("--audit"), "{text}");
}
