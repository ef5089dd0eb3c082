//! Bitcask: data files that are appended to, and merged into one of what they still say.
//!
//! ```text
//!   write     append to the active data file, as the log in segments does (wal/segments.rs)
//!   rotate    as the log in segments does: the active file is closed, the next one made
//!   merge     of all closed files:
//!             HI.merged.tmp: create, write, barrier | HI.hint: create, write, barrier
//!             rename to HI.merged | directory barrier
//!             append a checkpoint that says HI | data barrier | remove the closed files
//!             remove the merged file and the hint of before
//!   recovery  as the log in segments does
//!             remove leftovers, merged files but the last, hints that are of none
//! ```
//!
//! The data files are the log. A merged file holds the newest value of each key among the records up to `HI`, the
//! last one of the closed files; so it needs no tombstones, and a record up to there is *superseded*, whichever
//! file it comes back with: nothing brings a deleted key back. The checkpoint lets the log forget what is
//! superseded; the merged file is durable before it.
//!
//! What the active file says does not count in a merge: it may be cached only, and the value that it overwrites is
//! the acknowledged one.
//!
//! A hint says where the keys of its merged file are. It counts where it is whole and of that very file; else the
//! merged file is read. So what a client is shown does not depend on a hint. A file with a hint is never
//! appended to.
//!
//! W1 to W4  as the log in segments
//! W5  A data file is removed only after a checkpoint above it is durable.
//! W6  A merged file has its name only when it is whole.
//! W7  A checkpoint is written only after the merged file of what it gives up, and its name, are durable.
//! W8  By then its hint counts in every crash image.
//!
//! Bounds, variants and expected verdicts: `specs/bitcask.toml`. Source: Sheehy & Smith, Bitcask: A Log-Structured
//! Hash Table for Fast Key/Value Data, Basho, 2010.

pub mod as_found;
mod guards;
pub mod memory;
mod recovery;

use crate::cells::{Checkpoint, Hint, Table, TableSize, Token, cells_of_hint, cells_of_table};
use crate::contract::{OpId, Operation, View};
use crate::disk::{Call, Disk, Tree};
use crate::profile::Profile;
use crate::protocol::{PlanOf, Protocol, Refused, Step, StepOf};
use crate::wal::memory::Change as LogChange;
use crate::wal::segments::memory::Change as SegmentsChange;
use crate::wal::segments::{self, Segments};
use crate::wal::{STORE, Variant as LogVariant};
use memory::{Change, Memory};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The protocol in the picture, or with one named mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol in the picture.
    Durable,
    /// The closed files are given up before the merged one has its name.
    InputsRemovedFirst,
    /// A merge leaves out what the active file overwrites.
    ActiveTrusted,
    /// A hint is believed, whether whole or not.
    HintUnproved,
}

/// The protocol of Bitcask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bitcask {
    /// Which.
    pub variant: Variant,
    /// Its data files.
    pub files: Segments,
    /// The size of a merged file.
    pub merged: TableSize,
    /// The size of a hint.
    pub hint: TableSize,
    /// Cells that one write call of either has at most.
    pub chunk: usize,
}

/// The path of the merged file of all records up to this one.
pub fn merged_path(hi: u64) -> String {
    format!("{STORE}/{hi}.merged")
}

/// The path of its hint.
pub fn hint_path(hi: u64) -> String {
    format!("{STORE}/{hi}.hint")
}

impl Protocol for Bitcask {
    type Cell = Token;
    type Memory = Memory;
    type Change = Change;

    fn operation(&self, id: OpId, operation: &Operation, memory: &Memory) -> Vec<StepOf<Self>> {
        if memory.files.log.poisoned {
            return vec![Step::Refuse];
        }
        match operation {
            Operation::Compact => {
                let mut steps = self.merge(id, memory);
                steps.push(Step::Return {
                    durable: false,
                    identity: None,
                });
                steps
            }
            other => file_steps(self.files.operation(id, other, &memory.files)),
        }
    }

    fn recover(&self, tree: &Tree<Token>) -> Result<PlanOf<Self>, Refused> {
        recovery::recover(self, tree)
    }

    fn change(&self, memory: &mut Memory, change: &Change) {
        memory.apply(change);
    }

    fn failed(&self, _: &StepOf<Self>, _: &Memory) -> Vec<StepOf<Self>> {
        let poisoned = SegmentsChange::Log(LogChange::Poisoned);
        vec![Step::Change(Change::Files(poisoned)), Step::Fail]
    }

    /// As in the log in segments. Merged files and hints that do not count are known by their names only.
    fn forget(&self, image: Disk<Token>) -> Disk<Token> {
        if !self.reads_garbage_as_zeros() {
            return image;
        }
        let (Ok(found), Ok(plan)) = (
            segments::recovery::read(&self.files, image.view()),
            self.recover(image.view()),
        ) else {
            return image;
        };
        let memory = plan.memory;
        let generation = memory.files.log.generation - 1;
        let files = memory.files.segments.iter();
        let mut live: Vec<String> = files.map(|first| segments::path_of(*first)).collect();
        live.extend(memory.merged.iter().map(|merged| merged_path(merged.hi)));
        live.extend(memory.hint.iter().map(|hint| hint_path(hint.table.hi)));
        let image = image.empty_settled(|path| !live.iter().any(|live| live == path));
        image.map_settled(|cell| match cell {
            Token::Garbage => Token::Zero,
            Token::Table { table, .. } if Some(table) != memory.merged.as_ref() => Token::Zero,
            Token::Hint { hint, .. } if Some(hint) != memory.hint.as_ref() => Token::Zero,
            Token::Part { record, .. }
                if record.generation <= generation && !found.records.contains(record) =>
            {
                Token::Zero
            }
            _ => cell.clone(),
        })
    }

