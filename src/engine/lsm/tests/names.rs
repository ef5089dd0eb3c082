//! Which tables are read, and which files are whose, by their names alone.

use super::*;
use crate::engine::lsm::names::{Found, Interval, Ranked, rank};
use proptest::prelude::*;

fn interval(lo: u64, hi: u64) -> Interval {
    Interval { lo, hi }
}

fn ranked(tables: &[(u64, u64)]) -> Result<Ranked, Error> {
    let tables = tables.iter().map(|(lo, hi)| interval(*lo, *hi));
    rank(Path::new("store"), tables.collect())
}

fn live(tables: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let ranked = ranked(tables).unwrap();
    ranked.live.iter().map(|it| (it.lo, it.hi)).collect()
}

#[test]
fn a_table_inside_another_is_superseded() {
    assert_eq!(live(&[]), []);
    assert_eq!(live(&[(5, 9), (1, 4)]), [(1, 4), (5, 9)]);
    assert_eq!(live(&[(1, 2), (3, 4), (1, 4), (5, 5)]), [(1, 4), (5, 5)]);
    assert_eq!(live(&[(1, 9), (3, 4), (1, 4), (9, 9)]), [(1, 9)]);
    let superseded = ranked(&[(1, 2), (1, 4)]).unwrap().superseded;
    assert_eq!(superseded, [interval(1, 2)]);
}

#[test]
fn a_gap_is_a_hole_and_its_ends_are_told() {
    let hole = |tables: &[(u64, u64)]| match ranked(tables) {
        Err(Error::Hole { lo, hi, .. }) => (lo, hi),
        other => panic!("{other:?}"),
    };
    assert_eq!(hole(&[(3, 4)]), (1, 2));
    assert_eq!(hole(&[(1, 2), (4, 4)]), (3, 3));
    assert_eq!(hole(&[(1, 3), (2, 2), (9, 10)]), (4, 8));
}

#[test]
fn tables_that_hold_some_of_each_other_are_refused() {
    let refused = ranked(&[(1, 4), (3, 6)]);
    assert!(matches!(refused, Err(Error::Damaged { .. })));
}

fn sorted(names: &[&str]) -> Result<Found, Error> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Found::sort(Path::new("store"), &names)
}

#[test]
fn only_names_as_this_code_writes_them_are_tables() {
    let found = sorted(&[
        "1-4.sst",
        "12-12.sst.tmp",
        "log",
        "log.2",
        "log.2.tmp",
        "log.3",
        "log.tmp",
        "notes",
        "x.sst.tmp",
    ])
    .unwrap();
    assert_eq!(found.tables, [interval(1, 4)]);
    assert_eq!(found.leftovers, ["12-12.sst.tmp", "log.2.tmp", "log.tmp"]);
    assert_eq!(found.logs, [true, true]);
    for foreign in [
        "x.sst",
        "01-4.sst",
        "4-1.sst",
        "0-4.sst",
        "1-4-5.sst",
        "+1-4.sst",
        "-.sst",
    ] {
        assert!(
            matches!(sorted(&[foreign]), Err(Error::Foreign { .. })),
            "{foreign}"
        );
    }
    assert!(matches!(
        sorted(&["7.sst"]),
        Err(Error::OtherDiscipline { .. })
    ));
}

proptest! {
    #[test]
    fn a_name_says_its_interval(lo in 1u64.., more: u32) {
        let table = interval(lo, lo.saturating_add(u64::from(more)));
        let found = sorted(&[&table.table(), &table.table_in_the_making()]).unwrap();
        prop_assert_eq!(found.tables, [table]);
        prop_assert_eq!(found.leftovers, [table.table_in_the_making()]);
    }
}
