//! A log that nothing happens to.

use super::*;
use crate::storage::tests::on_both;

on_both! {
    what_was_appended_is_there_in_the_next_life_across_segments
    a_segment_that_is_full_is_followed_by_another
    an_empty_segment_is_not_rotated
    a_batch_larger_than_a_segment_is_one_record_of_one_segment
    a_truncated_log_shows_what_is_above_the_point_and_keeps_the_last_segment
    a_segment_that_holds_one_record_above_the_point_stays
    sequence_numbers_go_on_after_everything_was_truncated
    a_checkpoint_removes_nothing_and_hides_what_is_below_it
    truncating_no_further_than_before_writes_nothing
    reading_goes_on_after_a_position_in_any_segment
    marks_of_the_client_are_records_of_their_own
    in_the_mode_that_never_syncs_a_rotation_does
    one_handle_at_a_time
}

fn what_was_appended_is_there_in_the_next_life_across_segments(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    log.append(&put("1")).unwrap();
    log.rotate().unwrap();
    log.append_batch(&[put("2"), put("3")]).unwrap();
    log.rotate().unwrap();
    log.append(&put("4")).unwrap();
    let expected = [
        (1, writes(&["1"])),
        (2, writes(&["2", "3"])),
        (3, writes(&["4"])),
    ];
    assert_eq!(all(&log), expected);
    drop(log);
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    assert_eq!(all(&log), expected);
    assert_eq!(names(&log), ["1.log", "2.log", "3.log"]);
}

fn a_segment_that_is_full_is_followed_by_another(bench: &impl Bench) {
    // Each record has 48 bytes, and the header 16.
    let log = open(bench.storage(), &store(bench), 16 + 2 * 48).unwrap();
    for value in ["1", "2", "3", "4", "5"] {
        log.append(&put(value)).unwrap();
    }
    assert_eq!(names(&log), ["1.log", "3.log", "5.log"]);
    assert_eq!(
        log.last(),
        Some(Lsn {
            generation: 1,
            index: 5
        })
    );
}

fn an_empty_segment_is_not_rotated(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1).unwrap();
    log.rotate().unwrap();
    assert_eq!(names(&log), ["1.log"]);
    log.append(&put("1")).unwrap();
    log.rotate().unwrap();
    log.rotate().unwrap();
    assert_eq!(names(&log), ["1.log", "2.log"]);
    drop(log);
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    log.append(&put("2")).unwrap();
    assert_eq!(names(&log), ["1.log", "2.log"]);
    assert_eq!(
        log.last(),
        Some(Lsn {
            generation: 2,
            index: 2
        })
    );
}

fn a_batch_larger_than_a_segment_is_one_record_of_one_segment(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 100).unwrap();
    let long = "x".repeat(1_000);
    log.append_batch(&[put(&long), put(&long)]).unwrap();
    log.append(&put("1")).unwrap();
    assert_eq!(names(&log), ["1.log", "2.log"]);
    assert_eq!(
        all(&log),
        [(1, writes(&[&long, &long])), (2, writes(&["1"]))]
    );
}

fn a_truncated_log_shows_what_is_above_the_point_and_keeps_the_last_segment(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    for value in ["1", "2", "3"] {
        log.append(&put(value)).unwrap();
        log.rotate().unwrap();
    }
    log.append(&put("4")).unwrap();
    log.truncate(2).unwrap();
    let expected = [(3, writes(&["3"])), (4, writes(&["4"])), (5, checkpoint(2))];
    assert_eq!(all(&log), expected);
    assert_eq!(names(&log), ["3.log", "4.log"]);
    drop(log);
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    assert_eq!(all(&log), expected);
    assert_eq!(log.truncation_point(), 2);
}

fn a_segment_that_holds_one_record_above_the_point_stays(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    for value in ["1", "2", "3"] {
        log.append(&put(value)).unwrap();
    }
    log.rotate().unwrap();
    log.truncate(2).unwrap();
    assert_eq!(names(&log), ["1.log", "4.log"]);
    assert_eq!(all(&log), [(3, writes(&["3"])), (4, checkpoint(2))]);
}

