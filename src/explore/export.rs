//! A counterexample as a test to paste: it explores what the client asked for, so it fails as long as any crash there
//! breaks the promise, and passes once the code is mended.

use super::bounds::{Bounds, Workload};
use super::check::Explorer;
use super::contract::{Event, LogWrite, MapWrite, Operation};
use super::engines::OnFiles;
use super::report::Verdict;
use super::subject::OperationOf;
use crate::counterexample::{After, Breach, Code, Counterexample, Script};
use crate::storage::simulated::{BLOCK_BYTES, SECTOR_BYTES};
use models::profile::{NAMES, Profile};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::{Debug, Write};

/// What a test explores.
#[derive(Clone, Debug)]
pub struct Exported {
    /// What the client asks for before a crash, as JSON.
    pub operations: Vec<Value>,
    /// What it asks for after a recovery, as JSON.
    pub then: Vec<Value>,
    /// Kills between two power cuts.
    pub kills: usize,
    /// Calls that go wrong.
    pub faults: usize,
    /// The store is there before.
    pub settled: bool,
    /// The breach that counts; none: each.
    pub breach: Option<Breach>,
    /// Sizes of sector and block are in bytes.
    pub profile: Profile,
}

impl Exported {
    /// Of a script of real code.
    pub fn of(found: &Counterexample, code: &Code) -> Self {
        let kills = code
            .lives
            .iter()
            .filter(|life| life.after == Some(After::Kill));
        let faults = code.lives.iter().filter(|life| life.trouble.is_some());
        Self {
            operations: code.operations.clone(),
            then: code.then.clone(),
            kills: kills.count(),
            faults: faults.count(),
            settled: code.settled,
            breach: Some(code.breach),
            profile: found.profile.clone(),
        }
    }

    fn bounds(&self) -> Bounds {
        let bounds = Bounds::default();
        Bounds {
            kills: self.kills,
            faults: self.faults,
            settled: self.settled,
            converges: self.breach == Some(Breach::Diverged),
            judged: self
                .breach
                .map_or(bounds.judged.clone(), |breach| vec![breach]),
            ..bounds
        }
    }

    /// The test of an engine of ours; it is explored first, for what does not fail is no test of anything.
    ///
    /// # Errors
    /// Where it would not fail today: a sentence.
    pub fn test<S: OnFiles + Debug>(
        &self,
        found: &Counterexample,
        subject: &S,
    ) -> Result<String, String> {
        let read = |operations: &[Value]| {
            let read = |operation: &Value| serde_json::from_value(operation.clone());
            let read: Result<Vec<OperationOf<S>>, _> = operations.iter().map(read).collect();
            read.map_err(|error| format!("its client asks for something else: {error}"))
        };
        let workload = Workload {
            operations: read(&self.operations)?,
            then: read(&self.then)?,
        };
        let explore = |exported: &Self| {
            let explorer = Explorer::new(subject).on_profile(exported.profile.clone());
            let explored = explorer
                .within(exported.bounds())
                .explore_workload(&workload);
            explored.report.verdict
        };
        // Small sectors tear much, and the test of what is mended explores all of it: those of real disks, if they do.
        let profile = self.profile.clone().with_sizes(SECTOR_BYTES, BLOCK_BYTES);
        let real = Self {
            profile,
            ..self.clone()
        };
        if let Verdict::Violates { .. } = explore(&real) {
            return Ok(real.source(found, &subject.source(), S::USES));
        }
        match explore(self) {
            Verdict::Violates { .. } => Ok(self.source(found, &subject.source(), S::USES)),
            verdict => Err(format!(
                "the real engine, explored with the same operations, {verdict}: a test of it would not fail"
            )),
        }
    }

    /// The test, of a subject that is this expression.
    pub fn source(&self, found: &Counterexample, subject: &str, uses: &[&str]) -> String {
        let operations = list(&self.operations);
        let then = list(&self.then);
        let all = operations.clone() + &then;
        let mut explore = vec!["Bounds"];
        explore.extend(self.breach.map(|_| "Breach"));
        let words = [
            "Event",
            "Explorer",
            "LogWrite",
            "MapWrite",
            "Operation",
            "Profile",
            "Workload",
        ];
        let mut text = String::new();
        for line in self.about(found) {
            let _ = writeln!(text, "/// {line}");
        }
        let _ = writeln!(text, "#[test]\nfn {}() {{", name(found));
        let (sizes, profile) = self.profile();
        let used = |word: &&&str| {
            all.contains(**word)
                || ["Explorer", "Workload"].contains(*word)
                || (**word == "Profile" && !sizes.is_empty())
        };
        explore.extend(words.iter().filter(used));
        let _ = writeln!(
            text,
            "    use lightsout::explore::{{{}}};",
            sorted(explore).join(", ")
        );
        for path in uses {
            let _ = writeln!(text, "    use {path};");
        }
        let _ = writeln!(text, "    let subject = {subject};");
        text.push_str(&sizes);
        let _ = writeln!(
            text,
            "    let workload = Workload {{\n        operations: {operations},\n        then: {then},\n    }};"
        );
        let _ = writeln!(text, "    let bounds = Bounds {{");
        let _ = writeln!(text, "        settled: {},", self.settled);
        let _ = writeln!(text, "        kills: {},", self.kills);
        let _ = writeln!(text, "        faults: {},", self.faults);
        if let Some(breach) = self.breach {
            let _ = writeln!(text, "        judged: vec![Breach::{breach:?}],");
            let _ = writeln!(text, "        converges: {},", breach == Breach::Diverged);
        }
        let _ = writeln!(text, "        ..Bounds::default()\n    }};");
        let _ = writeln!(
            text,
            "    Explorer::new(&subject)\n        .{profile}\n        .within(bounds)\n        .check_workload(&workload);\n}}"
        );
        text
    }

