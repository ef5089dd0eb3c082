//! Several pieces of work at a time, each on a thread of its own; their answers come in the order of the
//! pieces, whatever order they start in.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread::scope;

/// Does pieces of work, so many at a time, begun in the order that `begin` says, and takes their answers in
/// the order of their numbers: `begin` has each number below its length once. After an error no other piece is
/// begun.
pub fn in_order<T: Send, E>(
    begin: Vec<usize>,
    at_a_time: usize,
    work: impl Fn(usize) -> T + Sync,
    mut answer: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let waiting = Mutex::new(begin.into_iter());
    let next = || waiting.lock().ok()?.next();
    let (sender, answers) = channel();
    scope(|scope| {
        for _ in 0..at_a_time {
            let sender = sender.clone();
            let (work, next) = (&work, &next);
            scope.spawn(move || {
                while let Some(place) = next() {
                    if sender.send((place, work(place))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (place, answered) in answers {
            early.insert(place, answered);
            while let Some(answered) = early.remove(&due) {
                answer(answered)?;
                due += 1;
            }
        }
        Ok(())
    })
}
