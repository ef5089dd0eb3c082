//! Short labels: a few words in a few lines, as wide as a column; the whole text goes into a mark's title.

use crate::report::visible::{clipped, visible};

/// A label in lines, none wider than `width` pixels. What does not fit ends in `..`.
pub(super) fn lines(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if pixels(line) + pixels(" ") + pixels(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    let more = lines.len() > most;
    lines.truncate(most);
    let last = lines.len().saturating_sub(1);
    for (number, line) in lines.iter_mut().enumerate() {
        let open = more && number == last;
        if open || pixels(line) > width {
            *line = fitted(line, width, open);
        }
    }
    lines
}

/// One line of at most `width` pixels.
pub(super) fn line(text: &str, width: usize) -> String {
    match pixels(text) > width {
        true => fitted(text, width, false),
        false => text.into(),
    }
}

/// How wide a text is at 12 pixels, in a wide typeface without serifs: rather too much than too little.
pub(super) fn pixels(text: &str) -> usize {
    let tenths = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 40,
        'f' | 't' | 'r' | '[' | ']' | '(' | ')' | '/' | '-' => 50,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 118,
        'A'..='Z' => 90,
        ' '..='~' => 76,
        _ => 130,
    };
    text.chars().map(tenths).sum::<usize>().div_ceil(10)
}

/// What a storage call, or an effect, does: without the contents that are written, and of a path its last part.
pub(super) fn call(text: &str) -> String {
    let text = match text.split_once(" = ") {
        Some((before, _)) if before.ends_with(']') => before,
        _ => text,
    };
    let words: Vec<String> = plain(text).split(' ').map(short).collect();
    words.join(" ")
}

/// What others wrote, in one line that is not too long.
pub(super) fn plain(text: &str) -> String {
    let text = visible(&clipped(text, 300));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A path without the directories above it.
fn short(word: &str) -> String {
    match word.trim_end_matches('/').rsplit('/').next() {
        Some(name) if !name.is_empty() => name.into(),
        _ => word.into(),
    }
}

/// As much of it as fits, and `..`: at the end where the text goes on, else in its middle.
fn fitted(line: &str, width: usize, open: bool) -> String {
    let chars: Vec<char> = line.chars().collect();
    let cut = |keep: usize| -> String {
        let tail = if open { 0 } else { keep / 3 };
        let begin: String = chars[..keep - tail].iter().collect();
        let end: String = chars[chars.len() - tail..].iter().collect();
        format!("{}..{end}", begin.trim_end())
    };
    let fits = (1..=chars.len())
        .rev()
        .map(cut)
        .find(|text| pixels(text) <= width);
    fits.unwrap_or_else(|| "..".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_label_says_what_happens_to_which_file() {
        let said = |text| lines(&call(text), 88, 3).join("|");
        assert_eq!(
            said("write store/1.sst [0..29] = 0x0100.. (29 bytes)"),
            "write 1.sst|[0..29]"
        );
        assert_eq!(said("data barrier of store/log"), "data barrier|of log");
        assert_eq!(said("put a = 1.bbb"), "put a = 1.bbb");
        assert_eq!(said("directory barrier of /"), "directory|barrier of /");
        assert_eq!(lines(&plain(&"x".repeat(10_000)), 40, 3).len(), 3);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_column(text in ".{0,200}", most in 1usize..4) {
            let lines = lines(&text, 88, most);
            prop_assert!(lines.len() <= most);
            prop_assert!(lines.iter().all(|line| pixels(line) <= 88), "{lines:?}");
        }
    }
}
