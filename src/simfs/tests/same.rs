//! The same done to a simulated machine and to a temporary directory of the system, and the same seen.

use crate::simfs::within;
use std::fmt::Debug;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What was seen, in order: values, and the kinds of errors.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen(Vec<String>);

impl Seen {
    fn all<T: Debug>(&mut self, of: io::Result<T>) {
        self.0
            .push(format!("{:?}", of.map_err(|error| error.kind())));
    }
}

macro_rules! same {
    ($($(#[$attribute:meta])* $name:ident($root:ident, $see:ident) $body:block)*) => { $(
        $(#[$attribute])*
        #[test]
        fn $name() {
            fn simulated($root: &Path, $see: &mut Seen) -> io::Result<()> {
                use crate::simfs as fs;
                $body
                Ok(())
            }
            fn of_the_system($root: &Path, $see: &mut Seen) -> io::Result<()> {
                use std::fs;
                #[allow(unused_imports)] // The simulated file has these methods itself.
                use std::os::unix::fs::FileExt;
                $body
                Ok(())
            }
            let (mut ours, mut theirs) = (Seen::default(), Seen::default());
            let real = tempfile::tempdir().unwrap();
            of_the_system(real.path(), &mut theirs).unwrap();
            within(&super::machine(), || simulated(Path::new("/"), &mut ours)).unwrap();
            assert!(!ours.0.is_empty());
            assert_eq!(ours, theirs);
        }
    )* };
}

same! {
    whole_files(root, see) {
        let file = root.join("f");
        see.all(fs::read(&file));
        see.all(fs::exists(&file));
        see.all(fs::write(&file, "one, and more"));
        see.all(fs::write(&file, "two"));
        see.all(fs::read_to_string(&file));
        see.all(fs::metadata(&file).map(|m| (m.len(), m.is_file(), m.is_dir(), m.is_symlink())));
        see.all(fs::copy(&file, root.join("g")));
        see.all(fs::read(root.join("g")));
        see.all(fs::copy(root, root.join("h")));
        see.all(fs::copy(root.join("nothing"), root.join("h")));
        see.all(fs::exists(root.join("h")));
        see.all(fs::copy(&file, &file));
        see.all(fs::write(&file, [0xff, 0xfe]));
        see.all(fs::read_to_string(&file));
    }

    the_cursor(root, see) {
        let path = root.join("f");
        let mut file = fs::File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        see.all(file.write(b"0123456789"));
        see.all(file.stream_position());
        see.all(file.seek(SeekFrom::Start(3)));
        let mut two = [0; 2];
        see.all(file.read_exact(&mut two).map(|()| two));
        let mut clone = file.try_clone()?;
        see.all(clone.stream_position());
        see.all(clone.write(b"ab"));
        see.all((&file).stream_position());
        see.all(file.seek(SeekFrom::Current(-100)));
        see.all(file.seek(SeekFrom::End(-1)));
        see.all(file.seek(SeekFrom::End(3)));
        see.all((&file).read(&mut two));
        see.all((&file).write_all(b"far"));
        see.all(fs::read(&path));
        see.all(file.set_len(4));
        see.all(file.stream_position());
        see.all(file.read(&mut two));
        see.all(file.set_len(6));
        see.all(file.set_len(u64::MAX));
        see.all(file.rewind());
        let mut rest = Vec::new();
        see.all(file.read_to_end(&mut rest).map(|_| rest));
        see.all(file.seek(SeekFrom::Start(u64::MAX)));
        see.all(file.sync_all());
        see.all(file.sync_data());
        see.all(file.metadata().map(|m| (m.len(), m.is_file())));
    }

    positions(root, see) {
        let path = root.join("f");
        let mut file = fs::File::create_new(&path)?;
        see.all(file.write_at(b"beyond", 5));
        see.all(file.write_all_at(b"x", 0));
        see.all(file.write_all_at(b"", 100));
        see.all(file.write_all_at(b"y", u64::MAX));
        see.all(file.stream_position());
        let mut three = [1; 3];
        see.all(file.read_at(&mut three, 9).map(|n| (n, three)));
        see.all(file.read_at(&mut three, 90).map(|n| (n, three)));
        see.all(file.read_exact_at(&mut three, 9).map(|()| three));
        see.all(file.read_exact_at(&mut three, 0).map(|()| three));
        see.all(fs::read(&path));
        see.all(file.write(b"!"));
        see.all(fs::read(&path));
    }

    to_append(root, see) {
        let path = root.join("f");
        fs::write(&path, "one")?;
        let mut file = fs::OpenOptions::new().read(true).append(true).open(&path)?;
        see.all(file.stream_position());
        see.all(file.write(b" two"));
        see.all(file.stream_position());
        see.all(file.rewind());
        see.all(file.write(b""));
        see.all(file.write(b" three"));
        see.all(file.stream_position());
        fs::OpenOptions::new().append(true).open(&path)?.write_all(b" four")?;
        see.all(file.write(b" five"));
        see.all(fs::read_to_string(&path));
    }

    #[cfg(target_os = "linux")]
    to_append_at_a_position(root, see) {
        fs::write(root.join("f"), "one")?;
        let file = fs::OpenOptions::new().append(true).open(root.join("f"))?;
        see.all(file.write_at(b" two", 0));
        see.all(fs::read_to_string(root.join("f")));
    }

    access(root, see) {
        let path = root.join("f");
        fs::write(&path, "x")?;
        let mut read_only = fs::File::open(&path)?;
        see.all(read_only.write(b"y"));
        see.all(read_only.write(b""));
        see.all(read_only.write_at(b"y", 0));
        see.all(read_only.set_len(0));
        see.all(read_only.sync_all());
        let number = |error: io::Error| error.raw_os_error();
        see.all(Ok(read_only.write(b"y").map_err(number)));
        let mut write_only = fs::File::create(root.join("g"))?;
        see.all(write_only.read(&mut [0]));
        see.all(write_only.read_at(&mut [0], 0));
        see.all(Ok(write_only.read(&mut [0]).map_err(number)));
        let mut text = String::new();
        see.all(write_only.read_to_string(&mut text));
        for options in 0..64_u8 {
            let is = |bit: u8| options & (1 << bit) != 0;
            let mut with = fs::OpenOptions::new();
            with.read(is(0)).write(is(1)).append(is(2));
            with.truncate(is(3)).create(is(4)).create_new(is(5));
            fs::write(&path, "contents")?;
            let there = with.open(&path).map(|_| ());
            see.all(there);
            see.all(fs::read(&path));
            let new = root.join("new");
            see.all(with.open(&new).map(|_| ()));
            see.all(fs::exists(&new));
            if fs::exists(&new)? {
                fs::remove_file(&new)?;
            }
            see.all(with.open(root).map(|_| ()));
            see.all(with.open(path.join("x")).map(|_| ()));
            see.all(with.open(root.join("missing/x")).map(|_| ()));
            see.all(with.open("").map(|_| ()));
        }
    }

    directories(root, see) {
        let dir = root.join("d");
        see.all(fs::create_dir(dir.join("e")));
        see.all(fs::create_dir(&dir));
        see.all(fs::create_dir(&dir));
        see.all(fs::create_dir_all(dir.join("e/f/g")));
        see.all(fs::create_dir_all(dir.join("e/f/g")));
        see.all(fs::create_dir_all(""));
        see.all(fs::create_dir(""));
        see.all(fs::create_dir(root));
        fs::write(dir.join("file"), "12345")?;
        see.all(fs::create_dir(dir.join("file")));
        see.all(fs::create_dir(dir.join("file/x")));
        see.all(fs::create_dir_all(dir.join("file")));
        see.all(fs::create_dir_all(dir.join("file/x/y")));
        see.all(fs::DirBuilder::new().recursive(true).create(dir.join("h/i")));
        see.all(fs::DirBuilder::new().create(dir.join("j/k")));
        let mut entries: Vec<_> = fs::read_dir(&dir)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            see.all(Ok(entry.file_name()));
            see.all(Ok(entry.path() == dir.join(entry.file_name())));
            see.all(entry.file_type().map(|t| (t.is_dir(), t.is_file(), t.is_symlink())));
            see.all(entry.metadata().map(|m| (m.is_dir(), m.is_file() && m.len() == 5)));
            see.all(entry.metadata().map(|m| m.file_type().is_dir()));
        }
        see.all(fs::read_dir(dir.join("nothing")).map(|_| ()));
        see.all(fs::read_dir(dir.join("file")).map(|_| ()));
        see.all(fs::read_dir("").map(|_| ()));
        let entry = fs::read_dir(dir.join("e"))?.next().transpose()?;
        see.all(fs::remove_dir(dir.join("e/f")));
        see.all(fs::remove_dir(dir.join("e/f/g")));
        see.all(fs::remove_dir(dir.join("e/f")));
        see.all(entry.ok_or(io::ErrorKind::Other.into()).and_then(|entry| entry.metadata().map(|_| ())));
        see.all(fs::remove_dir(dir.join("e/f")));
        see.all(fs::remove_dir(dir.join("file")));
        see.all(fs::remove_dir(dir.join("file/x")));
        see.all(fs::remove_dir_all(dir.join("h")));
        see.all(fs::remove_dir_all(dir.join("h")));
        see.all(fs::remove_dir_all(&dir));
        see.all(fs::read_dir(root).map(|entries| entries.count()));
    }

    an_open_directory(root, see) {
        fs::create_dir(root.join("d"))?;
        let mut dir = fs::File::open(root.join("d"))?;
        see.all(dir.metadata().map(|m| (m.is_dir(), m.is_file())));
        see.all(dir.sync_all());
        see.all(dir.sync_data());
        see.all(dir.read(&mut [0]));
        see.all(dir.read_at(&mut [0], 0));
        see.all(dir.write(&[0]));
        see.all(dir.set_len(0));
        see.all(fs::read(root.join("d")));
        see.all(fs::write(root.join("d"), "x"));
        see.all(fs::File::create_new(root.join("d")).map(|_| ()));
        see.all(fs::rename(root.join("d"), root.join("e")));
        see.all(dir.sync_all());
        see.all(fs::remove_dir(root.join("e")));
        see.all(dir.sync_all());
    }

    names(root, see) {
        let (a, b, d, e) = (root.join("a"), root.join("b"), root.join("d"), root.join("e"));
        see.all(fs::rename(&a, &b));
        fs::write(&a, "a")?;
        fs::write(&b, "b")?;
        let mut open_a = fs::File::options().read(true).append(true).open(&a)?;
        let mut open_b = fs::File::open(&b)?;
        see.all(fs::rename(&a, &a));
        see.all(fs::rename(&a, &b));
        see.all(open_a.write(b"+"));
        see.all(fs::read_to_string(&b));
        let mut replaced = String::new();
        see.all(open_b.read_to_string(&mut replaced).map(|_| replaced));
        see.all(fs::exists(&a));
        fs::create_dir_all(d.join("in"))?;
        fs::create_dir_all(e.join("in"))?;
        see.all(fs::rename(&b, &d));
        see.all(fs::rename(&d, &b));
        see.all(fs::rename(&d, &e));
        see.all(fs::rename(&d, &d));
        see.all(fs::rename(&d, d.join("in/x")));
        see.all(fs::rename(d.join("in"), &d));
        see.all(fs::rename(&b, root.join("missing/x")));
        see.all(fs::rename(&b, b.join("x")));
        see.all(fs::rename(&b, ""));
        see.all(fs::rename(b.join("x"), &a));
        see.all(fs::rename(&d, e.join("d")));
        see.all(fs::metadata(e.join("d/in")).map(|m| m.is_dir()));
        see.all(fs::exists(b.join("x")));
        see.all(fs::exists(""));
        see.all(fs::metadata(b.join("x")).map(|_| ()));
        see.all(fs::symlink_metadata(&e).map(|m| m.is_dir()));
        see.all(fs::remove_file(&a));
        #[cfg(target_os = "linux")]
        see.all(fs::remove_file(&e));
        see.all(fs::remove_file(b.join("x")));
        see.all(fs::remove_file(&b));
        see.all(fs::remove_file(&b));
        see.all(open_a.write(b"+"));
        let mut unlinked = String::new();
        open_a.rewind()?;
        see.all(open_a.read_to_string(&mut unlinked).map(|_| unlinked));
    }

    locks(root, see) {
        fn said(done: Result<(), std::fs::TryLockError>) -> io::Result<bool> {
            match done {
                Ok(()) => Ok(true),
                Err(std::fs::TryLockError::WouldBlock) => Ok(false),
                Err(std::fs::TryLockError::Error(error)) => Err(error),
            }
        }
        fs::write(root.join("f"), "")?;
        for path in [root.join("f"), root.to_path_buf()] {
            let (one, two) = (fs::File::open(&path)?, fs::File::open(&path)?);
            see.all(one.lock());
            see.all(said(one.try_lock()));
            see.all(said(two.try_lock()));
            let clone = one.try_clone()?;
            see.all(said(clone.try_lock()));
            drop(one);
            see.all(said(two.try_lock()));
            see.all(clone.unlock());
            see.all(clone.unlock());
            see.all(said(two.try_lock()));
            see.all(said(clone.try_lock()));
            drop(two);
            see.all(said(clone.try_lock()));
        }
    }
}
