//! A counterexample in lines: what a failing test prints, and what a screen reader reads.

use super::{Counterexample, Fate, Fated, Mark, Script, Step};
use std::fmt;

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = &self.broken;
        let how = match &self.script {
            Script::Code(code) => format!("{} ({})", code.breach, broken.promise),
            Script::Model { .. } => format!("violates {} ({})", broken.promise, broken.name),
        };
        writeln!(f, "{} on {}: {how}", self.name, self.profile.name)?;
        writeln!(f, "  promised: {}", broken.promised)?;
        writeln!(f, "  there:    {}\n", broken.there)?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {number:>3}  {}", step.in_words())?;
            for effect in step
                .effects
                .iter()
                .filter(|effect| effect.fate != Fate::Either)
            {
                writeln!(f, "         {}", effect.in_words())?;
            }
        }
        for why in self.why() {
            writeln!(f, "\n  {why}")?;
        }
        Ok(())
    }
}

impl Step {
    /// Who does it, where that is not plain: `recovery: `.
    pub fn who(&self) -> &'static str {
        match self.mark {
            Mark::Served | Mark::Unopened => "",
            _ if self.recovery => "recovery: ",
            _ => "",
        }
    }

    /// `recovery: write log [0..4] = 0x..  -> Ok, durable`.
    pub fn in_words(&self) -> String {
        let told = match self.client.is_empty() {
            true => String::new(),
            false => format!("  -> {}", self.client),
        };
        format!("{}{}{told}", self.who(), self.what)
    }
}

impl Fated {
    /// `lost: name store/1.sst`.
    pub fn in_words(&self) -> String {
        let fate = match self.fate {
            Fate::Kept => "kept",
            Fate::Lost => "lost",
            Fate::Either => "either",
        };
        format!("{fate}: {}", self.what)
    }
}

impl Counterexample {
    /// Why what is lost could be lost: one sentence for each barrier that would have kept it.
    pub fn why(&self) -> Vec<String> {
        let mut why = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let mut lost: Vec<(&str, bool, Vec<&Fated>)> = Vec::new();
            for effect in step
                .effects
                .iter()
                .filter(|effect| effect.fate == Fate::Lost)
            {
                let same = |(barrier, doomed, _): &&mut (&str, bool, Vec<&Fated>)| {
                    *barrier == effect.barrier && *doomed == effect.doomed
                };
                match lost.iter_mut().find(same) {
                    Some((_, _, effects)) => effects.push(effect),
                    None => lost.push((&effect.barrier, effect.doomed, vec![effect])),
                }
            }
            for (barrier, doomed, effects) in lost {
                let whats: Vec<&str> = effects.iter().map(|effect| &effect.what[..]).collect();
                let since = effects.iter().map(|effect| effect.since).max().unwrap_or(0);
                let whats = match &whats[..] {
                    [first, second, third, rest @ ..] if rest.len() > 1 => {
                        format!("{first}, {second}, {third} and {} more", rest.len())
                    }
                    few => few.join(", "),
                };
                why.push(match doomed {
                    true => format!(
                        "Step {number} could lose {whats}: the {barrier} failed, and no later one covers what \
                         it was to cover."
                    ),
                    false => format!(
                        "Step {number} could lose {whats}: only cached since step {since}, and no {barrier} \
                         completed before the power went."
                    ),
                });
            }
        }
        why
    }
}
