//! Stores and adapters about which nothing may be said, and what is said of them.

use super::one_file::{OneFile, broken, put};
use super::*;

/// Keeps everything in memory, beside the machine.
struct Elsewhere;

static ELSEWHERE: std::sync::Mutex<BTreeMap<Vec<u8>, Vec<u8>>> =
    std::sync::Mutex::new(BTreeMap::new());

impl Subject for Elsewhere {
    type Contract = Map;
    type Store = ();

    fn open(&self, disk: &Simulated) -> Result<(), Failure> {
        if !disk.exists(Path::new("made"))? {
            ELSEWHERE.lock().expect("no panic").clear();
            disk.create(Path::new("made"))?;
        }
        disk.directory_barrier(Path::new("."))?;
        Ok(())
    }

    fn apply(&self, (): &mut (), asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        let mut map = ELSEWHERE.lock().expect("no panic");
        asked
            .writes()
            .iter()
            .for_each(|write| Map::write(&mut map, write));
        Ok(Told::Durable)
    }

    fn observe(&self, (): &mut ()) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        Ok(ELSEWHERE.lock().expect("no panic").clone())
    }
}

#[test]
fn a_store_that_writes_elsewhere_is_not_said_to_hold() {
    let explorer = Explorer::new(&Elsewhere).within(settled());
    let verdict = explorer.explore(&[put("a", "1")]).report.verdict;
    assert!(!matches!(verdict, Verdict::Holds), "{verdict}");
}

/// Writes another byte in each run.
struct Unlike(AtomicUsize);

impl Subject for Unlike {
    type Contract = Map;
    type Store = Simulated;

    fn open(&self, disk: &Simulated) -> Result<Simulated, Failure> {
        OneFile::default().open(disk)
    }

    fn apply(&self, disk: &mut Simulated, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        let run = self.0.fetch_add(1, Ordering::Relaxed);
        let name = format!("run {run}");
        disk.create(Path::new(&name))?;
        OneFile::default().apply(disk, asked)
    }

    fn observe(&self, disk: &mut Simulated) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        OneFile::default().observe(disk)
    }
}

#[test]
fn a_store_that_is_not_the_same_in_every_run_is_named_with_the_call() {
    let subject = Unlike(AtomicUsize::new(0));
    let verdict = Explorer::new(&subject)
        .explore(&[put("a", "1")])
        .report
        .verdict;
    let Verdict::Broken(why) = verdict else {
        panic!("{verdict}");
    };
    assert!(
        why.contains("`create run 0` in one, `create run 1` in the other"),
        "{why}"
    );
}

/// Counts how often it was opened.
struct Counting {
    masked: bool,
}

impl Subject for Counting {
    type Contract = Map;
    type Store = Simulated;

    fn open(&self, disk: &Simulated) -> Result<Simulated, Failure> {
        let path = Path::new("opened");
        let file = match disk.exists(path)? {
            true => disk.open(path)?,
            false => disk.create(path)?,
        };
        let mut count = [0; 8];
        file.read_at(0, &mut count)?;
        let count = u64::from_le_bytes(count) + 1;
        file.write_at(0, &count.to_le_bytes())?;
        file.barrier()?;
        OneFile::default().open(disk)
    }

    fn apply(&self, disk: &mut Simulated, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        OneFile::default().apply(disk, asked)
    }

    fn observe(&self, disk: &mut Simulated) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        OneFile::default().observe(disk)
    }

    fn normalise(&self) -> Option<&lightsout::explore::subject::Mask> {
        let mask: &lightsout::explore::subject::Mask = &|path, contents| {
            if path == "opened" {
                contents.fill(0);
            }
        };
        self.masked.then_some(mask)
    }
}

#[test]
fn what_only_grows_is_masked_or_there_is_no_fixpoint() {
    let bounds = Bounds {
        recoveries: Some(20_000),
        ..settled()
    };
    let verdict = |masked| {
        let subject = Counting { masked };
        let explorer = Explorer::new(&subject).on("xfs").within(bounds.clone());
        explorer.explore(&[put("a", "1")]).report.verdict
    };
    assert!(
        matches!(verdict(false), Verdict::Inconclusive(_)),
        "{}",
        verdict(false)
    );
    assert_eq!(verdict(true), Verdict::Holds);
}

/// Lines that are appended and synced; what is no line is cut off, and that is synced.
struct Lines;

impl Subject for Lines {
    type Contract = Map;
    type Store = lightsout::storage::simulated::SimulatedFile;

    fn open(&self, disk: &Simulated) -> Result<Self::Store, Failure> {
        let path = Path::new("lines");
        let file = match disk.exists(path)? {
            true => disk.open(path)?,
            false => disk.create(path)?,
        };
        let mut text = vec![0; file.len()? as usize];
        file.read_at(0, &mut text)?;
        let good = lines(&text).map(|(end, ..)| end).last().unwrap_or(0);
        file.set_len(good as u64)?;
        file.barrier()?;
        disk.directory_barrier(Path::new("."))?;
        Ok(file)
    }

    fn apply(&self, file: &mut Self::Store, asked: &Operation<MapWrite>) -> Result<Told, Failure> {
        for write in asked.writes() {
            if let MapWrite::Put(key, value) = write {
                file.append(&[&key[..], b"=", value, b";"].concat())?;
            }
        }
        file.data_barrier()?;
        Ok(Told::Durable)
    }

    fn observe(&self, file: &mut Self::Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Failure> {
        let mut text = vec![0; file.len()? as usize];
        file.read_at(0, &mut text)?;
        Ok(lines(&text).map(|(_, key, value)| (key, value)).collect())
    }
}

/// Where each line ends, its key and its value, up to the first that is none.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>, Vec<u8>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let end = at + text[at..].iter().position(|byte| *byte == b';')?;
        let line = std::str::from_utf8(&text[at..end]).ok()?;
        let (key, value) = line.split_once('=')?;
        let printable = line
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
        at = end + 1;
        printable.then(|| (at, key.into(), value.into()))
    })
}

#[test]
fn what_a_recovery_found_absent_and_is_back_is_a_gap_and_not_invented() {
    // A size outlives its data; what stands there is what an earlier, lost append left behind.
    assert_eq!(broken(&Lines), Some((Breach::Gap, "D2")));
}
