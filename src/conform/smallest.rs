//! A script that diverges, in fewer steps and with less lost: before anybody sees it.

use super::{Script, Step};

impl Script {
    /// The smallest script that can be found that fails alike: no step can be left out, and nothing that a power cut loses
    /// can be kept, with whatever lost space reads instead of zeros.
    #[must_use]
    pub fn smallest(self, fails: impl Fn(&Script) -> bool) -> Script {
        let mut smallest = self;
        let try_out = |smallest: &mut Script, tried: Script| {
            let smaller = fails(&tried);
            if smaller {
                *smallest = tried;
            }
            smaller
        };
        let mut step = smallest.steps.len();
        while step > 0 {
            step -= 1;
            let mut tried = smallest.clone();
            tried.steps.remove(step);
            if try_out(&mut smallest, tried) {
                step = step.min(smallest.steps.len());
            }
        }
        for step in 0..smallest.steps.len() {
            let Step::PowerCut { keep, fills } = &smallest.steps[step] else {
                continue;
            };
            let (kept, filled) = (keep.len(), fills.len());
            for fill in 0..filled {
                let mut tried = smallest.clone();
                if let Step::PowerCut { fills, .. } = &mut tried.steps[step]
                    && std::mem::take(&mut fills[fill]) != 0
                {
                    try_out(&mut smallest, tried);
                }
            }
            for effect in (0..kept).rev() {
                let mut tried = smallest.clone();
                if let Step::PowerCut { keep, .. } = &mut tried.steps[step]
                    && !std::mem::replace(&mut keep[effect], true)
                {
                    try_out(&mut smallest, tried);
                }
            }
        }
        smallest
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Discipline, Sync};
    use super::*;

    #[test]
    fn no_step_is_left_that_could_go_and_nothing_lost_that_could_be_kept() {
        let cut = |keep: [bool; 4], fills: [usize; 2]| Step::PowerCut {
            keep: keep.to_vec(),
            fills: fills.to_vec(),
        };
        let lossy = cut([false, false, true, false], [1, 2]);
        let long = Script {
            steps: vec![Step::Sync, Step::Kill, Step::Flush, lossy, Step::Sync],
            ..Script::of(Discipline::Durable, Sync::Every, &[])
        };
        // A kill before a power cut that loses the second effect.
        let fails = |script: &Script| {
            let loses = |step: &Step| matches!(step, Step::PowerCut { keep, .. } if !keep[1]);
            let killed = script.steps.iter().position(|step| *step == Step::Kill);
            killed.is_some_and(|at| script.steps[at..].iter().any(loses))
        };
        let expected = [Step::Kill, cut([true, false, true, true], [0, 0])];
        assert_eq!(long.smallest(fails).steps, expected);
    }
}
