//! Of records: those that an earlier open served come first, as they were; after them those that returned, in the order
//! of their identities, and at most one more of each thread. Below the truncation point, which is where somebody put it,
//! nothing is left.

use super::Breach;
use crate::engine::wal::Lsn;
use crate::soak::engines::Record;
use crate::soak::operation::{Operation, Task, up_to, written_by};
use crate::soak::told::Told;
use std::collections::BTreeSet;

/// A record, and which operation of which thread made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Made {
    lsn: Lsn,
    thread: u32,
    number: u64,
}

/// What the log holds.
#[derive(Debug, Default)]
pub(super) struct Records {
    held: Vec<Made>,
    point: u64,
    /// The highest identity that anybody knows of.
    highest: Option<Lsn>,
}

impl Records {
    pub(super) fn judge(
        &mut self,
        does: &dyn Fn(u32, u64) -> Operation,
        seed: u64,
        told: &Told,
        point: u64,
        found: &[Record],
    ) -> Result<u64, Breach> {
        self.check_point(does, seed, told, point)?;
        let before = self.highest;
        let mut ought = self.ought(told)?;
        ought.retain(|made| made.lsn.index > point);
        // Without a record that it knows of: under way, or told by somebody who lies.
        let mut open: BTreeSet<(u32, u64)> = BTreeSet::new();
        for (number, thread) in (0..).zip(&told.threads) {
            let nameless = (thread.first..=thread.under_way())
                .filter(|returned| thread.lsn(*returned).is_none())
                .filter(|returned| matches!(does(number, *returned), Operation::Write(_)));
            open.extend(nameless.map(|returned| (number, returned)));
        }
        let made = found.iter().map(|record| made(does, told, record));
        let made: Vec<Made> = made.collect::<Result<_, _>>()?;
        in_order(&made)?;
        let (mut under_way, mut ought) = (0, ought.into_iter().peekable());
        for found in &made {
            if ought.next_if_eq(found).is_some() {
                continue;
            }
            let is_new = before.is_none_or(|before| before < found.lsn);
            if is_new && open.remove(&(found.thread, found.number)) {
                let last = told.threads[found.thread as usize].last();
                under_way += u64::from(found.number > last);
                continue;
            }
            let absent = ought.next_if(|it| it.lsn < found.lsn);
            return Err(absent.map_or_else(|| uncalled(*found), |it| missing(told, it)));
        }
        if let Some(it) = ought.next() {
            return Err(missing(told, it));
        }
        for (thread, number) in open {
            let last = told.threads[thread as usize].last();
            if number <= last {
                let words = format!(
                    "Its operations up to {last} were acknowledged. There is no record of operation {number}."
                );
                return Err(Breach::new(thread, words));
            }
        }
        self.highest = self.highest.max(made.last().map(|made| made.lsn));
        (self.held, self.point) = (made, point);
        Ok(under_way)
    }

    /// The point is the one of before, or where thread 0 moved it in this life; where it was at it, either.
    fn check_point(
        &self,
        does: &dyn Fn(u32, u64) -> Operation,
        seed: u64,
        told: &Told,
        point: u64,
    ) -> Result<(), Breach> {
        let thread = &told.threads[0];
        let (mut indexes, mut now, mut perhaps) = (Vec::new(), self.point, self.point);
        for number in thread.first..=thread.under_way() {
            let moves = Operation::Maintain(Task::Truncate);
            let notes = Operation::Maintain(Task::Checkpoint);
            let done = does(0, number);
            if done == moves || done == notes {
                perhaps = perhaps.max(up_to(seed, number, &indexes));
            }
            if number < thread.under_way() {
                now = perhaps;
            }
            indexes.extend(thread.lsn(number).map(|lsn| lsn.index));
        }
        if point == now || point == perhaps {
            return Ok(());
        }
        let words = format!(
            "All up to record {now} was given up{}. There, all up to {point} is gone.",
            match now == perhaps {
                true => String::new(),
                false => format!(", and all up to {perhaps} was being given up"),
            }
        );
        Err(Breach::new(0, words))
    }