fn sequence_numbers_go_on_after_everything_was_truncated(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    log.append(&put("1")).unwrap();
    log.rotate().unwrap();
    log.append(&put("2")).unwrap();
    log.truncate(2).unwrap();
    // The checkpoint is above its own point; another one covers it, and is there itself.
    log.rotate().unwrap();
    log.truncate(3).unwrap();
    assert_eq!(names(&log), ["4.log"]);
    drop(log);
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    assert_eq!(
        log.append(&put("3")).unwrap(),
        Lsn {
            generation: 2,
            index: 5
        }
    );
    assert_eq!(all(&log), [(4, checkpoint(3)), (5, writes(&["3"]))]);
}

fn a_checkpoint_removes_nothing_and_hides_what_is_below_it(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    log.append(&put("1")).unwrap();
    log.rotate().unwrap();
    let lsn = log.checkpoint(1).unwrap();
    assert_eq!(
        lsn,
        Some(Lsn {
            generation: 1,
            index: 2
        })
    );
    assert_eq!(names(&log), ["1.log", "2.log"]);
    assert_eq!(all(&log), [(2, checkpoint(1))]);
    drop(log);
    // Nobody needs the segment any more.
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    assert_eq!(names(&log), ["2.log"]);
}

fn truncating_no_further_than_before_writes_nothing(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    log.append(&put("1")).unwrap();
    log.append(&put("2")).unwrap();
    log.truncate(2).unwrap();
    let last = log.last();
    log.truncate(2).unwrap();
    log.truncate(0).unwrap();
    assert_eq!(log.checkpoint(1).unwrap(), None);
    assert_eq!((log.last(), log.truncation_point()), (last, 2));
    let error = log.truncate(9).unwrap_err().to_string();
    assert!(error.contains("ends with record 3"), "{error}");
}

fn reading_goes_on_after_a_position_in_any_segment(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1).unwrap();
    for value in ["1", "2", "3", "4"] {
        log.append(&put(value)).unwrap();
    }
    log.truncate(1).unwrap();
    let after = |index| {
        let records = log.read_from(Some(Lsn {
            generation: 1,
            index,
        }));
        records.map(|it| it.unwrap().lsn.index).collect::<Vec<_>>()
    };
    assert_eq!(after(0), [2, 3, 4, 5]);
    assert_eq!(after(2), [3, 4, 5]);
    assert_eq!(after(5), [0; 0]);
}

fn marks_of_the_client_are_records_of_their_own(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    log.begin(7).unwrap();
    log.append(&put("1")).unwrap();
    log.commit(7).unwrap();
    drop(log);
    let log = open(bench.storage(), &store(bench), 1 << 20).unwrap();
    let expected = [
        (1, Entry::Note(Note::Begin(7))),
        (2, writes(&["1"])),
        (3, Entry::Note(Note::Commit(7))),
    ];
    assert_eq!(all(&log), expected);
}

fn in_the_mode_that_never_syncs_a_rotation_does(bench: &impl Bench) {
    let options = Options {
        preallocate: 0,
        sync: SyncMode::Never,
        ..Options::default()
    };
    let log = SegmentedLog::open(bench.storage(), &store(bench), options).unwrap();
    for value in ["1", "2"] {
        log.append(&put(value)).unwrap();
    }
    assert_eq!(log.durable_mark(), 1);
    log.rotate().unwrap();
    assert_eq!(log.durable_mark(), 2);
    log.append(&put("3")).unwrap();
    assert_eq!(log.durable_mark(), 2);
    log.truncate(1).unwrap();
    assert_eq!(log.durable_mark(), 4);
}

fn one_handle_at_a_time(bench: &impl Bench) {
    let log = open(bench.storage(), &store(bench), 1).unwrap();
    let second = open(bench.storage(), &store(bench), 1);
    assert!(matches!(second, Err(Error::Locked { .. })));
    log.close().unwrap();
    open(bench.storage(), &store(bench), 1).unwrap();
}
