use super::*;
use std::collections::HashSet;

fn call(text: &str) -> Call<u8> {
    let words: Vec<&str> = text.split(' ').collect();
    match words[..] {
        ["create", path] => Call::Create(path.into()),
        ["write", file, at, cells] => Call::Write {
            file: file.into(),
            at: at.parse().expect("a number"),
            cells: cells.bytes().collect(),
        },
        ["rename", from, to] => Call::Rename {
            from: from.into(),
            to: to.into(),
        },
        ["mkdir", path] => Call::CreateDirectory(path.into()),
        ["set-len", file, to] => Call::SetLen {
            file: file.into(),
            to: to.parse().expect("a number"),
        },
        ["remove", path] => Call::Remove(path.into()),
        ["barrier", file] => Call::Barrier(file.into()),
        ["data-barrier", file] => Call::DataBarrier(file.into()),
        ["directory-barrier"] => Call::DirectoryBarrier(String::new()),
        ["directory-barrier", path] => Call::DirectoryBarrier(path.into()),
        _ => unreachable!("{text}"),
    }
}

/// A disk after some calls.
fn after(profile: &Profile, program: &[&str]) -> Disk<u8> {
    let mut disk = Disk::default();
    for text in program {
        disk.apply(&call(text), profile).expect("a legal call");
    }
    disk
}

fn fail(disk: &mut Disk<u8>, path: &str, failure: Failure) {
    let node = disk.view().lookup(path).expect("it exists");
    disk.fail_barrier(node, failure);
}

/// What a file can read after a power cut now, in order; `None`: it is not there.
fn contents(disk: &Disk<u8>, path: &str, profile: &Profile) -> Vec<Option<Vec<u8>>> {
    let images = disk.crash_images(profile).into_iter();
    let read: BTreeSet<_> = images
        .map(|(_, image)| image.view.file(path).map(<[u8]>::to_vec))
        .collect();
    read.into_iter().collect()
}

/// The distinct trees that a power cut at any point can leave.
fn images(profile: &Profile, setup: &[&str], program: &[&str]) -> HashSet<Shared<Tree<u8>>> {
    let mut disk = Disk::default();
    for text in setup {
        disk.apply(&call(text), profile).expect("a legal call");
    }
    let mut seen = HashSet::new();
    for text in program.iter().map(Some).chain([None]) {
        seen.extend(
            disk.crash_images(profile)
                .into_iter()
                .map(|(_, image)| image.base),
        );
        if let Some(text) = text {
            disk.apply(&call(text), profile).expect("a legal call");
        }
    }
    seen
}

fn ext4() -> Profile {
    Profile::named("ext4-ordered")
        .expect("a profile")
        .with_sizes(2, 4)
}

#[test]
fn a_file_created_by_rename_without_a_barrier_can_be_empty() {
    let program = ["create tmp", "write tmp 0 a", "rename tmp file"];
    assert_eq!(images(&ext4(), &[], &program).len(), 5);
    let program = [
        "create tmp",
        "write tmp 0 a",
        "barrier tmp",
        "rename tmp file",
    ];
    assert_eq!(images(&ext4(), &[], &program).len(), 4);
}

#[test]
fn an_append_in_an_allocated_block_can_read_zeros_on_ext4() {
    // Ferrite's append-chrome in small: 7 outcomes with whole blocks.
    let ext4 = ext4().with("R3", "yes").expect("a switch");
    let setup = ["create f", "write f 0 aa", "barrier f", "directory-barrier"];
    let program = ["write f 2 b", "write f 3 ccc"];
    assert_eq!(images(&ext4, &setup, &program).len(), 7);
    let none = ext4
        .with("R5", "yes")
        .and_then(|p| p.with("R6", "yes"))
        .expect("a switch");
    assert_eq!(images(&none, &setup, &program).len(), 4);
}

