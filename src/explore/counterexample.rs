//! A counterexample of real code: what the client did, what the storage was asked, where the lights went
//! out and what they took, and what a recovery then showed. It says enough to run it again.

use super::bounds::{Crash, Trouble};
use super::contract::{Contract, Operation, Told};
use super::history::{Breach, History};
use super::life::{self, Notes};
use super::point::{Found, Lived};
use super::search::Search;
use super::subject::{Failure, OperationOf, StateOf, Subject, WriteOf};
use super::trace;
use crate::storage::simulated::{Fault, Plant, Point, Simulated};
use models::disk::lazy::{Choices, Lazy};
use models::profile::Profile;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// The version of the JSON schema. A reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// A way to a breach of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample<W> {
    /// The version of the schema: [`SCHEMA`].
    pub schema: u32,
    /// Which subject, in words.
    pub subject: String,
    /// The file system.
    pub profile: Profile,
    /// What is wrong.
    pub breach: Breach,
    /// The id of the promise that is broken.
    pub promise: String,
    /// What is wrong, in a sentence.
    pub says: String,
    /// The store is made, and that is durable, before anything happens.
    #[serde(default)]
    pub settled: bool,
    /// What the client asks for before the first crash.
    pub operations: Vec<Operation<W>>,
    /// What it asks for after a recovery, in a life that works.
    pub then: Vec<Operation<W>>,
    /// The lives, the first one first.
    pub lives: Vec<Life>,
    /// What a reader sees.
    pub steps: Vec<Step>,
}

/// One life: from a start of the process to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Life {
    /// What ended the life before.
    pub after: Option<Crash>,
    /// What the disk chose where it was asked what the power cuts before did.
    pub choices: Vec<usize>,
    /// What goes wrong, and with which call, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<(usize, Trouble)>,
    /// How many operations the client asks for.
    pub operations: usize,
    /// After how many changing calls the process dies; none: it lives to serve.
    pub calls: Option<usize>,
}

/// One step, as a reader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What happens.
    pub what: String,
    /// What the client is told, or reads.
    pub client: String,
    /// What a crash took.
    pub lost: Vec<String>,
    /// What it left of what was only cached.
    pub kept: Vec<String>,
}

impl<W: Clone + Serialize + for<'de> Deserialize<'de>> Counterexample<W> {
    /// Writes it down as JSON, for a file of this name under `directory`, and says where.
    pub fn save(&self, directory: &Path, name: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        fs::write(&path, text + "\n")?;
        Ok(path)
    }

    /// Reads one back.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let refused = |why: String| {
            let text = format!(
                "{} is no counterexample that this version reads: {why}",
                path.display()
            );
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
        }
        let head: Head = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
        if head.schema != SCHEMA {
            return Err(refused(format!(
                "its schema is {}, and not {SCHEMA}",
                head.schema
            )));
        }
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
    }
}

impl<W> fmt::Display for Counterexample<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} on {}: {} ({})",
            self.subject, self.profile.name, self.breach, self.promise
        )?;
        writeln!(f, "  {}\n", self.says)?;
        for (number, step) in self.steps.iter().enumerate() {
            let told = match step.client.is_empty() {
                true => String::new(),
                false => format!("  -> {}", step.client),
            };
            writeln!(f, "  {number:>3}  {}{told}", step.what)?;
            for (word, list) in [("lost", &step.lost), ("kept", &step.kept)] {
                for item in list {
                    writeln!(f, "         {word}: {item}")?;
                }
            }
        }
        Ok(())
    }
}

/// Writes down what was found, by running it again.
pub(super) fn of<S: Subject>(
    search: &Search<'_, S>,
    operations: &[OperationOf<S>],
    found: &Found,
) -> Counterexample<WriteOf<S>> {
    let mut lives = vec![Life {
        calls: None,
        ..Life::of(&found.last)
    }];
    let mut trail = Some(&found.trail);
    while let Some(life) = trail {
        lives.push(Life::of(&life.life));
        trail = life.before.as_ref();
    }
    lives.reverse();
    let mut counterexample = Counterexample {
        schema: SCHEMA,
        subject: search.subject.name(),
        profile: (*search.profile).clone(),
        breach: found.breach,
        promise: found.promise.into(),
        says: found.says.clone(),
        settled: search.bounds.settled,
        operations: operations.to_vec(),
        then: search.then.to_vec(),
        lives,
        steps: Vec::new(),
    };
    counterexample.steps = replay_planted(search.subject, &counterexample, search.plant).steps;
    counterexample
}

impl Life {
    fn of(life: &Lived) -> Self {
        Self {
            after: life.after,
            choices: life.choices.clone(),
            trouble: life.trouble,
            operations: life.operations,
            calls: Some(life.calls),
        }
    }
}

/// What running a counterexample again came to.
#[derive(Debug)]
pub struct Replayed<S> {
    /// What happened.
    pub steps: Vec<Step>,
    /// What the last recovery showed, or why it showed nothing.
    pub shown: Result<S, String>,
}