    fn reads_garbage_as_zeros(&self) -> bool {
        self.variant != Variant::HintUnproved && self.files.log.variant == LogVariant::Durable
    }

    fn observe(&self, memory: &Memory) -> View {
        memory.view()
    }

    fn guards(
        &self,
        step: &StepOf<Self>,
        memory: &Memory,
        disk: &Disk<Token>,
        profile: &Profile,
    ) -> Vec<(u8, bool)> {
        guards::guards(self, step, memory, disk, profile)
    }
}

impl Bitcask {
    /// Merges the closed files, and gives them up. Nothing where there are none, so that it acknowledges nothing.
    fn merge(&self, id: OpId, memory: &Memory) -> Vec<StepOf<Self>> {
        let files = &memory.files;
        let Some((active, [_, ..])) = files.segments.split_last() else {
            return Vec::new();
        };
        let hi = active - 1;
        let before = memory.merged.as_ref();
        let given_up = file_steps(self.files.truncate_to(
            id,
            Checkpoint {
                up_to: hi,
                elsewhere: BTreeMap::new(),
            },
            files,
        ));
        // A crash came between the two: what is left to do is to give up the closed files.
        if before.is_some_and(|before| before.hi == hi) {
            return given_up;
        }
        let merged = self.merged(hi, memory);
        let hint = Arc::new(Hint {
            cells: self.hint.of(&merged),
            table: merged.clone(),
        });
        let (path, hinted) = (merged_path(hi), hint_path(hi));
        let made = format!("{path}.tmp");
        let mut steps = vec![Step::call("merge: create", Call::Create(made.clone()))];
        steps.extend(self.write("merge: write", &made, cells_of_table(&merged)));
        steps.extend([
            Step::call("merge: barrier", Call::Barrier(made.clone())),
            Step::call("merge: hint create", Call::Create(hinted.clone())),
        ]);
        steps.extend(self.write("merge: hint write", &hinted, cells_of_hint(&hint)));
        steps.push(Step::call("merge: hint barrier", Call::Barrier(hinted)));
        let (from, to) = (made, path);
        let named = [
            Step::call("merge: rename", Call::Rename { from, to }),
            Step::call(
                "merge: directory barrier",
                Call::DirectoryBarrier(STORE.into()),
            ),
            Step::Change(Change::Merged(merged, hint)),
        ];
        if self.variant == Variant::InputsRemovedFirst {
            steps.extend(given_up);
            steps.extend(named);
        } else {
            steps.extend(named);
            steps.extend(given_up);
        }
        if let Some(before) = before {
            for path in [merged_path(before.hi), hint_path(before.hi)] {
                let is_there = path.ends_with(".merged") || memory.hint.is_some();
                let remove = Step::call("merge: remove", Call::Remove(path));
                steps.extend(is_there.then_some(remove));
            }
        }
        steps
    }

    /// The newest value of each key among the records up to there.
    fn merged(&self, hi: u64, memory: &Memory) -> Arc<Table> {
        let (mut values, mut generation) = (BTreeMap::new(), 0);
        if let Some(before) = &memory.merged {
            values.extend(
                before
                    .entries
                    .iter()
                    .filter_map(|(key, op)| Some((*key, (*op)?))),
            );
            generation = before.generation;
        }
        for record in memory.later().filter(|record| record.index <= hi) {
            for write in &record.writes {
                match write.delete {
                    true => drop(values.remove(&write.key)),
                    false => drop(values.insert(write.key, record.op)),
                }
            }
            generation = record.generation;
        }
        if self.variant == Variant::ActiveTrusted {
            for record in memory.later().filter(|record| record.index > hi) {
                for write in &record.writes {
                    values.remove(&write.key);
                }
            }
        }
        let mut table = Table {
            lo: 1,
            hi,
            generation,
            level: 0,
            entries: values
                .into_iter()
                .map(|(key, op)| (key, Some(op)))
                .collect(),
            cells: 0,
        };
        table.cells = self.merged.of(&table);
        Arc::new(table)
    }

    fn write(
        &self,
        site: crate::protocol::Site,
        path: &str,
        cells: Vec<Token>,
    ) -> Vec<StepOf<Self>> {
        let chunks = cells.chunks(self.chunk).enumerate();
        chunks
            .map(|(number, cells)| {
                let write = Call::Write {
                    file: path.into(),
                    at: number * self.chunk,
                    cells: cells.to_vec(),
                };
                Step::call(site, write)
            })
            .collect()
    }
}

/// Steps of the data files, as steps of the store.
fn file_steps(steps: Vec<StepOf<Segments>>) -> Vec<StepOf<Bitcask>> {
    let steps = steps.into_iter();
    steps.map(|step| step.map_change(&Change::Files)).collect()
}