    fn about(&self, found: &Counterexample) -> Vec<String> {
        let mut lines = vec![format!(
            "{}: on {} it broke {}, {}.",
            found.name, found.profile.name, found.broken.promise, found.broken.name
        )];
        lines.push(format!(
            "Promised: {}. There: {}.",
            found.broken.promised, found.broken.there
        ));
        lines.extend(found.why());
        let wrapped = lines.iter().flat_map(|line| textwrap::wrap(line, 100));
        wrapped.map(|line| line.into_owned()).collect()
    }

    /// How the file system is made, and how the explorer is told of it.
    fn profile(&self) -> (String, String) {
        let name = &self.profile.name;
        let plain = Profile::named(name).map(|named| named.with_sizes(SECTOR_BYTES, BLOCK_BYTES));
        match NAMES.contains(&&name[..]) {
            true if plain.as_ref() == Some(&self.profile) => {
                (String::new(), format!("on(\"{name}\")"))
            }
            true => {
                let (sector, block) = (self.profile.sector, self.profile.block);
                let made = format!(
                    "    let profile = Profile::named(\"{name}\").expect(\"a profile\").with_sizes({sector}, {block});\n"
                );
                (made, "on_profile(profile)".into())
            }
            false => {
                let json = serde_json::to_string(&self.profile).unwrap_or_default();
                let made = format!(
                    "    let profile: Profile = serde_json::from_str(r#\"{json}\"#).expect(\"a profile\");\n"
                );
                (made, "on_profile(profile)".into())
            }
        }
    }
}

/// The test of a counterexample of code that is not ours: its subject is to be put in.
pub fn test_of(found: &Counterexample) -> Option<String> {
    let Script::Code(code) = &found.script else {
        return None;
    };
    let subject = format!(
        "{} /* your subject, as the exploration had it */",
        found.name
    );
    Some(Exported::of(found, code).source(found, &subject, &[]))
}

/// A name for the test: `lsm_as_found_log_synced_breaks_d1`.
fn name(found: &Counterexample) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let name: String = found.name.chars().map(plain).collect();
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    format!("{name}_keeps_{}", found.broken.promise.to_lowercase())
}

fn sorted(mut words: Vec<&str>) -> Vec<&str> {
    words.sort_unstable();
    words
}

fn list(operations: &[Value]) -> String {
    if operations.is_empty() {
        return "vec![]".into();
    }
    let lines = operations
        .iter()
        .map(|operation| format!("            {},\n", rust(operation)));
    format!("vec![\n{}        ]", lines.collect::<String>())
}

/// An operation as a program has it; of a contract that is not ready, from its JSON.
fn rust(operation: &Value) -> String {
    let map = read::<MapWrite>(operation).map(|asked| source(&asked, map_write));
    let log = || read::<LogWrite>(operation).map(|asked| source(&asked, log_write));
    let streams = || read::<Event>(operation).map(|asked| source(&asked, event));
    map.or_else(log).or_else(streams).unwrap_or_else(|| {
        format!("serde_json::from_str(r#\"{operation}\"#).expect(\"an operation\")")
    })
}

fn read<W: DeserializeOwned>(operation: &Value) -> Option<Operation<W>> {
    serde_json::from_value(operation.clone()).ok()
}

fn source<W>(operation: &Operation<W>, write: impl Fn(&W) -> String) -> String {
    match operation {
        Operation::Write(writes) => {
            let writes: Vec<String> = writes.iter().map(write).collect();
            format!("Operation::Write(vec![{}])", writes.join(", "))
        }
        Operation::Sync => "Operation::Sync".into(),
        Operation::Reopen => "Operation::Reopen".into(),
        Operation::Maintain(name) => format!("Operation::maintain({name:?})"),
    }
}

fn map_write(write: &MapWrite) -> String {
    match write {
        MapWrite::Put(key, value) => format!("MapWrite::put({}, {})", bytes(key), bytes(value)),
        MapWrite::Delete(key) => format!("MapWrite::delete({})", bytes(key)),
    }
}

fn log_write(write: &LogWrite) -> String {
    match write {
        LogWrite::Append(entry) => format!("LogWrite::Append({}.to_vec())", bytes(entry)),
        LogWrite::Truncate(count) => format!("LogWrite::Truncate({count})"),
    }
}

fn event(event: &Event) -> String {
    format!(
        "Event {{ stream: {:?}.into(), data: {:?}.into() }}",
        event.stream, event.data
    )
}

fn bytes(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}
