//! A counterexample of a model, on the real engine.
//!
//! ```text
//!   moves --> the check's own run --> where each call falls, and what each crash leaves
//!                                          |
//!                     faults planted in the storage: die, fail, drop this barrier
//!                                          v
//!   moves --> model and engine in lock step ---------------------> the same breach
//! ```
//!
//! A barrier that the check leaves out is dropped from the real engine's calls: by the storage, so that
//! the engine believes it. A power cut leaves the engine's disk with the bytes of the image that the
//! check was left with.

use super::bitcask::BitcaskSubject;
use super::btree::BtreeSubject;
use super::event_store::EventsSubject;
use super::explored::Explored;
use super::found_bitcask::FoundBitcaskSubject;
use super::json_lines::LinesSubject;
use super::lockstep::{Lockstep, is_barrier_at};
use super::lsm::LsmSubject;
use super::segments::SegmentsSubject;
use super::wal::LogSubject;
use super::{Divergence, Kind};
use crate::counterexample::Counterexample;
use crate::explore::engines::OnFiles;
use crate::explore::export::Exported;
use crate::storage::simulated::{Fault, Point};
use models::bitcask::{self, Bitcask};
use models::btree::Btree;
use models::contract::{Event, OpId, Operation, Promise};
use models::disk::Tree;
use models::event_store::EventStore;
use models::event_store::lines::Lines;
use models::lsm::Lsm;
use models::machine::Setup;
use models::machine::process::{Doing, Ground, Process};
use models::machine::script::{Move, Run};
use models::protocol::{Protocol, Step, StepOf};
use models::wal::Wal;
use models::wal::segments::Segments;
use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

/// Runs a counterexample of the log's model on the real log over simulated storage. `Ok`: the log did
/// what the model did, up to that breach.
pub fn replay_log(
    setup: &Setup<Wal>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<LogSubject>(setup, moves, breach)
}

/// The same for the log in segments.
pub fn replay_segments(
    setup: &Setup<Segments>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<SegmentsSubject>(setup, moves, breach)
}

/// The same for Bitcask.
pub fn replay_bitcask(
    setup: &Setup<Bitcask>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<BitcaskSubject>(setup, moves, breach)
}

/// The same for Bitcask as found.
pub fn replay_found_bitcask(
    setup: &Setup<bitcask::as_found::AsFound>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<FoundBitcaskSubject>(setup, moves, breach)
}

/// The same for the B-tree.
pub fn replay_btree(
    setup: &Setup<Btree>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<BtreeSubject>(setup, moves, breach)
}

/// The same for the event store.
pub fn replay_events(
    setup: &Setup<EventStore>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<EventsSubject>(setup, moves, breach)
}

/// The same for the event store as found.
pub fn replay_lines(
    setup: &Setup<Lines>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<LinesSubject>(setup, moves, breach)
}

/// The same for the LSM tree.
pub fn replay_lsm(
    setup: &Setup<Lsm>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    replay::<LsmSubject>(setup, moves, breach)
}

/// What came of a replay: the engine did what the model did.
pub struct Replayed {
    /// What the last crash left on the engine's disk; none: there was none.
    pub left: Option<Tree<u8>>,
    on_files: Box<OnTheseFiles>,
    test: Box<Test>,
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

type OnTheseFiles = dyn Fn(&Path) -> Result<String, String>;
type Test = dyn Fn(&Counterexample) -> Result<String, String>;

impl Replayed {
    /// Opens the engine, with the same settings, in a directory with what the last crash left, on real files, and
    /// says what it reads.
    ///
    /// # Errors
    /// What the engine says.
    pub fn on_files(&self, directory: &Path) -> Result<String, String> {
        (self.on_files)(directory)
    }