    /// All that returned, in the order of identities, which go up from life to life.
    fn ought(&mut self, told: &Told) -> Result<Vec<Made>, Breach> {
        let mut new = Vec::new();
        for (thread, it) in (0..).zip(&told.threads) {
            let mut before = self.highest;
            for (number, lsn) in (it.first..).zip(&it.returned) {
                let Some(lsn) = *lsn else {
                    continue;
                };
                if before.is_some_and(|before| before >= lsn) {
                    let words = format!(
                        "Its operation {number} was told that its record is {}, and so was an earlier one, or one \
                         after it.",
                        name(lsn)
                    );
                    return Err(Breach::new(thread, words));
                }
                before = Some(lsn);
                new.push(Made {
                    lsn,
                    thread,
                    number,
                });
            }
        }
        new.sort_unstable();
        self.highest = self.highest.max(new.last().map(|made| made.lsn));
        Ok(self.held.iter().copied().chain(new).collect())
    }
}

/// The operation that made a record, which is all that it says.
fn made(
    does: &dyn Fn(u32, u64) -> Operation,
    told: &Told,
    record: &Record,
) -> Result<Made, Breach> {
    let by = written_by(&record.writes);
    let by = by.filter(|(thread, number)| {
        let is_begun = |it: &super::super::told::Thread| *number <= it.under_way();
        told.threads.get(*thread as usize).is_some_and(is_begun)
    });
    let Some((thread, number)) = by else {
        let words = format!(
            "Record {} is there, which no thread wrote.",
            name(record.lsn)
        );
        return Err(Breach::new(None, words));
    };
    let ought = does(thread, number);
    match &ought {
        Operation::Write(writes) if *writes == record.writes => Ok(Made {
            lsn: record.lsn,
            thread,
            number,
        }),
        _ => {
            let there = Operation::Write(record.writes.clone());
            let words = format!(
                "Its operation {number} is: {ought}. There, record {} of it is: {there}.",
                name(record.lsn)
            );
            Err(Breach::new(thread, words))
        }
    }
}

/// Identities go up, and so do the numbers of each thread.
fn in_order(made: &[Made]) -> Result<(), Breach> {
    let wrong = made.windows(2).find(|two| {
        let [one, other] = two else {
            return false;
        };
        one.lsn.index >= other.lsn.index || one.lsn.generation > other.lsn.generation
    });
    if let Some([one, other]) = wrong {
        let words = format!(
            "Record {} comes after record {}.",
            name(other.lsn),
            name(one.lsn)
        );
        return Err(Breach::new(other.thread, words));
    }
    let mut last = std::collections::BTreeMap::new();
    for made in made {
        let before = last.insert(made.thread, made.number);
        if let Some(before) = before.filter(|before| *before >= made.number) {
            let words = format!("Its operation {} is there after {before}.", made.number);
            return Err(Breach::new(made.thread, words));
        }
    }
    Ok(())
}

fn missing(told: &Told, made: Made) -> Breach {
    let thread = &told.threads[made.thread as usize];
    let what = match made.number < thread.first {
        true => "which an earlier open served".to_string(),
        false => format!("of those up to {}, which were acknowledged", thread.last()),
    };
    let words = format!(
        "Record {}, of its operation {}, {what}, is missing.",
        name(made.lsn),
        made.number
    );
    Breach::new(made.thread, words)
}

fn uncalled(made: Made) -> Breach {
    let words = format!(
        "Record {}, of its operation {}, is there, which should not be: an earlier open did not serve it, or it has \
         another place.",
        name(made.lsn),
        made.number
    );
    Breach::new(made.thread, words)
}

fn name(lsn: Lsn) -> String {
    format!("{}.{}", lsn.generation, lsn.index)
}

#[cfg(test)]
mod tests;
