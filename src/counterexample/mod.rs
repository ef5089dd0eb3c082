//! A counterexample: the shortest way that was found to a broken promise, written down so that a person can read
//! it, and a program can run it again. One schema for models and for real code.
//!
//! ```text
//!   name, about         what it is of
//!   profile, needs      on which file system, and which of its rules it hangs on
//!   broken              the promise, what was promised, what is there
//!   script              enough to run it again: moves of a model, or lives of real code
//!   steps               what a reader sees: who did what, what the client was told, what became of each file
//! ```
//!
//! As JSON it is [`SCHEMA`] version 2. The fields here are the schema; a field that is not known, or a version that is
//! not this one, is refused with a sentence. Within one version fields are only added where they may be left out.
//!
//! - [`about`]: what something is, in full
//! - [`contents`]: the files at a step, and how they differ from the step before
//! - [`file`](mod@file): reading and writing
//! - [`record`]: steps as they happen, with the step that each lost effect comes from
//! - [`script`]: what is run again
//! - [`image`]: what a crash left, as real files
//! - [`mod@itf`]: as a trace for other tools
//! - [`minimal`]: fewer lost effects
//! - [`needs`]: the rules of a file system that it hangs on

pub mod about;
pub mod contents;
pub mod file;
pub mod image;
pub mod itf;
pub mod minimal;
pub mod needs;
mod promise;
pub mod record;
mod say;
pub mod script;

use contents::{Changes, Files};
pub use script::{After, Breach, Code, Life, Script, Trouble};

use models::machine::script::Move;
use models::profile::Profile;
use serde::{Deserialize, Serialize};

/// The version of the schema. A reader refuses any other.
pub const SCHEMA: u32 = 2;

/// A way to a broken promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// The version of the schema: [`SCHEMA`].
    pub schema: u32,
    /// The check, `lsm/as-found/log-synced`, or the subject whose code it is.
    pub name: String,
    /// What that is, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The finding that it proves or refutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// The file system.
    pub profile: Profile,
    /// The profiles that show a violation of this promise, where they were tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown_by: Vec<String>,
    /// The strongest of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strongest: Vec<String>,
    /// Rules of the file system that this script needs to be as they are: with any one of them stronger, it breaks
    /// nothing. As `R5 = no`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Barriers of which one is missing, or was left out, or would mend it, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barriers: Vec<String>,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What is broken.
    pub broken: Broken,
    /// Enough to run it again.
    pub script: Script,
    /// What a reader sees; the first is the start.
    pub steps: Vec<Step>,
}

/// A promise, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// `D1`.
    pub promise: String,
    /// `acknowledged writes survive`.
    pub name: String,
    /// The invariant, in one sentence.
    pub text: String,
    /// What was promised to this client.
    pub promised: String,
    /// What is there instead.
    pub there: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Of which kind it is.
    pub mark: Mark,
    /// It is part of a recovery.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recovery: bool,
    /// What happens.
    pub what: String,
    /// Where in the protocol or in the code, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What the client is told, or reads.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub client: String,
    /// What is buffered in the process after it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub buffered: String,
    /// How what is cached differs from the step before.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub cached: Changes,
    /// How what is durable does.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub durable: Changes,
    /// Of a power cut: what it did to each cached effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Fated>,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Where it begins.
    Start,
    /// The client asks for something.
    Asked,
    /// A change in the memory of the process.
    Memory,
    /// Something is put into the buffer of the process.
    Buffered,
    /// A storage call that changes something: it is cached from then on.
    Change,
    /// A barrier that completed.
    Barrier,
    /// A storage call, a barrier among them, that failed.
    Failed,
    /// The client is told Ok, and that it is durable.
    Acknowledged,
    /// The client is told Ok, and nothing is promised yet.
    Returned,
    /// The client is told of an error, or refused.
    Refused,
    /// The process is killed.
    Kill,
    /// The power is cut.
    PowerCut,
    /// A recovery ends, and serves.
    Served,
    /// The store does not open.
    Unopened,
}

/// A cached effect, and what a power cut did to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fated {
    /// What it is: `store/log [0] = r1.0`, `name store/1.sst`.
    pub what: String,
    /// Kept, lost, or either.
    pub fate: Fate,
    /// The step that made it.
    pub since: usize,
    /// The barrier that would have made it durable: `barrier of store/log`.
    pub barrier: String,
    /// A barrier that was to cover it failed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub doomed: bool,
}

/// What a power cut did to a cached effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is on the disk.
    Kept,
    /// It is not.
    Lost,
    /// Nothing that follows depends on it.
    Either,
}

/// A step with all files at it.
#[derive(Clone, Debug)]
pub struct Frame<'c> {
    /// Its number.
    pub number: usize,
    /// The step.
    pub step: &'c Step,
    /// What reads show.
    pub cached: Files,
    /// What is in every crash image.
    pub durable: Files,
}

impl Counterexample {
    /// Every step with all files at it.
    pub fn frames(&self) -> Vec<Frame<'_>> {
        let (mut cached, mut durable) = (Files::default(), Files::default());
        let steps = self.steps.iter().enumerate();
        let frame = |(number, step): (usize, &'_ Step)| {
            cached.apply(&step.cached);
            durable.apply(&step.durable);
            (number, cached.clone(), durable.clone())
        };
        let files: Vec<_> = steps.map(frame).collect();
        let frames = files.into_iter().zip(&self.steps);
        frames
            .map(|((number, cached, durable), step)| Frame {
                number,
                step,
                cached,
                durable,
            })
            .collect()
    }

    /// The moves of a model's script; of real code there are none.
    pub fn moves(&self) -> &[Move] {
        match &self.script {
            Script::Model { moves } => moves,
            Script::Code(_) => &[],
        }
    }

    /// How real code breaks its contract; of a model there is none.
    pub fn breach(&self) -> Option<Breach> {
        match &self.script {
            Script::Code(code) => Some(code.breach),
            Script::Model { .. } => None,
        }
    }

    /// The script in words, one line a step.
    pub fn in_words(&self) -> Vec<String> {
        let steps = self.steps.iter().skip(1);
        steps
            .map(|step| format!("{}{}", step.who(), step.what))
            .collect()
    }

    /// Its name as that of a file, without an extension: `lsm-as-found-log-synced`.
    pub fn file_name(&self) -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        };
        let name: String = self.name.chars().map(plain).collect();
        match self.script {
            Script::Model { .. } => name,
            Script::Code(_) => format!(
                "{name}-{}-{}",
                self.profile.name,
                self.broken.promise.to_lowercase()
            ),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
