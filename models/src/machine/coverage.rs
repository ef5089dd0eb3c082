//! What an exploration reached: the sets that must not shrink from one run to the next.

use super::process::Process;
use crate::contract::Promise;
use crate::disk::Failure;
use crate::protocol::{Protocol, Step, StepOf};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const WORDS: usize = 1 << 14;

/// Filled while the machine computes transitions, each of which it computes once.
#[derive(Debug)]
pub struct Coverage {
    barriers: Mutex<BTreeSet<String>>,
    faults: Mutex<BTreeSet<Failure>>,
    witnesses: Mutex<BTreeSet<Promise>>,
    /// A bit for each process that was crashed. Beyond the last, processes are not noted: a machine
    /// meets each site long before.
    crashed: Vec<AtomicU64>,
}

impl Default for Coverage {
    fn default() -> Self {
        Self {
            barriers: Mutex::default(),
            faults: Mutex::default(),
            witnesses: Mutex::default(),
            crashed: (0..WORDS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

fn note<T: Ord>(set: &Mutex<BTreeSet<T>>, value: T) {
    set.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(value);
}

fn all<T: Ord + Clone>(set: &Mutex<BTreeSet<T>>) -> Vec<T> {
    set.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .cloned()
        .collect()
}

impl Coverage {
    pub(super) fn step<P: Protocol>(&self, process: &Process<P>) {
        self.barrier::<P>(process.steps.first());
    }

    pub(super) fn step_beside<P: Protocol>(&self, process: &Process<P>) {
        self.barrier::<P>(process.beside.first());
    }

    fn barrier<P: Protocol>(&self, step: Option<&StepOf<P>>) {
        if let Some(Step::Call { call, site }) = step
            && call.is_barrier()
        {
            note(&self.barriers, site.to_string());
        }
    }

    pub(super) fn fault(&self, failure: Failure) {
        note(&self.faults, failure);
    }

    pub(super) fn witnessed(&self, witnesses: &[Promise]) {
        witnesses
            .iter()
            .for_each(|&promise| note(&self.witnesses, promise));
    }

    pub(super) fn crash_at(&self, process: u32) {
        let (word, bit) = (process as usize / 64, 1 << (process % 64));
        if let Some(word) = self.crashed.get(word)
            && word.load(Ordering::Relaxed) & bit == 0
        {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    pub(super) fn crashed(&self) -> Vec<u32> {
        let words = (0u32..).zip(&self.crashed);
        words
            .flat_map(|(word, bits)| {
                let bits = bits.load(Ordering::Relaxed);
                (0..64)
                    .filter(move |bit| bits & (1 << bit) != 0)
                    .map(move |bit| word * 64 + bit)
            })
            .collect()
    }

    /// The sites of the barriers that were completed.
    pub fn barriers(&self) -> Vec<String> {
        all(&self.barriers)
    }

    /// The ways in which barriers failed.
    pub fn faults(&self) -> Vec<Failure> {
        all(&self.faults)
    }

    /// The promises whose witness was reached.
    pub fn witnesses(&self) -> Vec<Promise> {
        all(&self.witnesses)
    }
}
