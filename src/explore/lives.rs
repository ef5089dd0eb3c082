//! The lives of a counterexample, run one after the other: each recovery is held against what the client was told,
//! as the search does it.

use super::bounds::Crash;
use super::concrete;
use super::contract::{Contract, Operation, Told};
use super::history::History;
use super::life::{self, Ended, Notes};
use super::subject::{Failure, OperationOf, StateOf, Subject};
use crate::counterexample::{After, Breach, Code, Life};
use crate::storage::simulated::{Fault, Plant, Point, Simulated};
use models::disk::lazy::{Choices, Lazy};
use models::disk::{Disk, image::Fates};
use models::profile::Profile;
use std::sync::Arc;

/// What is run.
pub(super) struct Lives<'r, S: Subject> {
    pub(super) subject: &'r S,
    pub(super) profile: Arc<Profile>,
    pub(super) plant: &'r Plant,
    pub(super) operations: &'r [OperationOf<S>],
    pub(super) then: &'r [OperationOf<S>],
    pub(super) code: &'r Code,
    /// The power cuts of a run that this one is to be like, for what is read in lost space.
    pub(super) guide: &'r [Cut],
}

/// What it came to.
pub(super) struct Ran<S: Subject> {
    /// How the last recovery breaks the contract, by its promise, in a sentence.
    pub(super) breach: Option<(Breach, &'static str, String)>,
    /// What the client was promised, and what is there.
    pub(super) promised: (String, String),
    /// What the last recovery showed, or why it showed nothing.
    pub(super) shown: Result<StateOf<S>, String>,
    /// The power cuts.
    pub(super) cuts: Vec<Cut>,
    /// What the last crash left.
    pub(super) left: Option<Disk<u8>>,
}

/// A power cut.
#[derive(Clone)]
pub(super) struct Cut {
    /// The disk that it struck.
    pub(super) before: Lazy<u8>,
    /// What of it was kept, as far as anybody found out: each effect.
    pub(super) fates: Vec<Option<bool>>,
    /// What of it was kept, and what lost space reads, where that is decided at once.
    pub(super) did: Fates,
    /// The disks of the life that followed, for what was read in lost space.
    pub(super) seen: Vec<Disk<u8>>,
}

/// What is to be written down along the lives.
pub(super) trait Diary<C: Contract>: Notes<C> {
    /// A process starts. `crash`: what ended the one before.
    fn starts(&mut self, crash: Option<Crash>, before: &Simulated);
    /// The store is open: what it shows, or why it is not.
    fn opened(&mut self, storage: &Simulated, state: Result<&C::State, &str>, settled: bool);
}

impl<'r, S: Subject> Lives<'r, S> {
    /// To be like another run.
    pub(super) fn guided_by(self, guide: &'r [Cut]) -> Self {
        Self { guide, ..self }
    }

    /// Runs them.
    pub(super) fn run(&self, diary: &mut impl Diary<S::Contract>) -> Ran<S> {
        let mut ran = Ran {
            breach: None,
            promised: (String::new(), String::new()),
            shown: Err("it has no lives".into()),
            cuts: Vec::new(),
            left: None,
        };
        let mut history = History::after(vec![StateOf::<S>::default()]);
        let mut disk = Lazy::from(Disk::default());
        let (mut excused, mut converges) = (false, None);
        for life in &self.code.lives {
            let crash = match &life.after {
                Some(After::PowerCut(fates)) => {
                    disk = self.cut(&mut ran, disk, fates);
                    excused = false;
                    Some(Crash::PowerCut)
                }
                Some(After::Kill) => Some(Crash::Kill),
                None => None,
            };
            if crash.is_some() {
                ran.left = Some(disk.known().clone());
            }
            let storage = self.machine(&disk, life, life.calls);
            diary.starts(crash, &storage);
            excused |= life.trouble.is_some_and(|(_, trouble)| trouble.excuses());
            let may_fail = excused || life.trouble.is_some();
            let opened = life::open(self.subject, &storage);
            let settled = crash.is_none() && self.code.settled;
            if settled {
                storage.settle();
                storage.recorded();
            }
            match opened {
                Ok((store, state)) => {
                    diary.opened(&storage, Ok(&state), settled);
                    if crash.is_some() {
                        self.judge(&mut ran, &history, converges.as_ref(), &state);
                        history = History::after(vec![state.clone()]).remembering(&history);
                    }
                    converges = None;
                    let operations = match crash {
                        None => self.operations,
                        Some(_) => self.then,
                    };
                    let operations = &operations[..life.operations.min(operations.len())];
                    let worked = life::work(
                        self.subject,
                        &storage,
                        store,
                        operations,
                        &mut history,
                        diary,
                        may_fail || life.calls.is_some(),
                    );
                    if let Err(Ended::Wrong(why)) = worked
                        && crash.is_some()
                    {
                        self.breaks(
                            &mut ran,
                            Breach::Unopenable,
                            "D6",
                            format!("after recovery, {why}"),
                        );
                    }
                    ran.shown = Ok(state);
                }
                Err(why) if !storage.is_dead() => {
                    diary.opened(&storage, Err(&why), settled);
                    if !may_fail && crash.is_some() {
                        let says = format!("it does not open: {why}");
                        self.breaks(&mut ran, Breach::Unopenable, "D6", says);
                    }
                    ran.shown = Err(why);
                }
                Err(why) => {
                    diary.worked(&storage, &history);
                    if crash == Some(Crash::PowerCut) && self.code.breach == Breach::Diverged {
                        let whole = self.machine(&disk, life, None);
                        converges = life::open(self.subject, &whole)
                            .ok()
                            .map(|(_, state)| state);
                    }
                    ran.shown = Err(why);
                }
            }
            disk = storage.lazy();
            if let Some(cut) = ran.cuts.last_mut() {
                cut.seen.push(disk.known().clone());
            }
            for cut in &mut ran.cuts {
                let fates = cut.fates.iter_mut().enumerate();
                fates.for_each(|(i, fate)| *fate = disk.fate_of(cut.before.known(), i).or(*fate));
            }
            if ran.breach.is_some() {
                break;
            }
        }
        ran
    }