    /// A test that explores what the client asked for.
    ///
    /// # Errors
    /// Where it would not fail today: a sentence.
    pub fn test(&self, found: &Counterexample) -> Result<String, String> {
        (self.test)(found)
    }
}

fn replay<S: Explored>(
    setup: &Setup<S::Protocol>,
    moves: &[Move],
    breach: Promise,
) -> Result<Replayed, Divergence> {
    let mut replay = Replay::<S>::new(setup, moves)?;
    let mut number = 0;
    if setup.bounds.start_empty {
        let whole = replay.whole.recover(replay.run.disk.view());
        number = replay.steps(moves, 0, whole)?;
    }
    let mut ran = replay.both.open();
    replay.both.engine.forget_faults();
    if !setup.bounds.start_empty {
        replay.both.settle();
    }
    while ran.is_ok() && number < moves.len() {
        let next = &moves[number];
        ran = replay
            .along(moves, &mut number)
            .map_err(|found| Divergence {
                step: number,
                during: in_words(next),
                ..found
            });
    }
    let judged = |found: &Divergence| matches!(found.kind, Kind::Breach(_) | Kind::NoBreach);
    match ran {
        Err(found) if found.kind == Kind::Breach(breach) && number == moves.len() => {
            Ok(replay.ended(setup, moves))
        }
        Err(found) if !replay.modelled && !judged(&found) => {
            let why = "what the crash tore is not modelled to the byte";
            Err(Divergence::new(Kind::NotModelled, found.expected, why))
        }
        Err(found) => Err(found),
        Ok(()) => Err(Divergence::new(
            Kind::NoBreach,
            breach.to_string(),
            "no breach",
        )),
    }
}

/// The steps of a process that are taken one by one.
type Steps<P> = VecDeque<StepOf<P>>;

struct Replay<S: Explored> {
    /// The check's own run.
    run: Run<S::Protocol>,
    /// Its protocol, with the barrier that it leaves out.
    whole: Ground<S::Protocol>,
    without: Option<String>,
    both: Lockstep<S>,
    /// Whether every crash so far left something of which the model says to the byte what is made of
    /// it. Where it does not, the two may agree all the same.
    modelled: bool,
    /// What the last crash left on the engine's disk.
    left: Option<Tree<u8>>,
}

impl<S: Explored> Replay<S> {
    fn ended(self, setup: &Setup<S::Protocol>, moves: &[Move]) -> Replayed {
        let explored = self.both.subject.explored();
        let exported = self.exported(setup, moves);
        let subject = Rc::new(explored);
        let on_files = {
            let subject = subject.clone();
            move |directory: &Path| subject.shown_on_files(directory)
        };
        Replayed {
            left: self.left,
            on_files: Box::new(on_files),
            test: Box::new(move |found| exported.test(found, &*subject)),
        }
    }

    /// What the client asked for, in a first life and later, as the explored engine is asked.
    fn exported(&self, setup: &Setup<S::Protocol>, moves: &[Move]) -> Exported {
        let (mut run, mut operations, mut then) = (Run::new(setup), Vec::new(), Vec::new());
        let mut crashed = false;
        for next in moves {
            if run.make(next).is_none() {
                break;
            }
            crashed |= matches!(next, Move::Kill | Move::PowerCut(_));
            if let Move::Invoke(operation) = next {
                let asked = self.both.subject.asked(run.operations, operation);
                let asked = serde_json::to_value(asked).unwrap_or_default();
                if crashed { &mut then } else { &mut operations }.push(asked);
            }
        }
        let count = |what: fn(&&Move) -> bool| moves.iter().filter(what).count();
        Exported {
            operations,
            then,
            kills: count(|next| **next == Move::Kill),
            faults: count(|next| matches!(next, Move::Fail(_))),
            settled: !setup.bounds.start_empty,
            breach: None,
            profile: self.both.engine.profile(),
        }
    }

    fn new(setup: &Setup<S::Protocol>, moves: &[Move]) -> Result<Self, Divergence> {
        if moves
            .iter()
            .any(|next| matches!(next, Move::Beside | Move::FailBeside(_)))
        {
            let why = "it needs two threads, and a script has one";
            return Err(Divergence::new(Kind::NotModelled, "", why));
        }
        let script = S::script(&setup.ground.protocol, &numbered(setup, moves));
        let script = script.map_err(|why| Divergence::new(Kind::NotModelled, "", why))?;
        let subject = S::of(&script, script.discipline);
        let ground = Ground {
            protocol: subject.protocol(),
            forget: false,
            ..setup.ground.clone()
        };
        Ok(Self {
            run: Run::new(setup),
            whole: Ground {
                without: None,
                ..setup.ground.clone()
            },
            without: setup.ground.without.clone(),
            both: Lockstep::new(subject, ground, setup.terms.clone()),
            modelled: true,
            left: None,
        })
    }

