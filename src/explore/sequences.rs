//! Workloads, all of them up to a length: every sequence of operations over a small alphabet, the shortest
//! first, so that the first violation has as few client operations as any (Mohan et al., OSDI '18, section 4:
//! bounded black-box testing).

use super::contract::{Contract, Operation};
use std::fmt::Debug;

/// Every sequence of one to `length` operations of an alphabet, the shortest first, but for those that are
/// another one with its letters exchanged: where letters are alike, they are used in the order of the alphabet.
///
/// `alike`: letters with the same number mean the same but for a name, such as puts of two keys that nobody
/// has touched yet; of those a sequence first uses the first, then the second.
pub fn every_sequence<W: Clone>(
    alphabet: &[Operation<W>],
    length: usize,
    alike: impl Fn(&Operation<W>) -> Option<usize>,
) -> impl Iterator<Item = Vec<Operation<W>>> {
    let classes: Vec<Option<usize>> = alphabet.iter().map(alike).collect();
    (1..=length).flat_map(move |length| {
        let letters = alphabet.len();
        let count = letters.pow(length as u32);
        let sequence = move |mut number: usize| -> Vec<usize> {
            let mut places = vec![0; length];
            for place in places.iter_mut().rev() {
                *place = number % letters;
                number /= letters;
            }
            places
        };
        let classes = classes.clone();
        (0..count)
            .map(sequence)
            .filter(move |places| uses_in_order(places, &classes))
            .map(|places| {
                places
                    .iter()
                    .map(|&place| alphabet[place].clone())
                    .collect()
            })
    })
}

/// Whether the letters of each class are first used in the order of the alphabet.
fn uses_in_order(places: &[usize], classes: &[Option<usize>]) -> bool {
    places.iter().enumerate().all(|(i, &place)| {
        let Some(class) = classes[place] else {
            return true;
        };
        let earlier = (0..place).filter(|&other| classes[other] == Some(class));
        earlier
            .into_iter()
            .all(|other| places[..i].contains(&other))
    })
}

/// What a workload came to that is no *holds*: the workload, and why, to read.
#[derive(Clone, Debug)]
pub struct Refuted<C: Contract> {
    /// What the client asked for.
    pub operations: Vec<Operation<C::Write>>,
    /// The counterexample, or why there is no verdict.
    pub because: String,
}

/// What exploring many workloads came to.
#[derive(Debug)]
pub struct Sequences<C: Contract> {
    /// Workloads that hold.
    pub hold: usize,
    /// Recoveries that were run.
    pub recoveries: usize,
    /// The first that does not.
    pub refuted: Option<Refuted<C>>,
}

#[cfg(test)]
mod tests {
    use super::super::contract::MapWrite;
    use super::*;

    #[test]
    fn sequences_that_differ_in_names_only_are_one() {
        let put = |key: &str| Operation::Write(vec![MapWrite::put(key, "1")]);
        let alphabet = [put("a"), put("b"), Operation::Sync];
        let is_put =
            |operation: &Operation<MapWrite>| (!operation.writes().is_empty()).then_some(0);
        let all: Vec<_> = every_sequence(&alphabet, 2, |_| None).collect();
        assert_eq!(all.len(), 3 + 9);
        let reduced: Vec<_> = every_sequence(&alphabet, 2, is_put).collect();
        // Without b; b after a; b after sync and b after b begin with b.
        let expected = [
            vec![put("a")],
            vec![Operation::Sync],
            vec![put("a"), put("a")],
            vec![put("a"), put("b")],
            vec![put("a"), Operation::Sync],
            vec![Operation::Sync, put("a")],
            vec![Operation::Sync, Operation::Sync],
        ];
        assert_eq!(reduced, expected);
    }
}
