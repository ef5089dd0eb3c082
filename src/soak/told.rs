//! The log of acknowledgements: what a life told before it was killed. It is kept by who kills, and no kill takes it.

use crate::engine::wal::Lsn;

/// What a life told.
#[derive(Debug)]
pub(super) struct Told {
    /// By thread.
    pub(super) threads: Vec<Thread>,
}

/// What a thread told.
#[derive(Debug)]
pub(super) struct Thread {
    /// The number of its first operation.
    pub(super) first: u64,
    /// The records of those that returned, one after another; `None` where it has none.
    pub(super) returned: Vec<Option<Lsn>>,
}

impl Thread {
    /// The operation that was under way, or would have been the next.
    pub(super) fn under_way(&self) -> u64 {
        self.first + self.returned.len() as u64
    }

    /// The last operation that returned; one less than the first where none did.
    pub(super) fn last(&self) -> u64 {
        self.under_way() - 1
    }

    /// The record that an operation was told it has.
    pub(super) fn lsn(&self, number: u64) -> Option<Lsn> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        *self.returned.get(place)?
    }
}

/// What is said instead of an acknowledgement: by which thread, and what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) thread: u32,
    pub(super) words: String,
}

impl Told {
    /// Nothing yet; `first` is the first operation of each thread.
    pub(super) fn nothing(first: &[u64]) -> Told {
        let thread = |first: &u64| Thread {
            first: *first,
            returned: Vec::new(),
        };
        Told {
            threads: first.iter().map(thread).collect(),
        }
    }

    /// What stands on the pipe; `None` where that makes no sense.
    pub(super) fn read(first: &[u64], pipe: &str) -> Option<(Told, Option<Complaint>)> {
        let (mut told, mut complaint) = (Told::nothing(first), None);
        for line in pipe.lines().filter(|line| *line != ".") {
            match line.strip_prefix("! ") {
                None => told.take(line)?,
                Some(words) => {
                    let (thread, words) = words.split_once(' ')?;
                    let thread = thread.parse().ok()?;
                    let words = words.into();
                    complaint.get_or_insert(Complaint { thread, words });
                }
            }
        }
        Some((told, complaint))
    }

    /// An acknowledgement. Each thread counts.
    fn take(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let thread: usize = words.next()?.parse().ok()?;
        let number: u64 = words.next()?.parse().ok()?;
        let lsn = match words.next() {
            None => None,
            Some(lsn) => {
                let (generation, index) = lsn.split_once('.')?;
                let (generation, index) = (generation.parse().ok()?, index.parse().ok()?);
                Some(Lsn { generation, index })
            }
        };
        let thread = self.threads.get_mut(thread)?;
        (thread.under_way() == number).then(|| thread.returned.push(lsn))
    }

    /// How many operations returned.
    pub(super) fn count(&self) -> u64 {
        let returned = self.threads.iter().map(|thread| thread.returned.len());
        returned.sum::<usize>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_read_by_thread_with_their_records() {
        let (told, complaint) = Told::read(&[1, 7], ".\n1 7 2.30\n0 1\n1 8 2.32\n").expect("lines");
        assert_eq!((told.count(), complaint), (3, None));
        assert_eq!(
            (told.threads[0].last(), told.threads[1].under_way()),
            (1, 9)
        );
        let lsn = |index| {
            Some(Lsn {
                generation: 2,
                index,
            })
        };
        assert_eq!(told.threads[1].returned, [lsn(30), lsn(32)]);
        assert_eq!(
            (told.threads[1].lsn(8), told.threads[1].lsn(6)),
            (lsn(32), None)
        );
    }

    #[test]
    fn a_thread_that_does_not_count_is_not_believed() {
        for lines in ["0 2\n", "0 1\n0 1\n", "2 1\n", "0 1 5\n", "zero\n", "! a\n"] {
            assert!(Told::read(&[1, 1], lines).is_none(), "{lines}");
        }
        let (_, complaint) = Told::read(&[1], "0 1\n! 0 it is gone\n").expect("lines");
        assert_eq!(complaint.expect("one").words, "it is gone");
    }
}
