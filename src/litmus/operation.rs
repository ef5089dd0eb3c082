//! The operations of a litmus test, and what they do to the disk.

use super::contents;
use models::disk::{Call, Disk, Failure, Refusal, Tree};
use models::profile::Profile;
use std::fmt;

/// One operation, with the text that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    text: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Call(Call<u8>),
    Append {
        file: String,
        bytes: Vec<u8>,
    },
    /// fsync of a file or of a directory, whichever the name names.
    Barrier(String),
    FailedBarrier(String, Failure),
    Sync,
}

/// How operations are written, for those who wrote something else.
const FORMS: &str = "write one of `create F`, `mkdir D`, `append F CONTENTS`, `write F at N CONTENTS`, \
    `truncate F to N`, `rename A to B`, `unlink F`, `fsync F`, `fdatasync F`, `fsync F fails`, \
    `fsync F fails and reverts`, `sync`; the directory of the store is `/`";

impl Operation {
    /// Reads an operation.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let path = |path: &str| path.trim_matches('/').to_string();
        let number = |word: &str| {
            word.parse::<usize>()
                .map_err(|_| format!("`{word}` in `{text}` is not a number of bytes"))
        };
        let contents = |words: &[&str]| {
            contents::parse(words.iter().copied()).map_err(|message| format!("`{text}`: {message}"))
        };
        let what = match words[..] {
            ["create", file] => What::Call(Call::Create(path(file))),
            ["mkdir", directory] => What::Call(Call::CreateDirectory(path(directory))),
            ["append", file, ref words @ ..] => What::Append {
                file: path(file),
                bytes: contents(words)?,
            },
            ["write", file, "at", at, ref words @ ..] => What::Call(Call::Write {
                file: path(file),
                at: number(at)?,
                cells: contents(words)?,
            }),
            ["truncate", file, "to", to] => What::Call(Call::SetLen {
                file: path(file),
                to: number(to)?,
            }),
            ["rename", from, "to", to] => What::Call(Call::Rename {
                from: path(from),
                to: path(to),
            }),
            ["unlink" | "rmdir", file] => What::Call(Call::Remove(path(file))),
            ["fsync", node] => What::Barrier(path(node)),
            ["fdatasync", file] => What::Call(Call::DataBarrier(path(file))),
            ["fsync", file, "fails"] => What::FailedBarrier(path(file), Failure::DataStays),
            ["fsync", file, "fails", "and", "reverts"] => {
                What::FailedBarrier(path(file), Failure::DataReverts)
            }
            ["sync"] => What::Sync,
            _ => return Err(format!("`{text}` is not an operation: {FORMS}")),
        };
        let text = words.join(" ");
        Ok(Self { text, what })
    }

    /// Makes the disk do it.
    pub fn apply(&self, disk: &mut Disk<u8>, profile: &Profile) -> Result<(), Refusal> {
        let named = |disk: &Disk<u8>, path: &str| disk.view().lookup(path);
        match &self.what {
            What::Call(call) => disk.apply(call, profile),
            What::Append { file, bytes } => {
                let file = named(disk, file).ok_or(Refusal::NotFound)?;
                let at = disk.view().cells(file).ok_or(Refusal::WrongKind)?.len();
                disk.write(file, at, bytes, profile)
            }
            What::Barrier(path) => {
                let node = named(disk, path).ok_or(Refusal::NotFound)?;
                disk.barrier(node, false, profile)
            }
            What::FailedBarrier(path, failure) => {
                let node = named(disk, path).ok_or(Refusal::NotFound)?;
                disk.fail_barrier(node, *failure);
                Ok(())
            }
            What::Sync => sync(disk, profile),
        }
    }

    /// Whether it is a barrier, so that leaving it out only takes a promise away.
    pub fn is_barrier(&self) -> bool {
        match &self.what {
            What::Call(call) => call.is_barrier(),
            What::Barrier(_) | What::Sync => true,
            What::Append { .. } | What::FailedBarrier(..) => false,
        }
    }

    /// The paths that it names.
    pub fn paths(&self) -> Vec<&str> {
        match &self.what {
            What::Call(Call::Rename { from, to }) => vec![from, to],
            What::Call(call) => vec![call.path()],
            What::Append { file: path, .. }
            | What::Barrier(path)
            | What::FailedBarrier(path, _) => vec![path],
            What::Sync => Vec::new(),
        }
    }

    /// How many bytes it writes.
    pub fn bytes(&self) -> usize {
        match &self.what {
            What::Call(Call::Write { cells, .. }) => cells.len(),
            What::Append { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }
}

/// Everything becomes durable, whatever the profile.
pub(super) fn sync(disk: &mut Disk<u8>, profile: &Profile) -> Result<(), Refusal> {
    let everything = Profile {
        barrier_covers_all: true,
        ..profile.clone()
    };
    disk.barrier(Tree::<u8>::ROOT, false, &everything)
}

/// Why the disk refuses, in words.
pub(super) fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotFound => "no such file or directory",
        Refusal::Exists => "the name is taken",
        Refusal::WrongKind => "a file where a directory is needed, or the other way round",
        Refusal::Aborted => "the file system went read-only",
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_that_does_not_exist_is_answered_with_those_that_do() {
        for text in [
            "appnd f 3*a",
            "append f",
            "truncate f 3",
            "write f at x a",
            "",
        ] {
            let message = Operation::parse(text).expect_err(text);
            assert!(message.contains(text), "{message}");
        }
    }

    #[test]
    fn a_sync_leaves_nothing_to_a_crash() {
        let posix = Profile::posix();
        let mut disk = Disk::default();
        for text in [
            "mkdir d",
            "create d/f",
            "append d/f 9*a",
            "truncate d/f to 3",
            "sync",
        ] {
            let operation = Operation::parse(text).expect(text);
            operation.apply(&mut disk, &posix).expect(text);
        }
        assert_eq!(disk.crash_images(&posix).len(), 1);
    }
}
