//! The log with several writers, held to the model of group commit.
//!
//! Real threads append to one log. Who leads, and when the others come, the script says: the simulated disk lets
//! somebody in before each of its calls, which then stages a record or asks for a sync, and waits. So every run of the
//! model can be had, and is the same each time.

use super::lockstep::Lockstep;
use super::subject::{Answer, Subject};
use super::wal::{LogSubject, identity_of};
use super::{Discipline, Divergence, Kind, Script};
use crate::engine::wal::Log;
use crate::storage::simulated::Simulated;
use models::cells::Token;
use models::contract::{OpId, Operation};
use models::machine::process::Process;
use models::wal::group::memory::Memory;
use models::wal::group::{Group, Variant};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The log that many threads share.
#[derive(Debug)]
pub(super) struct GroupSubject {
    log: LogSubject,
}

impl Subject for GroupSubject {
    type Protocol = Group;
    type Store = Arc<Log<Simulated>>;

    fn of(script: &Script, engine: Discipline) -> Self {
        let log = LogSubject::of(script, engine);
        GroupSubject { log }
    }

    fn script(_: &Group, _: &[Operation]) -> Result<Script, String> {
        Err("a script has one thread".into())
    }

    fn protocol(&self) -> Group {
        Group {
            variant: Variant::Durable,
            log: self.log.protocol(),
        }
    }

    fn open(&self, storage: &Simulated) -> Result<Self::Store, String> {
        self.log.open(storage).map(Arc::new)
    }

    fn ask(
        &self,
        store: Self::Store,
        id: OpId,
        operation: &Operation,
    ) -> (Answer, Option<Self::Store>) {
        match (operation, Arc::try_unwrap(store)) {
            (Operation::Close, Ok(log)) => (self.log.ask(log, id, operation).0, None),
            (_, Ok(log)) => {
                let (answer, log) = self.log.ask(log, id, operation);
                (answer, log.map(Arc::new))
            }
            (_, Err(store)) => (Err("somebody else uses the log".into()), Some(store)),
        }
    }

    fn learn(&mut self, process: &Process<Group>) -> Result<(), String> {
        let memory = &process.memory;
        let mut previous = memory.log.records.last();
        for record in &memory.buffer {
            self.log.learn_record(record, previous)?;
            previous = Some(record);
        }
        Ok(())
    }

    fn bytes(&self, cells: &[Token]) -> Vec<u8> {
        self.log.bytes(cells)
    }

    fn whole(&self, cell: &Token) -> Option<Vec<Token>> {
        self.log.whole(cell)
    }

    fn compare(&self, store: &Self::Store, memory: &Memory) -> Result<(), Divergence> {
        self.log.compare_shared(store, &memory.log)
    }
}

/// Somebody who comes before a call of the disk: the call's number, counted from the first one of the round, and what
/// is asked for.
pub(super) type Arrival = (usize, OpId, Operation);

/// A thread, and what it asked for.
type Running = (OpId, JoinHandle<Answer>);

/// What the threads of a round were told, by operation.
type Told = BTreeMap<OpId, Answer>;

impl Lockstep<GroupSubject> {
    /// One asks for something, and while that goes on others come.
    pub(super) fn ask_together(
        &mut self,
        first: (OpId, Operation),
        arrivals: Vec<Arrival>,
    ) -> Result<(), Divergence> {
        let Some(store) = self.begin_round() else {
            return Ok(());
        };
        let from = self.engine.calls();
        let told = self.run_threads(&store, &first, &arrivals);
        self.end_round(store);
        self.invoke(first.0, &first.1)?;
        let mut arrivals: VecDeque<Arrival> = arrivals.into();
        for (number, traced) in self.engine.take_trace().into_iter().enumerate() {
            self.answered(&told)?;
            // Who came before a write was not taken with it, for the leader had what it writes; who came before a barrier
            // knows nothing of it.
            let is_barrier = traced.call.is_barrier();
            // LIMIT: in the model a batch of nothing, as a sync may lead, is not begun before its barrier, and takes in who
            // comes.
            let comes = arrivals.front().is_some_and(|(call, ..)| *call <= number);
            if is_barrier && comes && !self.memory().is_led() {
                let why = "a record that is staged before the barrier of nothing";
                return Err(Divergence::new(Kind::NotModelled, why, ""));
            }
            if is_barrier {
                self.arrive(&mut arrivals, number, &told)?;
            }
            self.follow_one(traced)?;
            if !is_barrier {
                self.arrive(&mut arrivals, number, &told)?;
            }
        }
        debug_assert!(self.engine.calls() >= from);
        self.answered(&told)?;
        self.round_is_over()
    }

    /// Those who came before this call, or an earlier one.
    fn arrive(
        &mut self,
        arrivals: &mut VecDeque<Arrival>,
        number: usize,
        told: &Told,
    ) -> Result<(), Divergence> {
        while arrivals.front().is_some_and(|(call, ..)| *call <= number) {
            let Some((_, id, operation)) = arrivals.pop_front() else {
                break;
            };
            if told.contains_key(&id) {
                self.invoke(id, &operation)?;
            }
        }
        Ok(())
    }

    /// Runs the threads, and says what each was told. Who would come to a call that is not made does not come.
    fn run_threads(
        &self,
        store: &Arc<Log<Simulated>>,
        first: &(OpId, Operation),
        arrivals: &[Arrival],
    ) -> Told {
        let script = self.subject.log.script.clone();
        let ask = move |store: &Log<Simulated>, id: OpId, operation: &Operation| {
            let answer = match operation {
                Operation::Write(_) => store.append_batch(&script.writes(id)).map(Some),
                _ => store.sync().map(|()| None),
            };
            let answer = answer.map(|lsn| lsn.map(identity_of));
            answer.map_err(|error| error.to_string())
        };
        let ask = Arc::new(ask);
        let threads: Arc<Mutex<Vec<Running>>> = Arc::default();
        let (from, mut due) = (self.engine.calls(), VecDeque::from(arrivals.to_vec()));
        let visitor = {
            let (store, ask, threads) = (store.clone(), ask.clone(), threads.clone());
            move |call: usize| {
                while due.front().is_some_and(|(at, ..)| from + at <= call) {
                    let Some((_, id, operation)) = due.pop_front() else {
                        break;
                    };
                    let (shared, ask) = (store.clone(), ask.clone());
                    let thread = thread::spawn(move || ask(&shared, id, &operation));
                    // It has come once it waits, or was told at once.
                    let who = thread.thread().id();
                    while !store.is_waiting(who) && !thread.is_finished() {
                        thread::yield_now();
                    }
                    let mut threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
                    threads.push((id, thread));
                }
            }
        };
        self.engine.visit(Some(Box::new(visitor)));
        let mut told = Told::from([(first.0, ask(store, first.0, &first.1))]);
        loop {
            let next = threads.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((id, thread)) = next else { break };
            let answer = thread.join();
            told.insert(id, answer.unwrap_or_else(|_| Err("it panicked".into())));
        }
        self.engine.visit(None);
        told
    }
}
