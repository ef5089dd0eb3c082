//! `lightsout soak`: real stores, real kills. And what is planted, to be found out.

use lightsout::soak::{Error, Outcome, Soak, Until, named, sync_mode};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ENGINES: [&str; 6] = ["log", "wal", "lsm", "btree", "event_store", "bitcask"];

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lightsout"));
    command.arg("soak").args(args).env_remove("CI");
    command
}

fn soak(args: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(args).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().expect("text"))
        .collect();
    names.sort();
    names
}

/// The number before a word.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|other| other.starts_with(word));
    let at = at.unwrap_or_else(|| panic!("no {word} in {line}"));
    words[at - 1].parse().expect("a number")
}

#[test]
fn every_engine_keeps_what_it_told_in_every_mode() {
    for (sync, kills) in [("every", 12), ("every-7", 8), ("never", 8)] {
        let home = home();
        let dir = home.path().display().to_string();
        let count = kills.to_string();
        let args = [
            "all", "--kills", &count, "--sync", sync, "--seed", "5", "--dir", &dir,
        ];
        let (code, text, error) = soak(&args);
        assert_eq!(code, Some(0), "{text}{error}");
        assert_eq!(error, "", "progress is for a terminal");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "seed 5");
        for (line, engine) in lines[1..].iter().zip(ENGINES) {
            assert!(
                line.starts_with(engine) && line.ends_with(": as expected"),
                "{line}"
            );
            assert_eq!(before(line, "kill"), kills, "{line}");
            assert!(before(line, "operations") > 10, "{line}");
        }
        assert_eq!(lines.len(), 7, "{text}");
        assert_eq!(names(home.path()), [""; 0], "nothing is left");
    }
}

#[test]
fn a_child_that_says_so_before_it_writes_is_found_out() {
    let home = home();
    let dir = home.path().display().to_string();
    let (code, text, error) = soak(&["all", "--kills", "100", "--lies", "--dir", &dir]);
    assert_eq!(code, Some(1), "{text}{error}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut all = ENGINES.to_vec();
    all.sort_unstable();
    assert_eq!(names(home.path()), all);
    for engine in ENGINES {
        let found = format!("{engine}: BROKEN at kill ");
        assert!(flat.contains(&found), "{engine}: {text}");
        let kept = home.path().join(engine);
        assert_eq!(names(&kept), ["left", "store", "told"], "{engine}");
        assert!(
            flat.contains(&format!("It is kept in {}", kept.display())),
            "{text}"
        );
        let told = fs::read_to_string(kept.join("told")).expect("what was told");
        assert!(told.starts_with(".\n"), "{told}");
    }
    assert!(
        flat.contains("of seed ") && flat.contains(", thread "),
        "{text}"
    );
    assert!(flat.contains("were acknowledged"), "{text}");
    assert!(
        text.contains("\nagain: lightsout soak bitcask --kills "),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 130), "{text}");
}