#[test]
fn each_order_of_names_allows_no_more_than_the_one_before() {
    let setup = ["create f", "barrier f", "directory-barrier"];
    let program = ["write f 0 ab", "create g", "write f 1 cd", "rename g h"];
    let ordered = |value| {
        let profile = ext4().with("R10", value).expect("a value");
        images(&profile, &setup, &program)
    };
    for pair in ["no", "names", "metadata", "everything"].windows(2) {
        assert!(ordered(pair[1]).is_subset(&ordered(pair[0])), "{pair:?}");
    }
}

#[test]
fn doomed_data_is_not_covered_by_a_second_barrier() {
    let posix = Profile::posix();
    let mut disk = Disk::default();
    for text in ["create f", "barrier f", "directory-barrier", "write f 0 a"] {
        disk.apply(&call(text), &posix).expect("a legal call");
    }
    let file = disk.view().lookup("f").expect("it exists");
    disk.fail_barrier(file, Failure::DataStays);
    disk.apply(&call("barrier f"), &posix)
        .expect("the second one succeeds");
    assert_eq!(disk.view().file("f"), Some(&b"a"[..]));
    let images = disk.crash_images(&posix);
    assert!(
        images
            .iter()
            .any(|(_, image)| image.view.file("f") == Some(&[0]))
    );
    assert!(
        images
            .iter()
            .any(|(_, image)| image.view.file("f") == Some(b"a"))
    );
}

#[test]
fn a_crash_with_the_fates_of_an_image_leaves_that_image() {
    let posix = Profile::posix();
    let mut disk = Disk::default();
    for text in [
        "create f",
        "write f 0 abc",
        "rename f g",
        "write g 1 d",
        "create f",
    ] {
        disk.apply(&call(text), &posix).expect("a legal call");
    }
    let images = disk.crash_images(&posix);
    assert!(images.len() > 20);
    for (fates, image) in images {
        assert_eq!(disk.crash(&fates, &posix), image);
    }
}

#[test]
fn fills_are_chosen_as_lost_space_is_read_by_what_it_may_read() {
    let posix = Profile::posix().with_sizes(1, 2);
    let disk = after(
        &posix,
        &[
            "mkdir d",
            "create d/f",
            "write d/f 0 abc",
            "set-len d/f 0",
            "write d/f 0 xyz",
            "create g",
            "write g 0 uv",
        ],
    );
    let (mut garbage, mut stale) = (0, 0);
    for (fates, image) in disk.crash_images(&posix) {
        let tree = image.view();
        let chosen = disk.crash_by(&fates.kept, &posix, |lost| {
            let file = tree.file(&lost.path().expect("a path of the image"));
            let file = file.expect("a file of the image");
            let reads = |option: &&[u8]| file[lost.cells.clone()] == **option;
            let chosen = lost.options.iter().position(reads).expect("an option");
            garbage += usize::from(lost.options[chosen][0] == u8::garbage());
            stale += usize::from(lost.options[chosen][0].is_ascii_lowercase());
            chosen
        });
        assert_eq!(chosen, image, "{fates:?}");
    }
    assert!(garbage > 10 && stale > 10, "{garbage} {stale}");
}

#[test]
fn a_directory_barrier_does_not_cover_the_name_of_the_directory_itself() {
    let disk = after(&ext4(), &["mkdir d", "directory-barrier d"]);
    assert_eq!(disk.crash_images(&ext4()).len(), 2);
}

#[test]
fn ordering_everything_after_names_orders_all_metadata_too() {
    let images = |value| {
        let posix = Profile::posix().with("R10", value).expect("a switch");
        let setup = ["create f", "directory-barrier"];
        let disk = after(&posix, &[&setup[..], &["set-len f 1", "create g"]].concat());
        disk.crash_images(&posix).len()
    };
    assert_eq!((images("names"), images("metadata")), (4, 3));
    assert_eq!(images("everything"), 3);
}

