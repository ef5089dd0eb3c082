//! Two threads and a log; thread 0 truncates with its operation 4.

use super::*;
use crate::engine::wal::Write;

fn does(thread: u32, number: u64) -> Operation {
    if (thread, number) == (0, 4) {
        return Operation::Maintain(Task::Truncate);
    }
    let put = |part: u64| Write::Put {
        key: b"k".to_vec(),
        value: format!("{thread}.{number}.{part} ").into_bytes(),
    };
    Operation::Write(vec![put(0), put(1)])
}

/// A record as its operation made it.
fn record(generation: u32, index: u64, thread: u32, number: u64) -> Record {
    let Operation::Write(writes) = does(thread, number) else {
        panic!("it makes no record");
    };
    let lsn = Lsn { generation, index };
    Record { lsn, writes }
}

fn told(first: [u64; 2], lines: &str) -> Told {
    Told::read(&first, lines).expect("lines").0
}

/// What the first life told, and what it left.
const FIRST: &str = "0 1 1.1\n1 1 1.2\n0 2 1.4\n1 2 1.3\n";

fn first() -> Vec<Record> {
    vec![
        record(1, 1, 0, 1),
        record(1, 2, 1, 1),
        record(1, 3, 1, 2),
        record(1, 4, 0, 2),
    ]
}

/// A log after its first life, of which a record that was under way was found.
fn after_the_first() -> Records {
    let mut records = Records::default();
    let found = [first(), vec![record(1, 5, 1, 3)]].concat();
    let judged = records.judge(&does, 1, &told([1, 1], FIRST), 0, &found);
    assert_eq!(judged, Ok(1));
    records
}

fn words(records: &mut Records, told: &Told, point: u64, found: &[Record]) -> String {
    let judged = records.judge(&does, 1, told, point, found);
    judged.expect_err("a breach").words
}

#[test]
fn all_that_returned_is_there_under_its_name_and_perhaps_one_more_of_each_thread() {
    let told = told([1, 1], FIRST);
    let judge = |found: &[Record]| Records::default().judge(&does, 1, &told, 0, found);
    assert_eq!(judge(&first()), Ok(0));
    let more = [record(1, 5, 1, 3), record(1, 6, 0, 3)];
    assert_eq!(judge(&[&first()[..], &more].concat()), Ok(2));

    let wrong = |found: &[Record]| judge(found).expect_err("a breach");
    assert!(
        wrong(&first()[..3])
            .words
            .contains("Record 1.4, of its operation 2")
    );
    assert_eq!(wrong(&first()[1..]).thread, Some(0));
    let renamed = [&first()[..3], &[record(1, 9, 0, 2)]].concat();
    assert!(wrong(&renamed).words.contains("is missing"));
    let doubled = [&first()[..], &[record(1, 9, 0, 2)]].concat();
    assert!(wrong(&doubled).words.contains("is there after 2"));
    let ahead = [&first()[..], &[record(1, 9, 0, 5)]].concat();
    assert!(wrong(&ahead).words.contains("no thread wrote"));
    let mut half = first();
    half[2].writes.pop();
    assert!(wrong(&half).words.contains("There, record 1.3 of it is"));
    half.swap(0, 1);
    assert!(wrong(&half[..2]).words.contains("comes after record"));
}

#[test]
fn what_an_open_served_stays_and_what_it_did_not_serve_stays_away() {
    let served = [first(), vec![record(1, 5, 1, 3)]].concat();
    let nothing = told([4, 5], "");
    assert_eq!(
        after_the_first().judge(&does, 1, &nothing, 0, &served),
        Ok(0)
    );
    let lost = words(&mut after_the_first(), &nothing, 0, &first());
    assert!(
        lost.contains("1.5") && lost.contains("an earlier open served"),
        "{lost}"
    );
    let back = [&served[..], &[record(1, 6, 0, 3)]].concat();
    let back = words(&mut after_the_first(), &nothing, 0, &back);
    assert!(back.contains("an earlier open did not serve it"), "{back}");
}

#[test]
fn a_name_is_given_once() {
    let again = told([5, 5], "0 5 1.5\n");
    let again = words(&mut after_the_first(), &again, 0, &first());
    assert!(again.contains("was told that its record is 1.5"), "{again}");
}

#[test]
fn what_was_truncated_goes_and_nothing_else() {
    // Of the thread's own records 4, 5 and 6 one is chosen, or none.
    let lines = "0 1 1.1\n0 2 1.2\n0 3 1.3\n";
    let found: Vec<Record> = (1..=3).map(|n| record(1, n, 0, n)).collect();
    let seed = (0..).find(|seed| up_to(*seed, 4, &[1, 2, 3]) == 2);
    let seed = seed.expect("a seed that truncates up to 2");
    let judge = |lines: &str, point: u64| {
        let above = &found[point as usize..];
        Records::default().judge(&does, seed, &told([1, 1], lines), point, above)
    };
    // Under way: either.
    assert_eq!(judge(lines, 0), Ok(0));
    assert_eq!(judge(lines, 2), Ok(0));
    assert!(judge(lines, 1).is_err() && judge(lines, 3).is_err());
    // Returned: done.
    let returned = format!("{lines}0 4\n");
    assert_eq!(judge(&returned, 2), Ok(0));
    let words = judge(&returned, 0).expect_err("a breach").words;
    assert!(
        words.contains("All up to record 2 was given up."),
        "{words}"
    );
}

#[test]
fn who_says_so_before_is_held_to_it() {
    let lies = told([1, 1], "0 1\n0 2\n");
    let judge = |found: &[Record]| Records::default().judge(&does, 1, &lies, 0, found);
    assert_eq!(judge(&[record(1, 1, 0, 1), record(1, 2, 0, 2)]), Ok(0));
    let lost = judge(&[record(1, 1, 0, 1)]).expect_err("a breach").words;
    assert!(lost.contains("There is no record of operation 2"), "{lost}");
}
