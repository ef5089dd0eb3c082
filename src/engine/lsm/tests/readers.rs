//! Readers: what they see stays, and no writer holds them up.

use super::*;
use crate::storage::File;
use crate::storage::os::{OsFile, OsLock};
use std::io;
use std::sync::{Arc, Condvar, Mutex};

#[test]
fn a_snapshot_stays_as_it_was_through_flush_merge_and_the_end_of_the_store() {
    let home = Home::new();
    let store = home.open().unwrap();
    store.write(&[put("a", "1"), put("b", "1")]).unwrap();
    store.flush().unwrap();
    store.put(b"a", b"2").unwrap();
    let snapshot = store.snapshot();
    let mut scan = snapshot.scan::<[u8]>(..);
    assert_eq!(scan.next().unwrap().unwrap().1, b"2");
    store.write(&[delete("a"), put("c", "3")]).unwrap();
    store.compact().unwrap();
    assert_eq!(home.names(), ["1-3.sst", "log"]);
    assert_eq!(all(&store), pairs(&[("b", "1"), ("c", "3")]));
    store.close().unwrap();
    assert_eq!(snapshot.get(b"a").unwrap(), Some(b"2".to_vec()));
    assert_eq!(snapshot.clone().get(b"c").unwrap(), None);
    assert_eq!(
        scan.next().unwrap().unwrap(),
        (b"b".to_vec(), b"1".to_vec())
    );
    assert!(scan.next().is_none());
}

#[test]
fn a_store_and_what_reads_it_may_be_shared_and_sent() {
    fn check<T: Send + Sync>() {}
    check::<Store<OsStorage>>();
    check::<crate::engine::lsm::Snapshot<OsStorage>>();
    check::<crate::engine::lsm::Scan<OsStorage>>();
}

/// Real files whose barriers wait for a gate to open.
#[derive(Clone, Debug, Default)]
struct Gated(Arc<(Mutex<Gate>, Condvar)>);

#[derive(Debug, Default)]
struct Gate {
    is_shut: bool,
    waiting: usize,
}

impl Gated {
    fn shut(&self, is_shut: bool) {
        self.0.0.lock().unwrap().is_shut = is_shut;
        self.0.1.notify_all();
    }
    fn wait_for_a_barrier(&self) {
        let gate = self.0.0.lock().unwrap();
        let long = std::time::Duration::from_secs(20);
        let waited = self
            .0
            .1
            .wait_timeout_while(gate, long, |gate| gate.waiting == 0);
        let is_waiting = !waited.unwrap().1.timed_out();
        assert!(is_waiting, "no barrier");
    }
    fn pass(&self) {
        let mut gate = self.0.0.lock().unwrap();
        gate.waiting += 1;
        self.0.1.notify_all();
        let mut gate = self.0.1.wait_while(gate, |gate| gate.is_shut).unwrap();
        gate.waiting -= 1;
    }
}

/// Opens the gate in the end, also where a test fails: nobody is left waiting.
struct Opener(Gated);

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.shut(false);
    }
}

#[derive(Debug)]
struct GatedFile(OsFile, Gated);

impl Storage for Gated {
    type File = GatedFile;
    type Lock = OsLock;

    fn open(&self, path: &Path) -> io::Result<GatedFile> {
        Ok(GatedFile(OsStorage.open(path)?, self.clone()))
    }
    fn create(&self, path: &Path) -> io::Result<GatedFile> {
        Ok(GatedFile(OsStorage.create(path)?, self.clone()))
    }
    fn exists(&self, path: &Path) -> io::Result<bool> {
        OsStorage.exists(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        OsStorage.list(dir)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsStorage.create_dir(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsStorage.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        OsStorage.remove(path)
    }
    fn directory_barrier(&self, dir: &Path) -> io::Result<()> {
        OsStorage.directory_barrier(dir)
    }
    fn lock(&self, dir: &Path) -> io::Result<Option<OsLock>> {
        OsStorage.lock(dir)
    }
}

impl File for GatedFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(at, buffer)
    }
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(at, bytes)
    }
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn barrier(&self) -> io::Result<()> {
        self.1.pass();
        self.0.barrier()
    }
    fn data_barrier(&self) -> io::Result<()> {
        self.1.pass();
        self.0.data_barrier()
    }
}

#[test]
fn a_reader_does_not_wait_for_a_barrier_and_sees_nothing_before_it_completed() {
    let (home, storage) = (Home::new(), Gated::default());
    let store = Store::open(storage.clone(), &home.store(), options(1 << 20, 2)).unwrap();
    store.put(b"a", b"1").unwrap();
    store.flush().unwrap();
    store.put(b"a", b"2").unwrap();
    storage.shut(true);
    std::thread::scope(|threads| {
        let _opener = Opener(storage.clone());
        // Its data barrier waits; then the barrier of a table does.
        for (write, seen) in [(true, "2"), (false, "3")] {
            let store = &store;
            let writer = threads.spawn(move || match write {
                true => store.put(b"a", b"3").map(drop),
                false => store.flush(),
            });
            storage.wait_for_a_barrier();
            assert_eq!(store.get(b"a").unwrap(), Some(seen.into()));
            assert_eq!(all(store), pairs(&[("a", seen)]));
            storage.shut(false);
            writer.join().unwrap().unwrap();
            storage.shut(true);
        }
    });
    storage.shut(false);
    assert_eq!(all(&store), pairs(&[("a", "3")]));
}

#[test]
fn readers_beside_a_writer_see_whole_batches_that_never_go_back() {
    let home = Home::new();
    let store = Store::open(OsStorage, &home.store(), options(400, 2)).unwrap();
    let number = |value: Option<Vec<u8>>| value.map_or(0, |it| it[0]);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut last = 0;
                while last < 60 {
                    let snapshot = store.snapshot();
                    let (a, b) = (snapshot.get(b"a").unwrap(), snapshot.get(b"b").unwrap());
                    let scanned = snapshot
                        .scan::<[u8]>(..)
                        .map(|pair| number(Some(pair.unwrap().1)));
                    let scanned: Vec<u8> = scanned.collect();
                    let (a, b) = (number(a), number(b));
                    assert_eq!(a, b);
                    assert!(scanned.iter().all(|value| *value == a));
                    assert!(last <= a);
                    last = a;
                }
            });
        }
        for value in 1..=60u8 {
            let put = |key: &[u8]| Write::Put {
                key: key.to_vec(),
                value: vec![value],
            };
            store.write(&[put(b"a"), put(b"b")]).unwrap();
        }
    });
    assert!(store.stats().unwrap().merges > 0);
}
