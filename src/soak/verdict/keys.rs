//! Of keys: those of each thread are as after the last of its operations that returned, or as after the next.

use super::Breach;
use crate::engine::wal::Write;
use crate::soak::operation::Operation;
use crate::soak::say;
use crate::soak::told::Told;
use std::collections::{BTreeMap, BTreeSet};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// The keys of each thread.
#[derive(Debug)]
pub(super) struct Keys(Vec<Map>);

fn apply(operation: &Operation, map: &mut Map) {
    let Operation::Write(writes) = operation else {
        return;
    };
    for write in writes {
        match write {
            Write::Put { key, value } => map.insert(key.clone(), value.clone()),
            Write::Delete { key } => map.remove(key),
        };
    }
}

/// The thread that writes this key.
fn owner(key: &[u8]) -> Option<usize> {
    let thread = key.split(|byte| *byte == b'/').next()?;
    std::str::from_utf8(thread).ok()?.parse().ok()
}

impl Keys {
    pub(super) fn new(threads: u32) -> Keys {
        Keys(vec![Map::new(); threads as usize])
    }

    pub(super) fn judge(
        &mut self,
        does: &dyn Fn(u32, u64) -> Operation,
        told: &Told,
        found: &Map,
    ) -> Result<u64, Breach> {
        let mut owned = vec![Map::new(); self.0.len()];
        for (key, value) in found {
            let its = owner(key).and_then(|thread| owned.get_mut(thread));
            let its = its.ok_or_else(|| {
                let key = String::from_utf8_lossy(key);
                Breach::new(None, format!("Key {key} is there, which no thread wrote."))
            })?;
            its.insert(key.clone(), value.clone());
        }
        let mut under_way = 0;
        for (number, found) in owned.into_iter().enumerate() {
            let (thread, held) = (&told.threads[number], &mut self.0[number]);
            let number = number as u32;
            for returned in thread.first..thread.under_way() {
                apply(&does(number, returned), held);
            }
            if found == *held {
                continue;
            }
            let next = does(number, thread.under_way());
            let mut with = held.clone();
            apply(&next, &mut with);
            if found != with {
                let words = differs(thread.last(), held, &next, &with, &found);
                return Err(Breach::new(number, words));
            }
            under_way += 1;
            *held = with;
        }
        Ok(under_way)
    }
}

/// How the keys that were found are neither as before nor as after the operation that was under way.
fn differs(last: u64, before: &Map, next: &Operation, after: &Map, found: &Map) -> String {
    let (at, told) = (
        last + 1,
        format!("Its operations up to {last} were acknowledged"),
    );
    let value = |map: &Map, key: &[u8]| say(map.get(key).map(Vec::as_slice));
    let maps = [before, after, found];
    let keys: BTreeSet<&Vec<u8>> = maps.into_iter().flat_map(Map::keys).collect();
    let is_neither = |key: &&&Vec<u8>| {
        let there = found.get(**key);
        there != before.get(**key) && there != after.get(**key)
    };
    let count = keys.iter().filter(is_neither).count();
    if let Some(key) = keys.iter().find(is_neither) {
        let (name, ought) = (String::from_utf8_lossy(key), value(before, key));
        let more = match count {
            1 => String::new(),
            _ => format!(" {} more keys are wrong.", count - 1),
        };
        let or = match before.get(*key) == after.get(*key) {
            true => String::new(),
            false => format!(" or, if {at} is there, {}", value(after, key)),
        };
        return format!(
            "{told}: after them, key {name} is {ought}{or}. There it is {}.{more}",
            value(found, key)
        );
    }
    let half = |is: &Map, isnt: &Map| {
        let is_half = |key: &&&Vec<u8>| {
            let there = found.get(**key);
            there == is.get(**key) && there != isnt.get(**key)
        };
        let key = keys.iter().find(is_half);
        key.map_or(String::new(), |key| {
            let name = String::from_utf8_lossy(key);
            format!("key {name} is {}", value(found, key))
        })
    };
    format!(
        "{told}, and {at} was under way: {next}. A part of it is there: {} as after it, and {} as before.",
        half(after, before),
        half(before, after)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Operation n puts n at two keys, its own and one that all have.
    fn does(thread: u32, number: u64) -> Operation {
        let put = |key: String| Write::Put {
            key: format!("{thread}/{key}").into_bytes(),
            value: number.to_string().into_bytes(),
        };
        Operation::Write(vec![put("all".into()), put(number.to_string())])
    }

    fn map(pairs: &[(&str, &str)]) -> Map {
        let bytes = |text: &str| text.as_bytes().to_vec();
        pairs
            .iter()
            .map(|(key, value)| (bytes(key), bytes(value)))
            .collect()
    }

    /// Two threads, of which the second told that its operation 1 returned.
    fn judge(found: &[(&str, &str)]) -> Result<u64, Breach> {
        let (told, _) = Told::read(&[1, 1], "1 1\n").expect("a line");
        Keys::new(2).judge(&does, &told, &map(found))
    }

    #[test]
    fn what_returned_is_there_and_what_was_under_way_whole_or_not_at_all() {
        let returned = [("1/1", "1"), ("1/all", "1")];
        assert_eq!(judge(&returned), Ok(0));
        let under_way = [("1/1", "1"), ("1/2", "2"), ("1/all", "2")];
        assert_eq!(judge(&under_way), Ok(1));
        let both = [&under_way[..], &[("0/1", "1"), ("0/all", "1")]].concat();
        assert_eq!(judge(&both), Ok(2));
    }

    #[test]
    fn a_loss_a_part_and_an_invention_are_said_in_words() {
        let words = |found: &[(&str, &str)]| judge(found).expect_err("a breach").words;
        let lost = words(&[]);
        assert_eq!(
            lost,
            "Its operations up to 1 were acknowledged: after them, key 1/1 is `1` (1 bytes). There it is missing. 1 more \
             keys are wrong."
        );
        let part = words(&[("1/1", "1"), ("1/2", "2"), ("1/all", "1")]);
        assert!(
            part.contains("2 was under way: put 1/all") && part.contains("A part of it"),
            "{part}"
        );
        let old = words(&[("1/1", "1"), ("1/all", "7")]);
        assert!(
            old.contains("is `1` (1 bytes) or, if 2 is there, `2`"),
            "{old}"
        );
        assert!(words(&[("9/1", "1")]).contains("no thread wrote"));
    }

    #[test]
    fn what_was_found_absent_does_not_come_back() {
        let mut keys = Keys::new(1);
        let (told, _) = Told::read(&[1], "0 1\n").expect("a line");
        let found = map(&[("0/1", "1"), ("0/all", "1")]);
        assert_eq!(keys.judge(&does, &told, &found), Ok(0));
        let later = Told::nothing(&[3]);
        assert_eq!(keys.judge(&does, &later, &found), Ok(0));
        let back = map(&[("0/1", "1"), ("0/2", "2"), ("0/all", "2")]);
        assert!(keys.judge(&does, &Told::nothing(&[4]), &back).is_err());
    }
}
