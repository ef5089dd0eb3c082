//! Model and engine side by side: the engine's calls are the model's next steps, or they diverge.

use super::dictionary::{Dictionary, lsn_of};
use super::matching::{call_of, in_bytes, in_words, matching, model_image};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script, Sync};
use crate::engine::wal::{AsFoundOptions, Log, Lsn, Options, SyncMode, TornTail};
use crate::engine::{self};
use crate::storage::simulated::{Outcome, Simulated, Traced};
use models::contract::{Event, OpId, Operation, Oracle, Promise, Terms, Value};
use models::disk::Disk;
use models::disk::image::Fates;
use models::machine::process::{Doing, Ground, Process};
use models::profile::Profile;
use models::protocol::Step;
use models::wal::memory::Change;
use models::wal::record::Token;
use models::wal::{Layout, SyncMode as ModelSync, Variant, Wal, as_found};
use std::num::NonZeroU32;
use std::path::Path;

/// Where the engine's store is.
const STORE: &str = "/store";

/// Stands among the calls for the end of an operation or a recovery.
pub const ANSWER: &str = "the client is answered";
/// Stands among the calls for the one at which the process died.
pub const DEATH: &str = "the process dies";

/// The two of them.
pub(super) struct Lockstep<'s> {
    script: &'s Script,
    discipline: Discipline,
    pub(super) engine: Simulated,
    pub(super) log: Option<Log<Simulated>>,
    ground: Ground<Wal>,
    pub(super) disk: Disk<Token>,
    process: Process<Wal>,
    dictionary: Dictionary,
    oracle: Oracle,
    terms: Terms,
    /// Whether the last crash was a power cut.
    power_was_cut: bool,
    /// The calls so far, in words.
    pub(super) calls: Vec<String>,
}

impl<'s> Lockstep<'s> {
    pub(super) fn new(script: &'s Script) -> Result<Self, Divergence> {
        let profile = Profile::named(&script.profile).ok_or_else(|| {
            Divergence::new(Kind::NotModelled, "a profile", script.profile.clone())
        })?;
        let bytes = profile
            .clone()
            .with_sizes(script.sector_bytes, script.block_bytes);
        let (sector, block) = (
            script.sector_bytes / CELL_BYTES,
            script.block_bytes / CELL_BYTES,
        );
        let variant = match script.discipline {
            Discipline::Durable => Variant::Durable,
            Discipline::AsFound {
                split_flush,
                tail_left,
            } => Variant::AsFoundLsm(as_found::Assumed {
                split_flush,
                tail_left,
            }),
        };
        let (sync, every) = match script.sync {
            Sync::Every => (ModelSync::Every, None),
            Sync::EveryN(n) => (ModelSync::EveryN(n), Some(n)),
            Sync::Never => (ModelSync::Never, None),
        };
        let layout = Layout::Sized(script.cells().into());
        let ground = Ground {
            protocol: Wal {
                variant,
                sync,
                layout,
            },
            profile: profile.with_sizes(sector, block),
            without: None,
            guarded: false,
            forget: false,
        };
        let disk = Disk::default();
        let judged = match script.discipline {
            Discipline::Durable => Promise::CONTRACT.to_vec(),
            Discipline::AsFound { .. } => Vec::new(),
        };
        Ok(Self {
            process: ground.recover(disk.view()),
            script,
            discipline: script.discipline,
            engine: Simulated::new(bytes),
            log: None,
            ground,
            disk,
            dictionary: Dictionary::new(script.is_as_found()),
            oracle: Oracle::default(),
            power_was_cut: false,
            calls: Vec::new(),
            terms: Terms {
                judged,
                every,
                kills_only: false,
            },
        })
    }

    /// Opens the store on both, and compares what they recover.
    pub(super) fn open(&mut self) -> Result<(), Divergence> {
        let opened = Log::open(self.engine.clone(), Path::new(STORE), self.options());
        self.follow()?;
        match opened {
            Ok(log) => {
                self.log = Some(log);
                self.answer(Ok(None))?;
                self.compare_records()?;
            }
            Err(_) if self.engine.is_dead() => {}
            Err(error) => self.answer(Err(error.to_string()))?,
        }
        self.compare_files()
    }

    /// The client asks for something, if there is a store to ask.
    pub(super) fn ask(&mut self, id: OpId, operation: &Operation) -> Result<(), Divergence> {
        if self.engine.is_dead() || self.process.doing != Doing::Idle {
            return Ok(());
        }
        let Some(mut log) = self.log.take() else {
            return Ok(());
        };
        self.process = self.ground.invoke(&self.process, id, operation);
        self.note(&[Event::Invoked(id, operation.clone())])?;
        self.learn()?;
        let writes = self.script.writes(id);
        let (answer, log) = match operation {
            Operation::Write(_) if writes.len() == 1 => {
                (log.append(&writes[0]).map(Some), Some(log))
            }
            Operation::Write(_) => (log.append_batch(&writes).map(Some), Some(log)),
            Operation::Sync | Operation::Flush | Operation::Compact => {
                (log.sync().map(|()| None), Some(log))
            }
            Operation::Close => (log.close().map(|()| None), None),
        };
        self.log = log;
        self.follow()?;
        if !self.engine.is_dead() {
            self.answer(answer.map_err(|error| error.to_string()))?;
        }
        self.compare_files()?;
        if matches!(self.process.steps.first(), Some(Step::Reopen)) {
            self.take()?;
            self.open()?;
        }
        Ok(())
    }