#[test]
fn a_soak_ends_in_time_and_at_ctrl_c() {
    let began = Instant::now();
    let (code, text, _) = soak(&["lsm", "--seconds", "1", "--kills", "100000"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(began.elapsed() >= Duration::from_secs(1));

    let home = home();
    let dir = home.path().display().to_string();
    let running = command(&["log", "lsm", "--seconds", "600", "--dir", &dir])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    while names(home.path()).is_empty() {
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(300));
    let pid = i32::try_from(running.id()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process"), Signal::INT).expect("sent");
    let output = running.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.trim_end().ends_with(": interrupted") && !text.contains("lsm"),
        "{text}"
    );
    assert_eq!(names(home.path()), [""; 0], "nothing is left");
}

/// The error: one sentence on one line, exit 2, no panic.
fn refusal(args: &[&str]) -> String {
    let (code, text, error) = soak(args);
    assert_eq!((code, text.as_str()), (Some(2), ""), "{args:?}: {error}");
    let is_line = error.starts_with("error: ") && error.trim_end().lines().count() == 1;
    assert!(is_line && !error.contains("panicked"), "{error}");
    error
}

#[test]
fn bad_arguments_are_refused() {
    let text = refusal(&["lmdb", "--kills", "1"]);
    assert!(
        text.contains("`lmdb`") && text.contains("event_store, bitcask, or all"),
        "{text}"
    );
    assert!(refusal(&["lsm"]).contains("--seconds N or --kills N"));
    assert!(refusal(&["lsm", "--kills", "1", "--sync", "always"]).contains("`every-N`"));
    for bad in [
        &["--kills", "1"][..],
        &["lsm", "--kills", "1", "--threads", "0"],
    ] {
        assert_eq!(soak(bad).0, Some(2), "{bad:?}");
    }

    let home = home();
    let at = |name: &str| home.path().join(name).display().to_string();
    fs::write(home.path().join("thesis.txt"), "ten years of work").expect("written");
    let text = refusal(&["lsm", "--kills", "1", "--dir", &at("")]);
    assert!(text.contains("has files in it"), "{text}");
    assert_eq!(names(home.path()), ["thesis.txt"]);
    assert!(refusal(&["lsm", "--kills", "1", "--dir", &at("thesis.txt")]).contains("thesis.txt"));
    assert!(refusal(&["lsm", "--kills", "1", "--dir", &at("no/parent")]).contains("parent"));
}

#[test]
fn a_directory_without_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let closed = home.path().join("closed");
    fs::create_dir(&closed).expect("a directory");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("closed");
    let dir = match fs::create_dir(closed.join("mine")) {
        // Nobody may.
        Err(_) => closed,
        // Root may, but not there.
        Ok(()) => Path::new("/proc/self").to_path_buf(),
    };
    let dir = dir.join("soak").display().to_string();
    let text = refusal(&["lsm", "--kills", "1", "--dir", &dir]);
    assert!(
        text.contains("cannot make") && text.contains("permissions"),
        "{text}"
    );
}

/// A soak whose children are scripts of the shell; `$1` is the store.
fn with_script(script: &str) -> (TempDir, Result<Outcome, Error>) {
    let home = home();
    let soak = Soak {
        engine: named("log").expect("an engine"),
        threads: 1,
        sync: sync_mode("every").expect("a mode"),
        seed: 3,
        lies: false,
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        home: home.path().into(),
    };
    let until = Until {
        kills: 3,
        time: Duration::MAX,
    };
    let ended = soak.run(until, &|| false, &mut |_| ());
    (home, ended)
}

#[test]
fn a_child_that_ends_by_itself_is_told_with_its_words() {
    let (_, ended) = with_script("echo .; echo error: the disk is full >&2; exit 2");
    let words = ended.expect_err("no soak").to_string();
    assert!(
        words.contains("ended before") && words.contains(": the disk is full;"),
        "{words}"
    );
    let (_, ended) = with_script("echo .; echo 0 7; exec sleep 60");
    let words = ended.expect_err("no soak").to_string();
    assert!(words.contains("does not count"), "{words}");
}

#[test]
fn a_store_that_does_not_open_is_a_promise_broken_and_is_kept_as_it_was() {
    let script = "mkdir \"$1\"; echo garbage > \"$1/log\"; echo .; echo 0 1; exec sleep 60";
    let (home, ended) = with_script(script);
    let Ok(Outcome::Broken { how: words, .. }) = ended else {
        panic!("{ended:?}");
    };
    assert!(
        words.contains("log: BROKEN at kill 1 of seed 3. It does not open"),
        "{words}"
    );
    for place in ["left/log", "store/log"] {
        let bytes = fs::read(home.path().join(place)).expect("the log");
        assert_eq!(bytes, b"garbage\n", "{place}");
    }
}

#[test]
fn a_child_that_reads_another_thing_than_it_wrote_is_a_promise_broken() {
    let complaint = "! 0 key 0/3 was read back as missing and not as `5`";
    let (_, ended) = with_script(&format!("echo .; echo '{complaint}'"));
    let Ok(Outcome::Broken { how: words, .. }) = ended else {
        panic!("{ended:?}");
    };
    assert!(
        words.contains(", thread 0. The key 0/3 was read back as missing"),
        "{words}"
    );
}
