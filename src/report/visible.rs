//! Text that others wrote, so that a reader sees what is there: characters that are invisible, or that turn the
//! text around them, become visible escapes.

/// `\u{202e}` for a character that does not show, or that changes how others show; the others as they are.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match hides(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

/// Controls, marks of direction, joiners and fillers without a width, and what is no character.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// At most so many characters: its beginning and its end, with `..` between them.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let end = most / 4;
    let begin: String = text.chars().take(most.saturating_sub(end + 4)).collect();
    let rest: String = text.chars().skip(count - end).collect();
    format!("{begin} .. {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_becomes_visible_and_the_rest_stays() {
        assert_eq!(visible("a\u{202e}b\u{0}\n"), "a\\u{202e}b\\u{0}\\u{a}");
        assert_eq!(visible("שלום, größe 雪"), "שלום, größe 雪");
        assert_eq!(visible("\u{2028}\u{ffff}"), "\\u{2028}\\u{ffff}");
    }

    #[test]
    fn a_long_text_keeps_its_ends() {
        assert_eq!(clipped("short", 10), "short");
        let long = clipped(&"x".repeat(10_000), 40);
        assert_eq!(long.chars().count(), 40);
        assert!(long.contains(" .. "));
    }
}
