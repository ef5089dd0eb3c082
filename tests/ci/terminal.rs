//! Progress is for a terminal, and colour too.

use super::{command, lightsout};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;
use std::process::Stdio;

const CHECK: [&str; 3] = ["check", "--only=wal/durable/three-crashes", "--threads=1"];
const EXPLORE: [&str; 3] = ["explore", "lsm", "--profile=posix"];
const SOAK: [&str; 3] = ["soak", "log", "--kills=20"];

/// What a person sees at a terminal.
fn at_a_terminal(args: &[&str], colour: bool) -> String {
    let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&main).expect("granted");
    unlockpt(&main).expect("unlocked");
    let name = ptsname(&main, Vec::new()).expect("its name");
    let end = || {
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        Stdio::from(open(&*name, flags, Mode::empty()).expect("its end"))
    };
    let mut command = command();
    command
        .args(args)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    if !colour {
        command.env("NO_COLOR", "1");
    }
    let mut child = command
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .expect("it starts");
    drop(command);
    let mut seen = Vec::new();
    // The end of it is an error, as terminals have it.
    let _ = File::from(main).read_to_end(&mut seen);
    assert!(child.wait().expect("it ends").success());
    String::from_utf8_lossy(&seen).into_owned()
}

/// Whether there is a code for colour or weight in it.
fn is_painted(text: &str) -> bool {
    text.split("\u{1b}[").skip(1).any(|code| {
        let letter = code.find(|char: char| char.is_ascii_alphabetic());
        letter.is_some_and(|at| code[at..].starts_with('m'))
    })
}

#[test]
fn a_pipe_gets_results_only_and_no_codes() {
    for args in [CHECK, EXPLORE, SOAK] {
        let output = lightsout(&args);
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.contains(&0x1b), "a code in a pipe");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn a_terminal_shows_how_far_a_check_and_an_exploration_are() {
    let text = at_a_terminal(&CHECK, true);
    assert!(
        text.contains(" of 560,514 states, ") && text.contains(" left"),
        "{text}"
    );
    assert!(is_painted(&text), "{text}");
    let text = at_a_terminal(&EXPLORE, true);
    assert!(text.contains(" of 143683 recoveries, "), "{text}");
    assert!(
        text.contains(" a second, ") && text.contains(" crash points left"),
        "{text}"
    );
}

#[test]
fn a_terminal_shows_how_far_a_soak_is() {
    let text = at_a_terminal(&SOAK, true);
    let mut told = text.split("log: ").skip(1);
    assert!(
        told.any(|far| far.starts_with(|char: char| char.is_ascii_digit())),
        "{text}"
    );
}

#[test]
fn a_terminal_without_colour_shows_none() {
    for args in [CHECK, EXPLORE, SOAK] {
        let text = at_a_terminal(&args, false);
        assert!(text.contains("as expected") && !is_painted(&text), "{text}");
    }
}
