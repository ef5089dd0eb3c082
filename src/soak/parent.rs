//! The parent: starts, kills, opens, judges.

use super::Error;
use super::chance::Chance;
use super::child::{Job, Work};
use super::engines::{Contents, Engine};
use super::life::{Life, Since, clear, copy, names};
use super::mode::name;
use super::operation::{Operation, operation};
use super::told::Told;
use super::verdict::{Breach, Ledger};
use crate::engine::wal::SyncMode;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A store that is longer is followed by a new one.
const STORE_BYTES_MAX: u64 = 8 << 20;

/// What is soaked, and how.
#[derive(Clone, Debug)]
pub struct Soak {
    /// Which engine.
    pub engine: &'static Engine,
    /// How many threads write.
    pub threads: u32,
    /// When a write is synced; a kill takes nothing that returned in any mode.
    pub sync: SyncMode,
    /// What operations do, and when kills come, follows from it; not how threads run.
    pub seed: u64,
    /// Say what is done before it is done: for tests, which are to find it out.
    pub lies: bool,
    /// What to start for a child, with these arguments before the store and the job of [`child`](super::child()).
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// A directory of its own, which is there, and empty.
    pub home: PathBuf,
}

/// When it ends: at what comes first.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// After so many kills.
    pub kills: u64,
    /// After so long.
    pub time: Duration,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Processes that were killed.
    pub kills: u64,
    /// Stores that were made, or begun.
    pub stores: u64,
    /// Operations that returned, and said so.
    pub acknowledged: u64,
    /// Operations that had not, and were found.
    pub under_way: u64,
    /// Kills of which maintenance was not complete: thread 0 had begun it, or names show it.
    pub struck: u64,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As it should.
    Kept,
    /// Somebody interrupted.
    Interrupted,
    /// A promise was broken. What is in the home stays.
    Broken {
        /// Which, and how, in a paragraph.
        how: String,
        /// What to type to try again.
        again: String,
    },
}

impl Soak {
    /// Kills until it is time to end, tells now and then how far it is, and leaves nothing in its home but what shows
    /// that a promise was broken, or that a child did not work.
    pub fn run(
        &self,
        until: Until,
        is_interrupted: &dyn Fn() -> bool,
        far: &mut dyn FnMut(&Tally),
    ) -> Result<Outcome, Error> {
        let began = Instant::now();
        let mut run = Run::new(self, until.kills);
        while run.tally.kills < until.kills && began.elapsed() < until.time {
            if is_interrupted() {
                clear(&self.home)?;
                return Ok(Outcome::Interrupted);
            }
            let lived = run.one_life()?;
            far(&run.tally);
            if let Err(breach) = lived {
                let (how, again) = (run.says(&breach), run.again());
                return Ok(Outcome::Broken { how, again });
            }
        }
        clear(&self.home)?;
        Ok(Outcome::Kept)
    }
}

/// A soak that goes on.
struct Run<'s> {
    soak: &'s Soak,
    store: PathBuf,
    /// As the last kill left it.
    left: PathBuf,
    tally: Tally,
    kills_max: u64,
    ledger: Ledger,
    /// How many lives the store is to have yet.
    lives: u64,
}

impl<'s> Run<'s> {
    fn new(soak: &'s Soak, kills_max: u64) -> Self {
        Run {
            soak,
            store: soak.home.join("store"),
            left: soak.home.join("left"),
            tally: Tally::default(),
            kills_max,
            ledger: Ledger::new(soak.engine, soak.seed, soak.threads),
            lives: 0,
        }
    }

    /// A process that writes is killed, perhaps one that opens the store too, and what is there is judged.
    fn one_life(&mut self) -> Result<Result<(), Breach>, Error> {
        let mut chance = Chance::of(&[self.soak.seed, self.tally.kills, KILLS]);
        let is_new = self.begin_anew(&mut chance)?;
        // An early death strikes the making of a store, or its opening.
        let (since, micros) = match chance.one_in(if is_new { 2 } else { 6 }) {
            true => (Since::Opening, chance.below(4_000)),
            false => (Since::FirstTold, 1_500 + chance.below(45_000)),
        };
        let lies = self.soak.lies;
        let pipe = self.kill(if lies { Work::Lie } else { Work::Write }, since, micros)?;
        let kept = self.soak.home.join("told");
        fs::write(&kept, &pipe).map_err(Error::io("write", &kept))?;
        let told = Told::read(&self.ledger.next, &pipe);
        let (told, complaint) = told.ok_or_else(|| Error::Child {
            said: "does not count as it should".into(),
            dir: self.soak.home.clone(),
        })?;
        self.tally.acknowledged += told.count();
        self.tally.struck += u64::from(self.is_maintenance_struck(&told));
        while self.tally.kills < self.kills_max && chance.one_in(4) {
            self.kill(Work::Open, Since::Opening, chance.below(3_000))?;
        }
        if let Some(complaint) = complaint {
            let words = format!("The {}.", complaint.words);
            return Ok(Err(Breach::new(complaint.thread, words)));
        }
        // It was killed before it made anything.
        if told.count() == 0 && !self.store.exists() {
            return Ok(Ok(()));
        }
        copy(&self.store, &self.left)?;
        Ok(self.judge(&told, chance.one_in(4)))
    }

