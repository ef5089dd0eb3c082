//! What a store had when it was opened again.

use crate::durable::{Found, Outcome, key, number, value};
use std::fmt;

/// So many of each thread's puts are read again, and its last one.
const SAMPLE: u64 = 500;

/// So many of those that it was asked for.
pub(crate) enum Kept {
    Unasked,
    Counted { found: u64, of: u64 },
    Read { found: u64, of: u64 },
}

impl Kept {
    /// Asks for some of what each thread wrote. That it is durable this does not show: nobody cut the power.
    pub(crate) fn of(found: &Found, written: &[u64]) -> Outcome<Kept> {
        let of = written.iter().sum();
        let is_there = |number| {
            let key = key(number);
            let read = match found {
                Found::Pairs(pairs) => pairs.get(&key).cloned(),
                Found::Reads(read) => read(&key)?,
                Found::Unasked | Found::Counted(_) => None,
            };
            Outcome::Ok(read.is_some_and(|read| read == value(&key)))
        };
        match found {
            Found::Unasked => Ok(Kept::Unasked),
            Found::Counted(found) => Ok(Kept::Counted { found: *found, of }),
            Found::Pairs(pairs) if pairs.len() as u64 != of => Ok(Kept::Counted {
                found: pairs.len() as u64,
                of,
            }),
            Found::Pairs(_) | Found::Reads(_) => {
                let (mut found, mut of) = (0, 0);
                for (thread, &count) in written.iter().enumerate() {
                    let step = (count / SAMPLE).max(1) as usize;
                    for nth in (0..count).step_by(step).chain(count.checked_sub(1)) {
                        of += 1;
                        found += u64::from(is_there(number(nth, thread, written.len()))?);
                    }
                }
                Ok(Kept::Read { found, of })
            }
        }
    }

    pub(crate) fn lost(&self) -> bool {
        match self {
            Kept::Unasked => false,
            Kept::Counted { found, of } | Kept::Read { found, of } => found != of,
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Unasked => Ok(()),
            Kept::Counted { found, of } => write!(f, "{found} of {of} counted"),
            Kept::Read { found, of } => write!(f, "{found} of {of} read"),
        }
    }
}