#[test]
fn a_durable_write_keeps_the_doomed_write_to_its_sector() {
    let posix = Profile::posix().with_sizes(2, 2);
    let setup = ["create f", "write f 0 ab", "barrier f", "directory-barrier"];
    let mut disk = after(&posix, &[&setup[..], &["write f 0 x"]].concat());
    fail(&mut disk, "f", Failure::DataStays);
    for text in ["write f 1 y", "barrier f"] {
        disk.apply(&call(text), &posix).expect("a legal call");
    }
    assert_eq!(contents(&disk, "f", &posix), [Some(b"xy".to_vec())]);
}

#[test]
fn a_torn_sector_is_appended_as_a_whole() {
    let strong = Profile::posix().with("R8", "yes").expect("a switch");
    let images = |profile: Profile| {
        let profile = profile.with_sizes(2, 2);
        let setup = ["create f", "write f 0 a", "barrier f", "directory-barrier"];
        let program = [&setup[..], &["write f 0 xy", "create g"]].concat();
        let images = after(&profile, &program).crash_images(&profile);
        let trees = images.into_iter().map(|(_, image)| image.base);
        trees.collect::<HashSet<_>>()
    };
    let torn = strong.clone().with("R2", "no").expect("a switch");
    assert!(images(strong).is_subset(&images(torn)));
}

#[test]
fn a_write_does_not_damage_its_own_cells() {
    let weak = Profile::posix().with_sizes(2, 2);
    let weak = weak.with("R2", "no").and_then(|p| p.with("R19", "no"));
    let weak = weak.expect("a switch");
    let setup = ["create f", "write f 0 ab", "barrier f", "directory-barrier"];
    let disk = after(&weak, &[&setup[..], &["write f 0 xy"]].concat());
    let torn = [b"ab", b"ay", b"xb", b"xy"].map(|cells| Some(cells.to_vec()));
    assert_eq!(contents(&disk, "f", &weak), torn);
}

#[test]
fn a_write_that_is_durable_by_implication_has_damaged_nothing() {
    let profile = Profile::posix().with_sizes(2, 2);
    let profile = profile.with("R8", "yes").and_then(|p| p.with("R19", "no"));
    let profile = profile.expect("a switch");
    let setup = ["create f", "write f 0 ab", "barrier f", "directory-barrier"];
    let program = ["write f 0 x", "create g", "directory-barrier"];
    let disk = after(&profile, &[&setup[..], &program].concat());
    assert_eq!(contents(&disk, "f", &profile), [Some(b"xb".to_vec())]);
}

#[test]
fn a_power_cut_gives_up_what_a_failed_barrier_took_back_from_the_cache() {
    let stale = Profile::posix().with("garbage", "no").expect("a switch");
    let mut disk = after(
        &stale,
        &["create f", "barrier f", "directory-barrier", "write f 0 a"],
    );
    fail(&mut disk, "f", Failure::DataReverts);
    let (_, mut disk) = disk.crash_images(&stale).remove(0);
    assert_eq!(disk.view().file("f"), Some(&[][..]));
    disk.apply(&call("write f 0 b"), &stale)
        .expect("a legal call");
    let read = contents(&disk, "f", &stale);
    assert!(read.contains(&Some(b"a".to_vec())), "{read:?}");
}

#[test]
fn a_settled_disk_has_the_holes_that_it_had() {
    let posix = Profile::posix();
    let mut disk = after(&posix, &["create f", "set-len f 2"]).settled(&posix);
    disk.apply(&call("write f 0 a"), &posix)
        .expect("a legal call");
    let garbage = vec![u8::garbage(), 0];
    let read = contents(&disk, "f", &posix);
    assert!(read.contains(&Some(garbage)), "{read:?}");
}