    /// The process is killed, on both.
    pub(super) fn kill(&mut self) -> Result<(), Divergence> {
        self.power_was_cut = false;
        self.note_death();
        self.log = None;
        self.engine.kill();
        self.process = self.ground.recover(self.disk.view());
        self.note(&[Event::Kill])
    }

    fn note_death(&mut self) {
        if self.engine.is_dead() {
            self.calls.push(DEATH.into());
        }
    }

    /// The power is cut: the engine's disk chooses, and the model's must be able to follow.
    pub(super) fn power_cut(&mut self, fates: &Fates) -> Result<(), Divergence> {
        self.power_was_cut = true;
        self.note_death();
        self.log = None;
        let before = self.engine.disk();
        let effects = before.log().len();
        let kept: Vec<usize> = fates
            .kept
            .iter()
            .copied()
            .filter(|&i| i < effects)
            .collect();
        self.engine.power_cut(fates);
        let image = self.engine.disk();
        let found = model_image(
            &self.disk,
            &self.ground.profile,
            &kept,
            image.view(),
            &self.dictionary,
        );
        self.disk = found.ok_or_else(|| {
            Divergence::new(
                Kind::NoSuchImage,
                "one of its crash images",
                describe(image.view().paths()),
            )
        })?;
        self.process = self.ground.recover(self.disk.view());
        let after = self.ground.served(self.disk.view());
        self.note(&[Event::PowerCut { after }])
    }

    /// What the log as found reads into records that a power cut tore is not modelled to the byte.
    pub(super) fn is_modelled(&self) -> bool {
        let torn = self.power_was_cut && self.process.odd;
        !(self.script.is_as_found() && (torn || !self.process.memory.invented.is_empty()))
    }

    /// All that is cached becomes durable, on both: where a check starts.
    pub(super) fn settle(&mut self) {
        self.engine.settle();
        self.disk = self.disk.settled();
        self.oracle = Oracle::default();
    }

    /// How many calls on the disk the first so many steps of an operation make.
    pub(super) fn calls_within(&self, id: OpId, operation: &Operation, steps: usize) -> usize {
        let process = self.ground.invoke(&self.process, id, operation);
        let taken = process
            .steps
            .iter()
            .filter(|step| !matches!(step, Step::Change(_)))
            .take(steps);
        taken
            .filter(|step| matches!(step, Step::Call { .. } | Step::Flush { .. }))
            .count()
    }

    /// The same with another of the engine's protocols.
    pub(super) fn with_engine(self, discipline: Discipline) -> Self {
        Self { discipline, ..self }
    }

