//! What a client did and was told, and what a recovery may therefore show.
//!
//! A recovered state is legal if it is what was settled before (served by the last recovery, or empty) and
//! then, in the order of issue, every operation up to some point, of which all that are promised
//! durable are among them, and each that failed or was under way is in or out, whole. (D1 to D4 of the
//! contract, as `models::contract` has them for models.)

use super::contract::{Contract, Operation, Told};
use crate::counterexample::Breach;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    UnderWay,
    Failed,
    Returned,
}

/// What happened between a client and its store, since the store last served what is settled.
#[derive(Debug)]
pub(super) struct History<C: Contract> {
    /// The legal states when this began: one, if a recovery served it.
    settled: Vec<C::State>,
    operations: Vec<(Arc<Operation<C::Write>>, Outcome)>,
    /// So many of them are promised durable, as far as they returned.
    durable: usize,
    /// What was asked for before that.
    earlier: Vec<Arc<Operation<C::Write>>>,
}

impl<C: Contract> Clone for History<C> {
    fn clone(&self) -> Self {
        Self {
            settled: self.settled.clone(),
            operations: self.operations.clone(),
            durable: self.durable,
            earlier: self.earlier.clone(),
        }
    }
}

impl<C: Contract> History<C> {
    /// Nothing happened since one of these states was.
    pub(super) fn after(settled: Vec<C::State>) -> Self {
        Self {
            settled,
            operations: Vec::new(),
            durable: 0,
            earlier: Vec::new(),
        }
    }

    /// The same, in a store of which this is what was before.
    pub(super) fn remembering(mut self, before: &Self) -> Self {
        self.earlier.clone_from(&before.earlier);
        let asked = before.operations.iter();
        self.earlier
            .extend(asked.map(|(operation, _)| operation.clone()));
        self
    }

    /// A client asks.
    pub(super) fn asked(&mut self, operation: &Operation<C::Write>) {
        let operation = Arc::new(operation.clone());
        self.operations.push((operation, Outcome::UnderWay));
    }

    /// It is answered.
    pub(super) fn answered(&mut self, answer: Option<Told>) {
        if let Some((_, outcome)) = self.operations.last_mut() {
            *outcome = match answer {
                Some(_) => Outcome::Returned,
                None => Outcome::Failed,
            };
        }
        if answer == Some(Told::Durable) {
            self.durable = self.operations.len();
        }
    }

    /// Whether a store that shows nothing would break a promise.
    pub(super) fn promises(&self) -> bool {
        !self.legal().contains(&C::State::default())
    }

    /// What the store shows while nothing fails.
    pub(super) fn shown(&self) -> Option<C::State> {
        let mut state = self.settled.first()?.clone();
        for (operation, outcome) in &self.operations {
            if *outcome != Outcome::Failed {
                operation
                    .writes()
                    .iter()
                    .for_each(|write| C::write(&mut state, write));
            }
        }
        Some(state)
    }

    /// The states that a recovery may show, each once: the one that lost the most comes first.
    pub(super) fn legal(&self) -> Vec<C::State> {
        let mut legal = Vec::new();
        self.each_state(false, &mut |state| {
            if !legal.contains(&state) {
                legal.push(state);
            }
        });
        legal
    }

    /// Every state that is legal, or that would be if batches could be there in part.
    fn each_state(&self, in_part: bool, found: &mut dyn FnMut(C::State)) {
        let (mut items, mut durable) = (Vec::new(), 0);
        for (i, (operation, outcome)) in self.operations.iter().enumerate() {
            let writes = operation.writes();
            match in_part && writes.len() > 1 {
                true => items.extend(
                    writes
                        .iter()
                        .map(|write| (std::slice::from_ref(write), true)),
                ),
                false => items.push((writes, *outcome != Outcome::Returned)),
            }
            if i < self.durable {
                durable = items.len();
            }
        }
        for settled in &self.settled {
            go_on::<C>(settled.clone(), &items, durable, found);
        }
    }

    /// Whether what is gone was served by a recovery, and nothing acknowledged is.
    pub(super) fn was_only_served(&self, found: &C::State) -> bool {
        let first = History::<C> {
            settled: vec![C::State::default()],
            ..self.clone()
        };
        let facts = C::facts(found);
        let shown = |state: &C::State| {
            C::facts(state)
                .iter()
                .all(|fact| facts.get(fact.0) == Some(fact.1))
        };
        first.legal().iter().any(shown)
    }

    /// Names what is wrong with a state that is not legal, and says it in a sentence.
    pub(super) fn breach(&self, found: &C::State) -> (Breach, String) {
        let mut partial = false;
        self.each_state(true, &mut |state| partial |= state == *found);
        if partial {
            return (
                Breach::Partial,
                "a part of a batch is there, and another is not".into(),
            );
        }
        let legal: Vec<_> = self.legal().iter().map(C::facts).collect();
        let facts = C::facts(found);
        let known = self.known();
        for (place, fact) in &facts {
            if !known.contains(&(place.clone(), fact.clone())) {
                return (
                    Breach::Invented,
                    format!("{place} is {fact}, which nobody wrote"),
                );
            }
        }
        let may = |place: &String| -> BTreeSet<Option<&String>> {
            legal.iter().map(|facts| facts.get(place)).collect()
        };
        let places: BTreeSet<&String> = facts
            .keys()
            .chain(legal.iter().flat_map(BTreeMap::keys))
            .collect();
        for place in places {
            let allowed = may(place);
            let shown = facts.get(place);
            if allowed.contains(&shown) {
                continue;
            }
            let promised = allowed.iter().rev().flatten().next();
            return match (shown, promised) {
                (Some(shown), None) if self.was_found_absent(place, shown) => (
                    Breach::Gap,
                    format!("{place} is {shown}, which a recovery had found absent"),
                ),
                (Some(shown), None) => (
                    Breach::Resurrected,
                    format!("{place} is {shown}, and is to be there no more"),
                ),
                (None, Some(promised)) => (
                    Breach::Lost,
                    format!("{place} is gone, and is to be {promised}"),
                ),
                (Some(shown), Some(promised)) => (
                    Breach::Lost,
                    format!("{place} is {shown}, and is to be {promised}"),
                ),
                (None, None) => continue,
            };
        }
        (
            Breach::Gap,
            "each of it could be there, and not together: something earlier is missing, or something that was \
             found absent is back"
                .into(),
        )
    }

