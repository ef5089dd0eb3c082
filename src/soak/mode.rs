//! When writes are synced, in words: `every`, `every-10`, `never`.

use crate::engine::wal::SyncMode;

/// The mode of that name.
pub fn sync_mode(name: &str) -> Option<SyncMode> {
    match name {
        "every" => Some(SyncMode::EveryWrite),
        "never" => Some(SyncMode::Never),
        _ => {
            let n = name.strip_prefix("every-")?.parse().ok()?;
            Some(SyncMode::EveryN(n))
        }
    }
}

/// Its name.
pub(super) fn name(mode: SyncMode) -> String {
    match mode {
        SyncMode::EveryWrite => "every".into(),
        SyncMode::EveryN(n) => format!("every-{n}"),
        SyncMode::Never => "never".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_has_one_name() {
        for text in ["every", "every-1", "every-250", "never"] {
            assert_eq!(sync_mode(text).map(name).as_deref(), Some(text));
        }
        for text in ["", "always", "every-", "every-0", "every--1", "every-x"] {
            assert_eq!(sync_mode(text), None, "{text}");
        }
    }
}