#[test]
fn a_lost_write_into_a_durable_hole_leaves_lost_space() {
    let posix = Profile::posix();
    let (zero, garbage) = (0, u8::garbage());
    let any = [vec![zero], b"a".to_vec(), vec![garbage]].map(Some);
    let sparse = ["create f", "directory-barrier", "set-len f 1", "barrier f"];
    let disk = after(&posix, &[&sparse[..], &["write f 0 a"]].concat());
    assert_eq!(contents(&disk, "f", &posix), any);
    // Zeros that were written are no hole.
    let program = ["write f 0 \0", "barrier f", "write f 0 a"];
    let disk = after(&posix, &[&sparse[..], &program].concat());
    assert_eq!(contents(&disk, "f", &posix), any[..2]);
}

#[test]
fn a_size_that_a_second_barrier_covers_shows_space_that_the_first_one_lost() {
    let posix = Profile::posix();
    let mut disk = after(&posix, &["create f", "directory-barrier", "write f 0 a"]);
    fail(&mut disk, "f", Failure::DataStays);
    disk.apply(&call("barrier f"), &posix)
        .expect("it completes");
    let any = [vec![0], b"a".to_vec(), vec![u8::garbage()]].map(Some);
    assert_eq!(contents(&disk, "f", &posix), any);
}

#[test]
fn a_hole_that_a_power_cut_left_is_a_hole_in_the_next_life() {
    let posix = Profile::posix();
    let disk = after(&posix, &["create f", "directory-barrier", "write f 1 a"]);
    let images = disk.crash_images(&posix).into_iter();
    let whole = |image: &Disk<u8>| image.view.file("f") == Some(b"\0a");
    let mut disk = images
        .map(|(_, image)| image)
        .find(whole)
        .expect("nothing was lost");
    disk.apply(&call("write f 0 b"), &posix)
        .expect("a legal call");
    let any = [b"\0a".to_vec(), b"ba".to_vec(), vec![u8::garbage(), b'a']].map(Some);
    assert_eq!(contents(&disk, "f", &posix), any);
}

#[test]
fn a_removed_file_gives_up_every_version_since_the_durable_one() {
    let writeback = Profile::named("ext4-writeback").expect("a profile");
    let setup = [
        "create f",
        "create g",
        "write f 0 a",
        "barrier f",
        "directory-barrier",
    ];
    let program = ["write f 0 b", "write f 0 c", "remove f", "write g 0 d"];
    let disk = after(&writeback, &[&setup[..], &program].concat());
    let any = [&b""[..], b"\0", b"a", b"b", b"c", b"d"].map(|cells| Some(cells.to_vec()));
    assert_eq!(contents(&disk, "g", &writeback), any);
}

#[test]
fn a_file_with_two_names_gives_up_nothing_with_the_first() {
    let torn = Profile::named("ext4-writeback").and_then(|p| p.with("R9", "no"));
    let torn = torn.and_then(|p| p.with("R10", "no")).expect("a switch");
    let setup = [
        "create f",
        "write f 0 a",
        "barrier f",
        "directory-barrier",
        "create h",
    ];
    let disk = after(&torn, &[&setup[..], &["barrier h", "rename f g"]].concat());
    let images = disk.crash_images(&torn).into_iter().map(|(_, image)| image);
    let two = |image: &Disk<u8>| {
        ["f", "g", "h"]
            .iter()
            .all(|name| image.view.lookup(name).is_some())
    };
    let mut disk = images.into_iter().find(two).expect("both names");
    for text in ["remove f", "write h 0 b"] {
        disk.apply(&call(text), &torn).expect("a legal call");
    }
    let any = [&b""[..], b"\0", b"b"].map(|cells| Some(cells.to_vec()));
    assert_eq!(contents(&disk, "h", &torn), any);
}