    fn options(&self) -> Options {
        let sync = match self.script.sync {
            Sync::Every => SyncMode::EveryWrite,
            Sync::EveryN(n) => SyncMode::EveryN(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)),
            Sync::Never => SyncMode::Never,
        };
        match self.discipline {
            Discipline::Durable => Options {
                sync,
                ..Options::default()
            },
            Discipline::AsFound {
                split_flush,
                tail_left,
            } => Options {
                sync,
                discipline: engine::Discipline::AsFound,
                as_found: AsFoundOptions {
                    torn_tail: if tail_left {
                        TornTail::Leave
                    } else {
                        TornTail::Cut
                    },
                    split_flush,
                },
            },
        }
    }

    /// Takes in the record that the operation writes.
    fn learn(&mut self) -> Result<(), Divergence> {
        let appended = self.process.steps.iter().find_map(|step| match step {
            Step::Change(Change::Appended(record)) => Some(record.clone()),
            _ => None,
        });
        let Some(record) = appended else {
            return Ok(());
        };
        let previous = self.process.memory.records.last();
        let writes = self.script.writes(record.op);
        let learned = self.dictionary.learn(&record, previous, &writes);
        learned.map_err(|error| Divergence::new(Kind::NotModelled, "a record", error))
    }

    /// The engine's calls since are the model's next steps.
    fn follow(&mut self) -> Result<(), Divergence> {
        for Traced { call, outcome } in self.engine.take_trace() {
            while matches!(self.process.steps.first(), Some(Step::Buffer { .. })) {
                self.take()?;
            }
            self.calls.push(in_words(&call));
            let (steps, buffer) = (&self.process.steps, &self.process.buffer);
            let next = matching(steps, buffer, &call, &self.dictionary)?;
            let step = self.process.steps.remove(next);
            self.process.steps.insert(0, step);
            match outcome {
                Outcome::Done => self.take()?,
                Outcome::BarrierFailed(failure) => {
                    let failed = self.ground.fail(&self.process, &self.disk, failure);
                    let (process, disk, events) = failed.ok_or_else(|| {
                        Divergence::new(Kind::OtherCall, "no barrier", in_words(&call))
                    })?;
                    (self.process, self.disk) = (process, disk);
                    self.note(&events)?;
                }
                Outcome::Failed { .. } if self.disk.is_aborted() => self.take()?,
                Outcome::Failed { kind, .. } => {
                    return Err(Divergence::new(Kind::NotModelled, "", kind.to_string()));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), Divergence> {
        let (process, disk, events) = self.ground.step(&self.process, &self.disk);
        (self.process, self.disk) = (process, disk);
        self.note(&events)
    }

    fn note(&mut self, events: &[Event]) -> Result<(), Divergence> {
        for event in events {
            if let Some(promise) = self.oracle.observe(event, &self.terms).breach {
                let found = format!("{event:?}");
                return Err(Divergence::new(Kind::Breach(promise), "no breach", found));
            }
        }
        Ok(())
    }

    /// What the engine told its client is what the model's next step says.
    fn answer(&mut self, answer: Result<Option<Lsn>, String>) -> Result<(), Divergence> {
        while matches!(self.process.steps.first(), Some(Step::Buffer { .. })) {
            self.take()?;
        }
        if self.process.doing == Doing::Down && answer.is_err() {
            return Ok(());
        }
        self.calls.push(ANSWER.into());
        let Some(step) = self.process.steps.first().cloned() else {
            return Err(Divergence::new(
                Kind::OtherAnswer,
                "nothing",
                format!("{answer:?}"),
            ));
        };
        if let Some(call) = call_of(&step, &self.process.buffer) {
            let expected = in_words(&in_bytes(&call, &self.dictionary));
            return Err(Divergence::new(
                Kind::MissingCall,
                expected,
                format!("{answer:?}"),
            ));
        }
        let alike = match (&step, &answer) {
            (
                Step::Return {
                    identity: Some(told),
                    ..
                },
                Ok(Some(lsn)),
            ) => *told == (u64::from(lsn.generation) << 40 | lsn.index),
            (Step::Return { identity: None, .. } | Step::Serve, Ok(_)) => true,
            (Step::Fail | Step::Refuse | Step::OpenFails, Err(_)) => true,
            _ => false,
        };
        match alike {
            true => self.take(),
            false => {
                let (expected, found) = (step.site(), format!("{answer:?}"));
                Err(Divergence::new(Kind::OtherAnswer, expected, found))
            }
        }
    }

    fn compare_files(&self) -> Result<(), Divergence> {
        let disk = self.engine.disk();
        let (model, engine) = (self.dictionary.files(self.disk.view()), disk.view().paths());
        let alike = model.len() == engine.len()
            && model
                .iter()
                .zip(&engine)
                .all(|((path, have), (other, want))| path == other && have.as_deref() == *want);
        let model = model
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.as_deref()))
            .collect();
        match alike {
            true => Ok(()),
            false => Err(Divergence::new(
                Kind::OtherContents,
                describe(model),
                describe(engine),
            )),
        }
    }

    /// Both serve the same records, or where there are no LSNs the same values.
    fn compare_records(&self) -> Result<(), Divergence> {
        let Some(log) = &self.log else { return Ok(()) };
        let found: Result<Vec<_>, _> = log.records().collect();
        let found = found.map_err(|error| {
            Divergence::new(
                Kind::OtherRecovery,
                "records that can be read",
                error.to_string(),
            )
        })?;
        let memory = &self.process.memory;
        let alike = if self.script.is_as_found() {
            let view = memory.view();
            (0..self.script.key_count() as u8).all(|key| {
                let name = self.script.key_bytes(key);
                let last = found.iter().flat_map(|record| &record.writes).rev().find_map(|write| match write {
                    engine::wal::Write::Put { key, value } if *key == name => Some(value.clone()),
                    _ => None,
                });
                match view.value(key) {
                    Value::Invented => true,
                    Value::Absent => last.is_none(),
                    Value::Of(op) => self.script.writes(op).iter().any(|write| {
                        matches!(write, engine::wal::Write::Put { value, .. } if Some(value) == last.as_ref())
                    }),
                }
            })
        } else {
            memory.records.len() == found.len()
                && memory.records.iter().zip(&found).all(|(model, engine)| {
                    lsn_of(model) == engine.lsn && self.script.writes(model.op) == engine.writes
                })
        };
        let model: Vec<_> = memory.records.iter().map(|r| (lsn_of(r), r.op)).collect();
        let lsns: Vec<Lsn> = found.iter().map(|record| record.lsn).collect();
        match alike {
            true => Ok(()),
            false => Err(Divergence::new(
                Kind::OtherRecovery,
                format!("{model:?}"),
                format!("{lsns:?}"),
            )),
        }
    }
}

fn describe(files: Vec<(String, Option<&[u8]>)>) -> String {
    let one = |(path, bytes): (String, Option<&[u8]>)| match bytes {
        Some(bytes) => format!(
            "{path}: {} bytes, crc {:08x}",
            bytes.len(),
            crc32fast::hash(bytes)
        ),
        None => format!("{path}/"),
    };
    files.into_iter().map(one).collect::<Vec<_>>().join("; ")
}
