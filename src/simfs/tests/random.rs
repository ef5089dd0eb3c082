//! Random programs, on a simulated machine and on the system: they see the same.

use crate::simfs::within;
use proptest::prelude::*;
use proptest::sample::select;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

#[derive(Clone, Debug)]
enum Step {
    /// With these options, a bit each, into this slot.
    Open(usize, &'static str, u8),
    Write(usize, Vec<u8>),
    WriteAt(usize, u64, Vec<u8>),
    Read(usize, usize),
    Seek(usize, i64),
    SetLen(usize, u64),
    Sync(usize),
    Rename(&'static str, &'static str),
    Remove(&'static str),
    RemoveDir(&'static str),
    CreateDir(&'static str),
    CreateDirAll(&'static str),
    RemoveDirAll(&'static str),
    Copy(&'static str, &'static str),
    Look(&'static str),
}

const SLOTS: usize = 3;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let path = || select(&["a", "b", "d", "d/a", "d/e", "d/e/a"][..]);
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    // Mostly such as open something.
    let options = prop_oneof![
        select(&[1, 2, 3, 0b11_0011, 0b1_0011, 0b1_0101, 0b1_1010][..]),
        0..64_u8
    ];
    let step = prop_oneof![
        4 => (0..SLOTS, path(), options).prop_map(|(slot, path, options)| Step::Open(slot, path, options)),
        3 => (0..SLOTS, bytes()).prop_map(|(slot, bytes)| Step::Write(slot, bytes)),
        2 => (0..SLOTS, 0..30_u64, bytes()).prop_map(|(slot, at, bytes)| Step::WriteAt(slot, at, bytes)),
        2 => (0..SLOTS, 0..20_usize).prop_map(|(slot, len)| Step::Read(slot, len)),
        1 => (0..SLOTS, -20..20_i64).prop_map(|(slot, by)| Step::Seek(slot, by)),
        1 => (0..SLOTS, 0..30_u64).prop_map(|(slot, len)| Step::SetLen(slot, len)),
        1 => (0..SLOTS).prop_map(Step::Sync),
        2 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => path().prop_map(Step::Remove),
        1 => path().prop_map(Step::RemoveDir),
        2 => path().prop_map(Step::CreateDir),
        1 => path().prop_map(Step::CreateDirAll),
        1 => select(&["d/e", "d"][..]).prop_map(Step::RemoveDirAll),
        1 => (path(), path()).prop_map(|(from, to)| Step::Copy(from, to)),
        2 => path().prop_map(Step::Look),
    ];
    prop::collection::vec(step, 1..40)
}

/// The program on one of the two, without the steps that are skipped.
macro_rules! run {
    ($name:ident, $($fs:tt)+) => {
        fn $name(root: &Path, steps: &[Step], skip: &[usize]) -> Vec<String> {
            use $($fs)+ as fs;
            #[allow(unused_imports)] // The simulated file has these methods itself.
            use std::os::unix::fs::FileExt;
            let mut open: [Option<fs::File>; SLOTS] = Default::default();
            let mut seen = Vec::new();
            for (number, step) in steps.iter().enumerate() {
                if skip.contains(&number) {
                    seen.push("refused".into());
                    continue;
                }
                let mut opened = None;
                let slot = |slot: usize| open[slot].as_ref().ok_or(ErrorKind::Other.into());
                let done: io::Result<String> = match step {
                    Step::Open(into, path, bits) => {
                        let is = |bit: u8| bits & (1 << bit) != 0;
                        let mut with = fs::OpenOptions::new();
                        with.read(is(0)).write(is(1)).append(is(2));
                        with.truncate(is(3)).create(is(4)).create_new(is(5));
                        let file = with.open(root.join(path));
                        let said = file.as_ref().map(|_| String::new()).map_err(|error| error.kind().into());
                        opened = Some((*into, file.ok()));
                        said
                    }
                    Step::Write(to, bytes) => slot(*to).and_then(|mut file| Ok(format!("{}", file.write(bytes)?))),
                    Step::WriteAt(to, at, bytes) => {
                        slot(*to).and_then(|file| Ok(format!("{}", file.write_at(bytes, *at)?)))
                    }
                    Step::Read(from, len) => slot(*from).and_then(|mut file| {
                        let mut bytes = vec![0; *len];
                        let read = file.read(&mut bytes)?;
                        Ok(format!("{:?}", &bytes[..read]))
                    }),
                    Step::Seek(of, by) => slot(*of).and_then(|mut file| {
                        // The length of a directory is the system's own.
                        let from = match file.metadata()?.is_dir() {
                            true => SeekFrom::Start(0),
                            false => SeekFrom::End(*by),
                        };
                        Ok(format!("{}", file.seek(from)?))
                    }),
                    Step::SetLen(of, len) => slot(*of).and_then(|file| Ok(format!("{:?}", file.set_len(*len)?))),
                    Step::Sync(of) => slot(*of).and_then(|file| Ok(format!("{:?}", file.sync_all()?))),
                    Step::Rename(from, to) => {
                        fs::rename(root.join(from), root.join(to)).map(|()| String::new())
                    }
                    Step::Remove(path) => fs::remove_file(root.join(path)).map(|()| String::new()),
                    Step::RemoveDir(path) => fs::remove_dir(root.join(path)).map(|()| String::new()),
                    Step::CreateDir(path) => fs::create_dir(root.join(path)).map(|()| String::new()),
                    Step::CreateDirAll(path) => fs::create_dir_all(root.join(path)).map(|()| String::new()),
                    Step::RemoveDirAll(path) => match fs::metadata(root.join(path)) {
                        Ok(found) if found.is_dir() => {
                            fs::remove_dir_all(root.join(path)).map(|()| String::new())
                        }
                        _ => Ok(String::new()),
                    },
                    Step::Copy(from, to) => {
                        fs::copy(root.join(from), root.join(to)).map(|bytes| format!("{bytes}"))
                    }
                    Step::Look(path) => (|| {
                        let path = root.join(path);
                        let found = fs::metadata(&path)?;
                        if found.is_file() {
                            return Ok(format!("{:?} of {}", fs::read(&path)?, found.len()));
                        }
                        let names = fs::read_dir(&path)?.map(|entry| Ok(entry?.file_name()));
                        let mut names: Vec<_> = names.collect::<io::Result<_>>()?;
                        names.sort();
                        Ok(format!("{names:?}"))
                    })(),
                };
                if let Some((into, file)) = opened {
                    open[into] = file;
                }
                seen.push(format!("{:?}", done.map_err(|error| error.kind())));
            }
            seen
        }
    };
}

run!(simulated, crate::simfs);
run!(of_the_system, std::fs);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_program_sees_the_same(steps in steps()) {
        let real = tempfile::tempdir().unwrap();
        let ours = within(&super::machine(), || simulated(Path::new("/"), &steps, &[]));
        let refused = |(number, seen): (usize, &String)| (seen == "Err(Unsupported)").then_some(number);
        let refused: Vec<usize> = ours.iter().enumerate().filter_map(refused).collect();
        let theirs = of_the_system(real.path(), &steps, &refused);
        for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            prop_assert!(
                ours == theirs || refused.contains(&number),
                "step {number}, {:?}: {ours} here, {theirs} on the system",
                steps[number]
            );
        }
    }
}
