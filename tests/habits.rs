//! What people expect of a command: examples that are true, completions, pages for `man`, colour where it is wanted.

mod command_lines;

use command_lines::{assert_accepted, in_script, refused};
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn lightsout(args: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightsout"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CI")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs")
}

fn stdout(args: &[&str]) -> String {
    let output = lightsout(args, &[]);
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The names of the commands below these ones, as `--help` lists them.
fn commands(below: &[&str]) -> Vec<String> {
    let help = stdout(&[below, &["--help"]].concat());
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(String::from)
        .collect()
}

/// Every command, from the top: `[]`, `[check]`, `[demo, lsm]`.
fn every_command() -> Vec<Vec<String>> {
    let mut open = vec![Vec::new()];
    let mut all = Vec::new();
    while let Some(path) = open.pop() {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        open.extend(
            commands(&names)
                .into_iter()
                .map(|name| [path.clone(), vec![name]].concat()),
        );
        all.push(path);
    }
    assert!(all.len() > 7, "{all:?}");
    all
}

#[test]
fn the_help_of_every_command_has_examples_that_parse_and_fits_the_terminal() {
    for path in every_command() {
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let help = stdout(&args);
        let (_, examples) = help
            .split_once("\nExamples:\n")
            .unwrap_or_else(|| panic!("{args:?} has no examples"));
        let lines = in_script(examples);
        assert!(!lines.is_empty(), "{args:?} has no examples");
        let of_it = |line: &Vec<String>| line.starts_with(&path);
        assert!(lines.iter().all(of_it), "{args:?}: {lines:?}");
        assert_accepted(&lines);
        let longest = help.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "{args:?}: {longest:?} columns");
    }
}

#[test]
fn a_command_line_that_rotted_is_seen() {
    let script = "RUST_BACKTRACE=1 cargo run --release -- check lsm \\\n  --nonsense 3 | tee log\n\
                  cargo run -p lightsout-others -- redb # another binary\n\
                  chmod +x lightsout && ./lightsout unheard of";
    let lines = in_script(script);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], ["check", "lsm", "--nonsense", "3"]);
    assert!(lines.iter().all(|line| refused(line).is_some()));
    assert!(refused(&["check".into(), "--threads".into(), "none".into()]).is_some());
    assert!(refused(&["check".into(), "--only".into()]).is_some());
    assert_eq!(refused(&["check".into(), "lsm".into()]), None);
}

#[test]
fn bash_reads_its_completions_and_every_shell_has_some() {
    let script = stdout(&["completions", "bash"]);
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .expect("bash");
    let mut input = bash.stdin.take().expect("a pipe");
    input.write_all(script.as_bytes()).expect("written");
    drop(input);
    assert!(bash.wait().expect("an end").success());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&["completions", shell]);
        for command in commands(&[]) {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        // Only some of them have the dashes with it.
        assert!(script.contains("specs") && script.contains("version"));
        assert!(!script.contains("soak-child"), "{shell} offers it");
    }
}

#[test]
fn the_page_for_man_names_every_command_and_each_has_its_own() {
    let page = stdout(&["man"]);
    assert!(page.starts_with(".ie") || page.starts_with(".TH"), "{page}");
    assert!(page.contains(".TH lightsout 1"), "{page}");
    for command in commands(&[]) {
        assert!(
            page.contains(&format!("lightsout\\-{command}(1)")),
            "{command}"
        );
    }
    let home = tempfile::tempdir().expect("a temporary directory");
    let pages = home.path().join("man1");
    stdout(&["man", "--dir", &pages.display().to_string()]);
    for path in every_command() {
        let name = [vec!["lightsout".into()], path].concat().join("-");
        let page = fs::read_to_string(pages.join(format!("{name}.1"))).expect("a page");
        assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
    }
    let file = home.path().join("file");
    fs::write(&file, "").expect("written");
    let refused = lightsout(&["man", "--dir", &file.display().to_string()], &[]);
    assert_eq!(refused.status.code(), Some(2));
}

/// A verdict, its counterexample, and two refusals: the command's and the parser's.
fn escapes(environment: &[(&str, &str)]) -> Vec<bool> {
    let shown = ["check", "--only", "wal/as-found-lsm/power-cut", "--show"];
    let coloured = |args: &[&str]| {
        let output = lightsout(args, environment);
        [output.stdout, output.stderr].concat().contains(&0x1b)
    };
    vec![
        coloured(&shown),
        coloured(&["check", "--no-such-flag"]),
        coloured(&["check", "--help"]),
    ]
}

#[test]
fn a_pipe_gets_no_colour_unless_it_is_asked_for_and_no_color_has_the_last_word() {
    assert_eq!(escapes(&[]), [false; 3], "in a pipe");
    assert_eq!(escapes(&[("NO_COLOR", "1")]), [false; 3]);
    assert_eq!(escapes(&[("CLICOLOR_FORCE", "1")]), [true; 3]);
    let both = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")];
    assert_eq!(escapes(&both), [false; 3], "NO_COLOR wins");
}
