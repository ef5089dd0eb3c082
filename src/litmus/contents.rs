//! Contents of files as people write them: `2500*a 1596*zero`, `old`, `empty`.

use models::disk::Cell;

/// Reads contents: words, each a run (`2500*a`, `8*zero`, `8*garbage`) or the bytes that it spells.
pub(super) fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, String> {
    let words: Vec<&str> = words.into_iter().collect();
    match words[..] {
        [] => {
            return Err(
                "contents are missing: write a run like `512*a`, a word, or `empty`".into(),
            );
        }
        ["empty"] => return Ok(Vec::new()),
        _ => {}
    }
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend(piece(word)?);
    }
    Ok(bytes)
}

fn piece(word: &str) -> Result<Vec<u8>, String> {
    let Some((count, what)) = word.split_once('*') else {
        return if ["zero", "garbage", "empty"].contains(&word) {
            Err(format!("`{word}` needs a count here, as in `512*zero`"))
        } else {
            Ok(word.bytes().collect())
        };
    };
    let byte = match (what, what.as_bytes()) {
        ("zero", _) => u8::zero(),
        ("garbage", _) => u8::garbage(),
        (_, &[byte]) => byte,
        _ => {
            return Err(format!(
                "`{word}` is not a run: write a count, `*`, and one character, `zero` or `garbage`"
            ));
        }
    };
    match count.parse::<usize>() {
        Ok(count) if count <= BYTES_MAX => Ok(vec![byte; count]),
        _ => Err(format!(
            "`{word}` does not start with a count of at most {BYTES_MAX}"
        )),
    }
}

/// LIMIT: the longest run, so that a slip of the finger is a message and not a wait.
const BYTES_MAX: usize = 1 << 20;

/// Writes contents as [`parse`] reads them.
pub(super) fn describe(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "empty".into();
    }
    let mut words = Vec::new();
    let mut literal = String::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        let what = match run[0] {
            byte if byte == u8::zero() => "zero".into(),
            byte if byte == u8::garbage() => "garbage".into(),
            byte => char::from(byte).to_string(),
        };
        if run.len() < 3 && what.len() == 1 {
            literal.push_str(&what.repeat(run.len()));
        } else {
            words.extend((!literal.is_empty()).then(|| std::mem::take(&mut literal)));
            words.push(format!("{}*{what}", run.len()));
        }
    }
    words.extend((!literal.is_empty()).then_some(literal));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_described_as_they_are_read() {
        for text in ["2500*a 1596*zero", "old", "empty", "aab 7*garbage c"] {
            let bytes = parse(text.split(' ')).expect("contents");
            assert_eq!(describe(&bytes), text);
        }
    }

    #[test]
    fn a_run_without_a_count_or_a_byte_is_refused() {
        for text in ["zero", "x*a", "3*ab", "3*", "99999999*a"] {
            assert!(parse([text]).is_err(), "{text}");
        }
        assert!(parse([]).is_err());
    }
}
