//! What goes on beside the operations: a list of steps that is taken in any order with theirs.
//!
//! ```text
//!   operations   write . . . . barrier acknowledge          write barrier acknowledge
//!   beside             create write    . . . . . .  barrier       . . .   rename barrier
//! ```
//!
//! It is begun by its first step, in a store that serves, and a crash ends it with the process. There is one such list
//! at a time: who would do two things at once does them one after the other here.

use super::process::{Doing, Ground, Process, Taken};
use crate::contract::Event;
use crate::disk::{Disk, Failure, Refusal};
use crate::protocol::{Protocol, Step, StepOf};

impl<P: Protocol> Ground<P> {
    /// The process with the steps that are next beside its operations. `None`: there are none.
    pub fn begun<'p>(&self, process: &'p Process<P>) -> Option<std::borrow::Cow<'p, Process<P>>> {
        if !process.beside.is_empty() {
            return Some(std::borrow::Cow::Borrowed(process));
        }
        if matches!(process.doing, Doing::Recovery | Doing::Down) {
            return None;
        }
        let steps = self.thinned(self.protocol.beside(&process.memory));
        if steps.is_empty() {
            return None;
        }
        let mut begun = process.clone();
        begun.beside = steps;
        self.change_beside(&mut begun);
        Some(std::borrow::Cow::Owned(begun))
    }

    /// Takes the next step beside the operations, where there is one.
    pub fn step_beside(&self, process: &Process<P>, disk: &Disk<P::Cell>) -> Option<Taken<P>> {
        let mut process = self.begun(process)?.into_owned();
        let mut disk = disk.clone();
        let step = process.beside.remove(0);
        let mut events = self.guards(&step, &process.memory, &disk);
        let Step::Call { call, .. } = &step else {
            unreachable!("what is beside the operations answers nobody");
        };
        match disk.apply(call, &self.profile) {
            Ok(()) => self.change_beside(&mut process),
            Err(refusal) => {
                if refusal == Refusal::Aborted {
                    events.push(Event::FailedBeside);
                }
                self.fail_beside(&mut process, &step);
            }
        }
        Some((process, disk, events))
    }

    /// Fails the next step beside the operations, which is a barrier.
    pub fn failed_beside(
        &self,
        process: &Process<P>,
        disk: &Disk<P::Cell>,
        failure: Failure,
    ) -> Option<Taken<P>> {
        let mut process = self.begun(process)?.into_owned();
        let step = process.beside.remove(0);
        let Step::Call { call, .. } = &step else {
            return None;
        };
        let is_possible = Failure::of(call).contains(&failure);
        let node = disk.view().lookup(call.path()).filter(|_| is_possible)?;
        let mut disk = disk.clone();
        disk.fail_barrier(node, failure);
        self.fail_beside(&mut process, &step);
        Some((process, disk, vec![Event::FailedBeside]))
    }

    fn fail_beside(&self, process: &mut Process<P>, step: &StepOf<P>) {
        process.beside.clear();
        for change in self.protocol.failed_beside(step, &process.memory) {
            self.protocol.change(&mut process.memory, &change);
        }
    }

    /// Runs the changes in memory that come next.
    fn change_beside(&self, process: &mut Process<P>) {
        while let Some(Step::Change(change)) = process.beside.first() {
            self.protocol.change(&mut process.memory, &change.clone());
            process.beside.remove(0);
        }
    }
}