    fn machine(&self, disk: &Lazy<u8>, life: &Life, calls: Option<usize>) -> Simulated {
        let choices = Choices::of(&life.asked);
        let storage = Simulated::lazily(disk.clone(), self.profile.clone(), choices);
        storage.record();
        storage.plant(self.plant);
        if let Some((call, trouble)) = life.trouble {
            storage.plan(Point::Call(call), trouble.fault());
        }
        if let Some(calls) = calls {
            storage.plan(Point::Call(calls), Fault::Die);
        }
        storage
    }

    fn cut(&self, ran: &mut Ran<S>, disk: Lazy<u8>, fates: &Fates) -> Lazy<u8> {
        let known = disk.known();
        let effects = 0..known.log().len();
        let (image, did, fates) = match (self.code.lazily, self.guide.get(ran.cuts.len())) {
            (true, _) => {
                let image = disk.clone().power_cut(&self.profile);
                (image, Fates::default(), effects.map(|_| None).collect())
            }
            (false, guide) => {
                let did = match guide {
                    Some(like) => concrete::seen(known, &fates.kept, &self.profile, like),
                    None => Fates {
                        kept: known.kept_with(&fates.kept, &self.profile),
                        fills: fates.fills.clone(),
                    },
                };
                let image = Lazy::from(known.crash(&did, &self.profile));
                let fates = effects.map(|i| Some(did.kept.contains(&i))).collect();
                (image, did, fates)
            }
        };
        ran.cuts.push(Cut {
            before: disk,
            fates,
            did,
            seen: Vec::new(),
        });
        image
    }

    /// Holds what a recovery serves against what it may.
    fn judge(
        &self,
        ran: &mut Ran<S>,
        history: &History<S::Contract>,
        converges: Option<&StateOf<S>>,
        state: &StateOf<S>,
    ) {
        let legal = history.legal();
        let least = match &legal[..] {
            [only] => facts::<S::Contract>(only),
            [least, ..] => format!("at least {}", facts::<S::Contract>(least)),
            [] => String::new(),
        };
        let promised = match self.code.breach {
            Breach::Gap => {
                "nothing that goes missing in between, and nothing back that was found absent"
                    .into()
            }
            Breach::Partial => "all of each batch, or nothing of it".into(),
            Breach::Invented => "only what a client wrote".into(),
            _ => least,
        };
        ran.promised = (promised, facts::<S::Contract>(state));
        if !legal.contains(state) {
            let (breach, says) = history.breach(state);
            let promise = match breach == Breach::Lost && history.was_only_served(state) {
                true => "D7",
                false => breach.promise(),
            };
            self.breaks(ran, breach, promise, says);
        } else if let Some(whole) = converges.filter(|whole| *whole != state) {
            ran.promised.0 = format!(
                "what the recovery before was about to serve: {}",
                facts::<S::Contract>(whole)
            );
            let says = "the recovery before, had it not been interrupted, would have ended with something else";
            self.breaks(
                ran,
                Breach::Diverged,
                Breach::Diverged.promise(),
                says.into(),
            );
        }
    }

    /// Only the breach that it is about counts: others may be believed.
    fn breaks(&self, ran: &mut Ran<S>, breach: Breach, promise: &'static str, says: String) {
        if breach == self.code.breach {
            if breach == Breach::Unopenable {
                ran.promised = ("a store that opens, and serves".into(), says.clone());
            }
            ran.breach = Some((breach, promise, says));
        }
    }
}

/// What a state shows.
pub(super) fn facts<C: Contract>(state: &C::State) -> String {
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

/// Nothing is written down.
pub(super) struct Nothing;

impl<C: Contract> Notes<C> for Nothing {
    fn worked(&mut self, _: &Simulated, _: &History<C>) {}

    fn answered(
        &mut self,
        _: &Operation<C::Write>,
        _: &Result<Told, Failure>,
        _: &Simulated,
        _: &History<C>,
    ) {
    }
}

impl<C: Contract> Diary<C> for Nothing {
    fn starts(&mut self, _: Option<Crash>, _: &Simulated) {}

    fn opened(&mut self, _: &Simulated, _: Result<&C::State, &str>, _: bool) {}
}
