//! What a store must hold after a kill: what all that returned left, and of each thread perhaps the one operation that
//! was under way, whole. A kill leaves what is cached, so this is so in every mode.

mod keys;
mod records;

use super::engines::{Contents, Engine, Kind};
use super::told::Told;
use keys::Keys;
use records::Records;

/// A promise that was broken, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breach {
    /// Whose; `None` where nobody's.
    pub(super) thread: Option<u32>,
    /// What is there, and what was told.
    pub(super) words: String,
}

impl Breach {
    pub(super) fn new(thread: impl Into<Option<u32>>, words: impl Into<String>) -> Breach {
        Breach {
            thread: thread.into(),
            words: words.into(),
        }
    }
}

/// What a store must hold, from its making on.
#[derive(Debug)]
pub(super) struct Ledger {
    engine: &'static Engine,
    seed: u64,
    /// The first operation of each thread in the next life. No number is used twice.
    pub(super) next: Vec<u64>,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Keys(Keys),
    Records(Records),
}

impl Ledger {
    /// Of an empty store that so many threads write.
    pub(super) fn new(engine: &'static Engine, seed: u64, threads: u32) -> Ledger {
        let held = match engine.kind {
            Kind::Keys => Held::Keys(Keys::new(threads)),
            Kind::Records | Kind::Events => Held::Records(Records::default()),
        };
        let next = vec![1; threads as usize];
        Ledger {
            engine,
            seed,
            next,
            held,
        }
    }

    /// Holds what was found against what was told, and says how many operations were found that were under way. What was
    /// found stays.
    pub(super) fn judge(&mut self, told: &Told, found: &Contents) -> Result<u64, Breach> {
        let does =
            |thread, number| super::operation::operation(self.engine, self.seed, thread, number);
        let under_way = match (&mut self.held, found) {
            (Held::Keys(held), Contents::Keys(found)) => held.judge(&does, told, found),
            (Held::Records(held), Contents::Records(point, found)) => {
                held.judge(&does, self.seed, told, *point, found)
            }
            _ => Err(Breach::new(None, "it shows another kind of contents")),
        }?;
        self.next = told.threads.iter().map(|it| it.under_way() + 1).collect();
        Ok(under_way)
    }
}
