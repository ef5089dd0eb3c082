//! Crashes of a machine, and who comes by at its calls.

use super::Simulated;
use super::machine::Visitor;
use models::disk::Disk;
use models::disk::image::Fates;
use models::disk::lazy::{Choices, Lazy};

impl Simulated {
    /// Kills the process: its handles are dead and its locks gone. What is cached stays.
    pub fn kill(&self) {
        self.machine().next_life();
    }

    /// Cuts the power, with these fates of the effects in the log of [`Simulated::disk`], and takes
    /// the process with it.
    pub fn power_cut(&self, fates: &Fates) {
        let mut machine = self.machine();
        machine.disk = Lazy::from(machine.disk.known().crash(fates, &machine.profile));
        machine.next_life();
    }

    /// Cuts the power, with the fates that `choose` makes of the disk.
    pub fn power_cut_by(&self, choose: impl FnOnce(&Disk<u8>) -> Fates) {
        let fates = choose(&self.disk());
        self.power_cut(&fates);
    }

    /// Every machine that a power cut could leave now, as far as `recover` can tell them apart: it is given one
    /// after the other, and what it reads decides which fates are open. This machine goes on as it was.
    pub fn after_power_cut(&self, mut recover: impl FnMut(&Simulated)) {
        let (disk, profile) = {
            let machine = self.machine();
            (machine.disk.clone(), machine.profile.clone())
        };
        let cut = disk.power_cut(&profile);
        let mut choices = Choices::default();
        loop {
            let left = Simulated::lazily(cut.clone(), profile.clone(), choices);
            left.untraced();
            recover(&left);
            choices = left.choices();
            if choices.advance().is_none() {
                return;
            }
        }
    }

    /// From now on this is called before each call that changes something, and before each barrier, with the number of
    /// the call (see [`Simulated::calls`]), on the thread that makes the call. It may let other threads go on, but
    /// none that makes such calls. `None`: no more.
    pub fn visit(&self, visitor: Option<Box<dyn FnMut(usize) + Send>>) {
        self.machine().visitor = visitor.map(Visitor);
    }

    /// A call is about to be made.
    pub(super) fn is_visited(&self) {
        let (visitor, call) = {
            let mut machine = self.machine();
            (machine.visitor.take(), machine.calls)
        };
        if let Some(mut visitor) = visitor {
            (visitor.0)(call);
            self.machine().visitor.get_or_insert(visitor);
        }
    }
}
