//! A counterexample as a file.

use super::contents::Changed;
use super::{Counterexample, SCHEMA};
use serde::Deserialize;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// LIMIT: bytes, or cells, of one file in a counterexample: 256 MiB.
const LONGEST: usize = 1 << 28;

/// Why a file is not read, or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refuses.
    #[error("cannot {doing} {path}: {source}; check the path and its permissions")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no counterexample that this version reads.
    #[error("{path} {because}")]
    NotOne {
        /// Which file.
        path: PathBuf,
        /// What it is, and what to do.
        because: String,
    },
}

impl Counterexample {
    /// As JSON, for people and programs. It ends with a new line.
    pub fn to_json(&self) -> String {
        // Every key is a string and every number finite: it is JSON.
        serde_json::to_string_pretty(self)
            .map_or_else(|error| error.to_string(), |json| json + "\n")
    }

    /// Writes it down under its name in a directory, which is made if it is not there, and says where.
    ///
    /// # Errors
    /// Where the system refuses; what was at that place is as it was then.
    pub fn save(&self, directory: &Path) -> Result<PathBuf, Error> {
        let io = |doing, path: &Path| {
            let path = path.to_path_buf();
            move |source| Error::Io {
                doing,
                path,
                source,
            }
        };
        fs::create_dir_all(directory).map_err(io("make", directory))?;
        let path = directory.join(format!("{}.json", self.file_name()));
        let temporary = path.with_extension("json.tmp");
        let written = fs::write(&temporary, self.to_json());
        let written = written.and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(io("write", &path))?;
        Ok(path)
    }

    /// Reads one back.
    ///
    /// # Errors
    /// Where it cannot be read, or is no counterexample of this schema.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read(path).map_err(|source| Error::Io {
            doing: "read",
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&text).map_err(|because| Error::NotOne {
            path: path.to_path_buf(),
            because,
        })
    }

    /// Reads one from JSON; else a sentence without its subject.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: Option<u64>,
        }
        let wrong = |error: serde_json::Error| match error.classify() {
            serde_json::error::Category::Eof => {
                "ends in the middle of a counterexample: it was cut off, so have it written again"
                    .to_string()
            }
            serde_json::error::Category::Syntax => {
                format!(
                    "is no JSON ({error}), and a counterexample is; name a file that `--counterexamples` wrote"
                )
            }
            _ => format!("is no counterexample of schema {SCHEMA}: {error}; have it written again"),
        };
        let head: Head = serde_json::from_slice(json).map_err(wrong)?;
        let Some(schema) = head.schema else {
            return Err(
                "is JSON and no counterexample: it has no `schema`; name a file that \
                        `--counterexamples` wrote"
                    .into(),
            );
        };
        match schema.cmp(&u64::from(SCHEMA)) {
            Ordering::Less => {
                return Err(format!(
                    "is a counterexample of the older schema {schema}, and this version reads {SCHEMA}: run its \
                     check again to have it written anew"
                ));
            }
            Ordering::Greater => {
                return Err(format!(
                    "is a counterexample of the newer schema {schema}, and this version reads {SCHEMA}: read it with \
                     the version of lightsout that wrote it, or a later one"
                ));
            }
            Ordering::Equal => {}
        }
        let read: Self = serde_json::from_slice(json).map_err(wrong)?;
        match read.longest() {
            ..=LONGEST => Ok(read),
            long => Err(format!(
                "says that a file is {long} long, and no counterexample has one longer than {LONGEST}: have it \
                 written again"
            )),
        }
    }

    fn longest(&self) -> usize {
        let changes = self
            .steps
            .iter()
            .flat_map(|step| [&step.cached, &step.durable]);
        let changed = changes.flat_map(|changes| changes.files.values());
        let len = changed.map(|changed| match changed {
            Changed::Directory => 0,
            Changed::Cells { len, .. } | Changed::Bytes { len, .. } => *len,
        });
        len.max().unwrap_or(0)
    }
}