#[test]
fn data_beyond_a_reverted_size_is_seen_when_the_file_grows_again() {
    let posix = Profile::posix().with("R16", "no").expect("a switch");
    let program = [
        "create f",
        "directory-barrier",
        "write f 0 a",
        "data-barrier f",
    ];
    let mut disk = after(&posix, &program);
    fail(&mut disk, "f", Failure::DataReverts);
    assert_eq!(disk.view().file("f"), Some(&b""[..]));
    disk.apply(&call("set-len f 1"), &posix)
        .expect("a legal call");
    assert_eq!(disk.view().file("f"), Some(&b"a"[..]));
    let images = disk.crash_images(&posix).into_iter();
    assert!(
        images
            .map(|(_, image)| image.base)
            .any(|tree| *tree == *disk.view())
    );
}

#[test]
fn pieces_of_one_doomed_write_are_torn_freely() {
    let profile = Profile::posix().with_sizes(2, 2);
    let profile = profile.with("R2", "no").and_then(|p| p.with("R3", "yes"));
    let profile = profile.expect("a switch");
    let setup = ["create f", "write f 0 ab", "barrier f", "directory-barrier"];
    let mut disk = after(&profile, &[&setup[..], &["write f 0 xy"]].concat());
    fail(&mut disk, "f", Failure::DataStays);
    let torn = [b"ab", b"ay", b"xb", b"xy"].map(|cells| Some(cells.to_vec()));
    assert_eq!(contents(&disk, "f", &profile), torn);
}

#[test]
fn a_page_with_a_doomed_write_can_be_written_back() {
    let posix = Profile::posix();
    let setup = [
        "create f",
        "write f 0 a",
        "barrier f",
        "directory-barrier",
        "write f 0 x",
    ];
    let mut disk = after(&posix, &setup);
    fail(&mut disk, "f", Failure::DataStays);
    assert!(disk.write_backs(&posix).is_empty());
    disk.apply(&call("write f 0 y"), &posix)
        .expect("a legal call");
    let [next] = disk.write_backs(&posix)[..] else {
        panic!("one write")
    };
    disk.write_back(next, &posix);
    assert_eq!(contents(&disk, "f", &posix), [Some(b"y".to_vec())]);
}

/// Sectors of one log that nobody synced, written one by one: laziness pays for those that are read.
fn unsynced(records: usize, profile: &Profile) -> Disk<u8> {
    let mut disk = after(profile, &["create log", "barrier log", "directory-barrier"]);
    for i in 0..records {
        let write = format!("write log {} rr", 2 * i);
        disk.apply(&call(&write), profile).expect("a legal call");
    }
    disk
}

/// Reads sector by sector until one is not whole, as a log does.
fn runs_of_a_log(disk: Disk<u8>, profile: &Profile) -> usize {
    use super::lazy::{Ask, Choices, Lazy};
    let cut = Lazy::from(disk).power_cut(profile);
    let (mut choices, mut runs) = (Choices::default(), 0);
    loop {
        let mut lazy = cut.clone();
        let choices_here = &mut choices;
        let mut ask = Ask {
            profile,
            choices: choices_here,
        };
        let log = lazy.lookup("log", &mut ask).expect("it is durable");
        let size = lazy.size(log, &mut ask).expect("a file");
        let mut whole = |at: &usize| lazy.read(log, *at, 2, &mut ask) == *b"rr";
        let records = (0..size).step_by(2).take_while(|at| whole(at)).count();
        assert!(records <= size / 2);
        runs += 1;
        if choices.advance().is_none() {
            return runs;
        }
    }
}

#[test]
fn a_log_is_read_in_few_runs_however_many_records_nobody_synced() {
    let posix = Profile::posix().with_sizes(2, 16);
    // 24 effects: 16,777,216 down-sets.
    let disk = unsynced(12, &posix);
    assert_eq!(disk.log().len(), 24);
    let runs = runs_of_a_log(disk, &posix);
    // A chain of n sizes has n + 1 ends; up to each, the first sector that is lost, as zeros or garbage.
    let expected: usize = (0..=12).map(|size| 2 * size + 1).sum();
    assert_eq!(runs, expected);
}