    /// Every so many lives there is a new store, so that its making is struck too. Whether this is one.
    fn begin_anew(&mut self, chance: &mut Chance) -> Result<bool, Error> {
        let is_new = self.lives == 0 || self.bytes() > STORE_BYTES_MAX;
        if is_new {
            clear(&self.store)?;
            self.ledger = Ledger::new(self.soak.engine, self.soak.seed, self.soak.threads);
            self.lives = 4 + chance.below(24);
            self.tally.stores += 1;
        }
        self.lives -= 1;
        Ok(is_new)
    }

    fn kill(&mut self, work: Work, since: Since, micros: u64) -> Result<String, Error> {
        let job = Job {
            engine: self.soak.engine.name.into(),
            sync: name(self.soak.sync),
            seed: self.soak.seed,
            first: self.ledger.next.clone(),
            work,
        };
        let life = Life {
            program: &self.soak.program,
            arguments: &self.soak.arguments,
            store: &self.store,
            job: &job,
            since,
            after: Duration::from_micros(micros),
        };
        let pipe = life.live_and_die()?;
        self.tally.kills += 1;
        Ok(pipe)
    }

    fn is_maintenance_struck(&self, told: &Told) -> bool {
        let thread = &told.threads[0];
        let next = operation(self.soak.engine, self.soak.seed, 0, thread.under_way());
        let is_begun = !thread.returned.is_empty() && matches!(next, Operation::Maintain(_));
        is_begun || (self.soak.engine.is_half_done)(&names(&self.store))
    }

    fn judge(&mut self, told: &Told, twice: bool) -> Result<(), Breach> {
        let found = self.open_and_read()?;
        self.tally.under_way += self.ledger.judge(told, &found)?;
        if twice && self.open_and_read()? != found {
            let words = "Opened twice in a row, it shows other contents the second time.";
            return Err(Breach::new(None, words));
        }
        Ok(())
    }

    fn open_and_read(&self) -> Result<Contents, Breach> {
        let (open, sync) = (self.soak.engine.open, self.soak.sync);
        let read = || open(&self.store, sync)?.read();
        let read = catch_unwind(AssertUnwindSafe(read));
        let read = read.unwrap_or_else(|_| Err("it panics".into()));
        read.map_err(|error| {
            Breach::new(
                None,
                format!("It does not open, or cannot be read: {error}."),
            )
        })
    }

    fn bytes(&self) -> u64 {
        let bytes = |name: &String| fs::metadata(self.store.join(name)).map_or(0, |it| it.len());
        names(&self.store).iter().map(bytes).sum()
    }

    /// The paragraph about a breach.
    fn says(&self, breach: &Breach) -> String {
        let Soak {
            engine, seed, home, ..
        } = self.soak;
        let thread = match breach.thread {
            Some(thread) => format!(", thread {thread}"),
            None => String::new(),
        };
        format!(
            "{}: BROKEN at kill {} of seed {seed}{thread}. {} It is kept in {}: `store` as it is now, `left` as the kill \
             left it, `told` what the process had said.",
            engine.name,
            self.tally.kills,
            breach.words,
            home.display(),
        )
    }

    /// The same operations, and kills after the same times; threads run as they like.
    fn again(&self) -> String {
        let Soak {
            engine,
            seed,
            threads,
            ..
        } = self.soak;
        let (kills, sync) = (self.tally.kills, name(self.soak.sync));
        format!(
            "lightsout soak {} --kills {kills} --seed {seed} --threads {threads} --sync {sync}",
            engine.name
        )
    }
}

/// Apart from the numbers of operations.
const KILLS: u64 = u64::MAX;