    /// Whether a fact was asked for before the last recovery, and is in none of what that served.
    fn was_found_absent(&self, place: &str, shown: &str) -> bool {
        let since = History::<C> {
            earlier: Vec::new(),
            ..self.clone()
        };
        !since
            .known()
            .contains(&(place.to_string(), shown.to_string()))
    }

    /// Every fact that ever was or may have been.
    fn known(&self) -> BTreeSet<(String, String)> {
        let mut known = BTreeSet::new();
        let mut state = C::State::default();
        for operation in &self.earlier {
            for write in operation.writes() {
                C::write(&mut state, write);
                known.extend(C::facts(&state));
            }
        }
        for settled in &self.settled {
            let mut state = settled.clone();
            known.extend(C::facts(&state));
            for (operation, _) in &self.operations {
                for write in operation.writes() {
                    C::write(&mut state, write);
                    known.extend(C::facts(&state));
                }
            }
        }
        known
    }
}

/// The states that writes lead to, which are in or out where they are optional, up to any point that leaves
/// none of the first `durable` ones.
fn go_on<C: Contract>(
    state: C::State,
    items: &[(&[C::Write], bool)],
    durable: usize,
    found: &mut dyn FnMut(C::State),
) {
    if durable == 0 {
        found(state.clone());
    }
    let Some(((writes, optional), rest)) = items.split_first() else {
        return;
    };
    let mut with = state.clone();
    writes.iter().for_each(|write| C::write(&mut with, write));
    if *optional {
        go_on::<C>(state, rest, durable.saturating_sub(1), found);
    }
    go_on::<C>(with, rest, durable.saturating_sub(1), found);
}

#[cfg(test)]
mod tests {
    use super::super::contract::{Map, MapWrite};
    use super::*;

    fn put(key: &str, value: &str) -> Operation<MapWrite> {
        Operation::Write(vec![MapWrite::put(key, value)])
    }

    fn state(pairs: &[(&str, &str)]) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect()
    }

    /// Each operation with its answer; none: it failed. The last one is under way where it says so.
    fn history(done: &[(Operation<MapWrite>, Option<Told>)], under_way: bool) -> History<Map> {
        let mut history = History::after(vec![BTreeMap::new()]);
        for (i, (operation, answer)) in done.iter().enumerate() {
            history.asked(operation);
            if !under_way || i + 1 < done.len() {
                history.answered(*answer);
            }
        }
        history
    }

    #[test]
    fn what_is_durable_is_there_and_what_is_under_way_may_be() {
        let done = [(put("a", "1"), Some(Told::Durable)), (put("b", "2"), None)];
        let legal = history(&done, true).legal();
        assert_eq!(
            legal,
            [state(&[("a", "1")]), state(&[("a", "1"), ("b", "2")])]
        );
    }

    #[test]
    fn what_only_returned_goes_from_the_newest_on() {
        let done = [
            (put("a", "1"), Some(Told::Returned)),
            (put("b", "2"), Some(Told::Returned)),
        ];
        let legal = history(&done, false).legal();
        let expected = [
            state(&[]),
            state(&[("a", "1")]),
            state(&[("a", "1"), ("b", "2")]),
        ];
        assert_eq!(legal, expected);
        let later = [&done[..], &[(Operation::Sync, Some(Told::Durable))]].concat();
        assert_eq!(history(&later, false).legal(), expected[2..]);
    }

    #[test]
    fn what_failed_is_in_or_out_before_what_is_durable() {
        let done = [(put("a", "1"), None), (put("a", "2"), Some(Told::Durable))];
        assert_eq!(history(&done, false).legal(), [state(&[("a", "2")])]);
        let done = [(put("a", "1"), None), (put("b", "2"), Some(Told::Durable))];
        let legal = history(&done, false).legal();
        assert_eq!(
            legal,
            [state(&[("b", "2")]), state(&[("a", "1"), ("b", "2")])]
        );
    }

    #[test]
    fn breaches_are_kept_apart() {
        let batch = Operation::Write(vec![MapWrite::put("a", "3"), MapWrite::put("c", "3")]);
        let deleted = Operation::Write(vec![MapWrite::delete("b")]);
        let done = [
            (put("a", "1"), Some(Told::Durable)),
            (put("b", "2"), Some(Told::Durable)),
            (deleted, Some(Told::Durable)),
            (batch, None),
        ];
        let history = history(&done, true);
        let named = |pairs: &[(&str, &str)]| history.breach(&state(pairs)).0;
        assert_eq!(named(&[]), Breach::Lost);
        assert_eq!(named(&[("a", "1"), ("b", "2")]), Breach::Resurrected);
        assert_eq!(named(&[("a", "3")]), Breach::Partial);
        assert_eq!(named(&[("a", "x")]), Breach::Invented);
        let done = [
            (put("a", "1"), Some(Told::Returned)),
            (put("b", "2"), Some(Told::Returned)),
        ];
        let history = super::tests::history(&done, false);
        assert_eq!(history.breach(&state(&[("b", "2")])).0, Breach::Gap);
    }
}
