//! The choices of one run, and how the next run differs: depth first, as loom does it.

/// What is chosen, in the order in which it is asked. A run that is given the same list and asks the
/// same questions takes the same way; beyond the list it takes the first option of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choices {
    /// The option that was taken, and how many there were.
    taken: Vec<(u32, u32)>,
    asked: usize,
    parted: bool,
}

impl Choices {
    /// The run that takes these options, and the first one of whatever else is asked.
    pub fn of(options: &[usize]) -> Self {
        let of = |&option: &usize| (option as u32, 0);
        Self {
            taken: options.iter().map(of).collect(),
            ..Self::default()
        }
    }

    /// One of so many options; there is at least one.
    pub fn choose(&mut self, options: usize) -> usize {
        let options = options as u32;
        match self.taken.get_mut(self.asked) {
            Some(taken) => {
                self.parted |= taken.1 != 0 && taken.1 != options;
                taken.1 = options;
                taken.0 = taken.0.min(options - 1);
            }
            None => self.taken.push((0, options)),
        }
        self.asked += 1;
        self.taken[self.asked - 1].0 as usize
    }

    /// How many were asked for so far.
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// Whether this run was asked something else than the one that it follows: then the program is not the
    /// same in every run.
    pub fn parted(&self) -> bool {
        self.parted
    }

    /// The options that were taken so far.
    pub fn options(&self) -> Vec<usize> {
        let asked = &self.taken[..self.asked];
        asked.iter().map(|(option, _)| *option as usize).collect()
    }

    /// Makes this the list of the next run: exhausted choices are dropped from the end, and the last
    /// one that is left is advanced. Says how many choices the two runs have in common; `None` where
    /// there is no other run.
    pub fn advance(&mut self) -> Option<usize> {
        self.parted |= self.asked < self.taken.len();
        self.taken.truncate(self.asked);
        self.asked = 0;
        while self
            .taken
            .pop_if(|(option, of)| *option + 1 >= *of)
            .is_some()
        {}
        let last = self.taken.last_mut()?;
        last.0 += 1;
        Some(self.taken.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_taken_once_the_first_options_first() {
        let (mut choices, mut ways) = (Choices::default(), Vec::new());
        loop {
            let first = choices.choose(2);
            let second = if first == 1 { choices.choose(3) } else { 0 };
            ways.push((first, second));
            if choices.advance().is_none() {
                break;
            }
        }
        assert_eq!(ways, [(0, 0), (1, 0), (1, 1), (1, 2)]);
    }
}
