//! Command lines that documents and workflows show, held to the parser of the binary. Nothing is run: with
//! `--help` at its end a line is parsed up to there, and no further.

use std::process::Command;

/// The arguments of each command line of lightsout in a script: `lightsout ..`, `./lightsout ..`, `cargo run .. -- ..`.
pub(crate) fn in_script(script: &str) -> Vec<Vec<String>> {
    let one_line_each = script.replace("\\\n", " ");
    let lines = one_line_each.lines().filter_map(shlex::split);
    lines
        .flat_map(|words| simple(&words))
        .filter_map(arguments)
        .collect()
}

/// The simple commands between pipes and the like, without redirections.
fn simple(words: &[String]) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "|" | "||" | "&&" | ";" => commands.push(Vec::new()),
            ">" | ">>" => drop(words.next()),
            _ => commands.last_mut().expect("one").push(word.clone()),
        }
    }
    commands
}

fn arguments(mut words: Vec<String>) -> Option<Vec<String>> {
    let command = words.iter().position(|word| !word.contains('='))?;
    let mut words = words.split_off(command);
    if words[0] == "lightsout" || words[0].ends_with("/lightsout") {
        words.remove(0);
        return Some(words);
    }
    if !words.starts_with(&["cargo".into(), "run".into()]) {
        return None;
    }
    let end = words.iter().position(|word| word == "--");
    let arguments = words.split_off(end.map_or(words.len(), |end| end + 1));
    let another = words.iter().any(|word| word == "-p" || word == "--package");
    (!another).then_some(arguments)
}

/// What the parser has against a command line.
pub(crate) fn refused(arguments: &[String]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_lightsout"))
        .args(arguments)
        .arg("--help")
        .output()
        .expect("the binary runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then(|| format!("lightsout {}: {error}", arguments.join(" ")))
}

/// Each of them is accepted.
pub(crate) fn assert_accepted(lines: &[Vec<String>]) {
    let refused: Vec<String> = lines.iter().filter_map(|line| refused(line)).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
