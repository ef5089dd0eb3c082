//! What something is, where a list says of it that it is `the same` as one above, but for something.

/// What the name stands for, in full: `the log of the study; recovery leaves a torn tail`.
pub fn in_full<'a>(
    list: impl IntoIterator<Item = (&'a str, &'a str)>,
    name: &str,
) -> Option<String> {
    let mut same = "";
    for (one, about) in list {
        let own = about.strip_prefix("the same");
        if own.is_none() {
            same = about.split([';', ':', ',']).next().unwrap_or(about);
        }
        if one == name {
            return Some(match own {
                Some(but) => format!("{same}{but}"),
                None => about.to_string(),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::in_full;

    #[test]
    fn the_same_is_what_is_above() {
        let list = [
            ("a", "the log: synced"),
            ("b", "the same; twice"),
            ("c", "another"),
            ("d", "the same, once"),
        ];
        assert_eq!(in_full(list, "b").as_deref(), Some("the log; twice"));
        assert_eq!(in_full(list, "d").as_deref(), Some("another, once"));
        assert_eq!(in_full(list, "c").as_deref(), Some("another"));
        assert_eq!(in_full(list, "e"), None);
    }
}