/// Runs a counterexample again.
pub fn replay<S: Subject>(
    subject: &S,
    counterexample: &Counterexample<WriteOf<S>>,
) -> Replayed<StateOf<S>> {
    replay_planted(subject, counterexample, Plant::nothing())
}

fn replay_planted<S: Subject>(
    subject: &S,
    counterexample: &Counterexample<WriteOf<S>>,
    plant: &Plant,
) -> Replayed<StateOf<S>> {
    let profile = Arc::new(counterexample.profile.clone());
    let mut notes = Written::<S::Contract> {
        steps: Vec::new(),
        recovers: false,
        contract: std::marker::PhantomData,
    };
    let mut disk = Lazy::from(models::disk::Disk::default());
    let mut shown = Err("it has no lives".to_string());
    for life in &counterexample.lives {
        let cut = match life.after {
            Some(Crash::PowerCut) => {
                notes.say("POWER CUT".into(), String::new());
                let before = disk.clone();
                disk = disk.power_cut(&profile);
                Some((notes.steps.len() - 1, before))
            }
            Some(Crash::Kill) => {
                notes.say("KILL".into(), String::new());
                None
            }
            None => None,
        };
        notes.recovers = life.after.is_some();
        let storage = Simulated::lazily(disk.clone(), profile.clone(), Choices::of(&life.choices));
        storage.plant(plant);
        if let Some((call, trouble)) = life.trouble {
            storage.plan(Point::Call(call), trouble.fault());
        }
        if let Some(calls) = life.calls {
            storage.plan(Point::Call(calls), Fault::Die);
        }
        let opened = life::open(subject, &storage);
        if life.after.is_none() && counterexample.settled {
            storage.settle();
            storage.take_trace();
        }
        notes.calls(&storage);
        shown = match opened {
            Ok((store, state)) => {
                notes.say(
                    "recovery ends".into(),
                    format!("reads {}", facts::<S::Contract>(&state)),
                );
                let operations = match life.after {
                    None => &counterexample.operations,
                    Some(_) => &counterexample.then,
                };
                notes.recovers = false;
                let operations = &operations[..life.operations.min(operations.len())];
                let mut history = History::after(vec![state.clone()]);
                // How it went, the notes say.
                let _ = life::work(
                    subject,
                    &storage,
                    store,
                    operations,
                    &mut history,
                    &mut notes,
                    true,
                );
                Ok(state)
            }
            Err(why) if !storage.is_dead() => {
                notes.say(
                    "recovery ends".into(),
                    format!("the store does not open: {why}"),
                );
                Err(why)
            }
            Err(why) => Err(why),
        };
        disk = storage.lazy();
        if let Some((step, before)) = cut {
            let (lost, kept) = trace::fates(&before, &disk);
            (notes.steps[step].lost, notes.steps[step].kept) = (lost, kept);
        }
    }
    Replayed {
        steps: notes.steps,
        shown,
    }
}

fn facts<C: Contract>(state: &C::State) -> String {
    let facts = C::facts(state);
    match facts.is_empty() {
        true => "nothing".into(),
        false => {
            let said: Vec<String> = facts
                .iter()
                .map(|(place, fact)| format!("{place}: {fact}"))
                .collect();
            said.join(", ")
        }
    }
}

struct Written<C> {
    steps: Vec<Step>,
    recovers: bool,
    contract: std::marker::PhantomData<C>,
}

impl<C> Written<C> {
    fn say(&mut self, what: String, client: String) {
        self.steps.push(Step {
            what,
            client,
            ..Step::default()
        });
    }

    fn calls(&mut self, storage: &Simulated) {
        for traced in storage.take_trace() {
            let said = trace::say(&traced);
            let what = match self.recovers {
                true => format!("recovery: {said}"),
                false => said,
            };
            self.say(what, String::new());
        }
    }
}

impl<C: Contract> Notes<C> for Written<C> {
    fn asked(&mut self, operation: &Operation<C::Write>, _: &Simulated, _: &History<C>) {
        self.say(format!("client: {}", operation.say::<C>()), String::new());
    }

    fn worked(&mut self, storage: &Simulated, _: &History<C>) {
        self.calls(storage);
    }

    fn answered(
        &mut self,
        operation: &Operation<C::Write>,
        answer: &Result<Told, Failure>,
        _: &Simulated,
        _: &History<C>,
    ) {
        let client = match answer {
            Ok(Told::Durable) => "Ok, durable".into(),
            Ok(Told::Returned) => "Ok, not yet durable".into(),
            Err(why) => format!("error: {why}"),
        };
        self.say(format!("{} returns", operation.say::<C>()), client);
    }

    fn reopened(&mut self, state: &C::State) {
        self.say(
            "it is open again".into(),
            format!("reads {}", facts::<C>(state)),
        );
    }
}