    /// Goes on by one thing that the client asks for, or one crash, and all steps up to the next.
    fn along(&mut self, moves: &[Move], number: &mut usize) -> Result<(), Divergence> {
        let next = &moves[*number];
        let before = self.run.process.clone();
        let id = self.make(next)?;
        let disk = self.run.disk.clone();
        let whole = match next {
            Move::Invoke(operation) => self.whole.invoke(&before, id, operation),
            _ => self.whole.recover(disk.view()),
        };
        *number = self.steps(moves, *number + 1, whole)?;
        match next {
            Move::Invoke(operation) => self.both.ask(id, operation)?,
            Move::PowerCut(fates) => self.both.power_cut_to(&fates.kept, disk.view())?,
            _ => self.both.kill()?,
        }
        if !matches!(next, Move::Invoke(_)) {
            self.modelled &= self.both.is_modelled();
            self.left = Some(self.both.engine.disk().view().clone());
            self.both.open()?;
        }
        self.both.engine.forget_faults();
        Ok(())
    }

    /// Makes the steps that follow in the check's run, up to the next thing that the client asks for,
    /// the next crash or the end, and plans what befalls the engine on the way. `whole`: the process with all
    /// its steps. The number of the move that comes next.
    fn steps(
        &mut self,
        moves: &[Move],
        from: usize,
        whole: Process<S::Protocol>,
    ) -> Result<usize, Divergence> {
        let is_step = |next: &&Move| matches!(next, Move::Step | Move::Fail(_));
        let to = from + moves[from..].iter().take_while(is_step).count();
        let mut whole = one_by_one(whole);
        let mut call = self.both.engine.calls();
        for next in &moves[from..to] {
            // Those that the run leaves out are calls of the engine all the same.
            while let (Some(step), Some(without)) = (whole.front(), &self.without)
                && is_barrier_at(step, without)
            {
                whole.pop_front();
                call += 1;
            }
            if let Move::Fail(failure) = next {
                let fault = Fault::Barrier(*failure);
                self.both.engine.plan(Point::Call(call), fault);
            }
            let step = whole.pop_front();
            call += usize::from(matches!(step, Some(Step::Call { .. } | Step::Flush { .. })));
            self.make(next)?;
            if step == Some(Step::Reopen) {
                whole = one_by_one(self.whole.recover(self.run.disk.view()));
            } else if matches!(next, Move::Fail(_)) || self.run.disk.is_aborted() {
                // What follows a failure was not planned.
                whole = one_by_one(self.run.process.clone());
            }
        }
        let doing = self.run.process.doing;
        let dies = !matches!(doing, Doing::Idle | Doing::Down);
        self.both.dies_before = dies.then(|| self.run.process.site());
        if dies {
            self.both.engine.plan(Point::Call(call), Fault::Die);
        }
        Ok(to)
    }

    /// Makes a move of the check's run. The number of the operation, if it invokes one.
    fn make(&mut self, next: &Move) -> Result<OpId, Divergence> {
        let at = self.run.process.site();
        match self.run.make(next).as_deref() {
            Some([Event::Invoked(id, _), ..]) => Ok(*id),
            Some(_) => Ok(self.run.operations),
            None => Err(Divergence::new(Kind::NoBreach, "a script of the model", at)),
        }
    }
}

/// The operations that a script invokes and that take a number, in order.
fn numbered<P: Protocol>(setup: &Setup<P>, moves: &[Move]) -> Vec<Operation> {
    let (mut run, mut operations) = (Run::new(setup), Vec::new());
    for next in moves {
        let before = run.operations;
        if run.make(next).is_none() {
            break;
        }
        if let Move::Invoke(operation) = next
            && run.operations > before
        {
            operations.push(operation.clone());
        }
    }
    operations
}

/// The steps of a process but its changes in memory, which are run with the step before them.
fn one_by_one<P: Protocol>(process: Process<P>) -> Steps<P> {
    let steps = process.steps.into_iter();
    steps
        .filter(|step| !matches!(step, Step::Change(_)))
        .collect()
}

fn in_words(next: &Move) -> String {
    match next {
        Move::Invoke(operation) => operation.to_string(),
        Move::Kill => "kill".into(),
        Move::PowerCut(_) => "power cut".into(),
        Move::Step | Move::Fail(_) | Move::Beside | Move::FailBeside(_) => "a step".into(),
    }
}
