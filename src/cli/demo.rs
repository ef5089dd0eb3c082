//! `lightsout demo lsm DIR`: a real store in a minute, killed while it writes.
//!
//! The victim is this very program, started again with `--child`: it writes, and says on a pipe what
//! it was told. Killing it leaves the directory as a dying process does; the lights stay on.

use super::{DemoArgs, paint, print};
use lightsout::check::Error;
use lightsout::engine::lsm::{Options, Store, SyncMode};
use lightsout::report::text::Tone;
use lightsout::storage::os::OsStorage;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KEYS: u32 = 100_000;
/// Every key of the demo begins so.
const PREFIX: &str = "demo ";
const LIFE: Duration = Duration::from_secs(1);

pub(super) fn run(args: &DemoArgs) -> Result<u8, Error> {
    if args.child {
        write_until_killed(&args.dir)?;
        return Ok(0);
    }
    check_directory(&args.dir)?;
    open_and_load(&args.dir)?;
    read_and_scan(&args.dir)?;
    let told = write_and_kill(&args.dir)?;
    open_again(&args.dir, &told)?;
    look_at_the_files(&args.dir)?;
    Ok(0)
}

fn usage(error: impl Display) -> Error {
    Error::Usage(error.to_string())
}

fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

fn stage(title: &str) -> Result<(), Error> {
    print(&format!("\n{}\n", paint(Tone::Good, title)))
}

/// A paragraph, in lines of at most 96 characters.
fn say(text: impl AsRef<str>) -> Result<(), Error> {
    let mut lines = vec![String::new()];
    for word in text.as_ref().split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < 96 => *line += &format!(" {word}"),
            _ => lines.push(format!(" {word}")),
        }
    }
    let lines = lines.iter().map(|line| format!(" {line}\n"));
    print(&lines.collect::<String>())
}

/// Nothing is touched in a directory that is somebody else's.
fn check_directory(dir: &Path) -> Result<(), Error> {
    let look = |error| io("look into", dir, error);
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(look)?,
    };
    let names: Result<Vec<OsString>, _> = entries.map(|entry| Ok(entry?.file_name())).collect();
    let names = names.map_err(look)?;
    if names.is_empty() || names.iter().any(|name| name == "log" || name == "log.tmp") {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{} has files in it and is not a store; name a directory that is empty or not there yet",
        dir.display()
    )))
}

fn open(dir: &Path, sync: SyncMode) -> Result<Store<OsStorage>, Error> {
    let options = Options {
        sync,
        flush_at: 1 << 20,
        ..Options::default()
    };
    Store::open(OsStorage, dir, options).map_err(usage)
}

fn loaded_key(number: u32) -> String {
    format!("{PREFIX}load {number:06}")
}

fn open_and_load(dir: &Path) -> Result<(), Error> {
    let store = open(dir, SyncMode::Never)?;
    let mut all = store.scan::<[u8]>(..);
    for pair in [all.next(), all.next_back()].into_iter().flatten() {
        if !pair.map_err(usage)?.0.starts_with(PREFIX.as_bytes()) {
            return Err(Error::Usage(format!(
                "{} holds keys that are not this demo's; name a directory that is empty or not there yet",
                dir.display()
            )));
        }
    }
    drop(all);
    stage("1. Opening")?;
    say(format!(
        "The store is the directory {}. It is open, and nobody else can open it until it is closed.",
        dir.display()
    ))?;

    stage("2. Loading")?;
    let began = Instant::now();
    for number in 0..KEYS {
        let value = format!("value {number:06} {:.<86}", "");
        let written = store.put(loaded_key(number).as_bytes(), value.as_bytes());
        written.map_err(usage)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    store.sync().map_err(usage)?;
    let stats = store.stats().map_err(usage)?;
    say(format!(
        "{KEYS} keys with values of 100 bytes were written in {seconds:.2} s, each to the log and to memory. {} times the \
         log was full, and what was in memory became a sorted table; {} times tables were merged, and {} are left.",
        stats.flushes,
        stats.merges,
        stats.tables.len()
    ))?;
    say(
        "Only the tables waited for the disk here, not the single writes: a power cut could have taken the newest of \
         those, until the sync at the end said Ok. From then on none can be lost.",
    )?;
    store.close().map_err(usage)
}

fn read_and_scan(dir: &Path) -> Result<(), Error> {
    let store = open(dir, SyncMode::EveryWrite)?;
    let get = |key: &str| -> Result<String, Error> {
        let began = Instant::now();
        let value = store.get(key.as_bytes()).map_err(usage)?;
        let micros = began.elapsed().as_secs_f64() * 1e6;
        let found = match &value {
            Some(value) => format!(
                "\"{}..\"",
                String::from_utf8_lossy(&value[..value.len().min(12)])
            ),
            None => "nothing".into(),
        };
        Ok(format!("get \"{key}\" finds {found} in {micros:.0} us"))
    };
    stage("3. Reading")?;
    let key = loaded_key(KEYS / 2);
    say(format!(
        "{}: one block of one table is read, and its checksum looked at before it is believed.",
        get(&key)?
    ))?;
    say(format!(
        "{}: each table has a filter in memory that knows most keys that it does not hold.",
        get("demo nowhere")?
    ))?;
    store.delete(key.as_bytes()).map_err(usage)?;
    say(format!(
        "After delete, {}: a tombstone hides the value, until a merge takes both.",
        get(&key)?
    ))?;

    stage("4. Scanning")?;
    let began = Instant::now();
    let mut scan = store.scan(loaded_key(0).as_bytes()..=loaded_key(KEYS).as_bytes());
    let mut ends = [scan.next(), scan.next_back()].into_iter().flatten();
    let mut end = || -> Result<String, Error> {
        let (key, _) = ends.next().transpose().map_err(usage)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&key).into_owned())
    };
    let (first, last) = (end()?, end()?);
    let mut between = 0;
    for pair in scan {
        pair.map_err(usage)?;
        between += 1;
    }
    say(format!(
        "\"{first}\" is first, \"{last}\" is last, {between} keys are between them, all read in order in {:.2} s. A scan \
         shows the store as it was when it began, whatever is written meanwhile.",
        began.elapsed().as_secs_f64()
    ))?;
    store.close().map_err(usage)
}

/// What the process that was killed was told.
struct Told {
    process: u32,
    /// How often it was told Ok.
    oks: u32,
}

fn victims_key(number: u32) -> String {
    format!("{PREFIX}kill {number:06}")
}

fn victims_value(process: u32, number: u32) -> String {
    format!("write {number} of process {process}")
}

/// Writes with a barrier each, and says so, until it is killed or nobody listens.
fn write_until_killed(dir: &Path) -> Result<(), Error> {
    let store = open(dir, SyncMode::EveryWrite)?;
    let process = std::process::id();
    for number in 1.. {
        let value = victims_value(process, number);
        let written = store.put(victims_key(number).as_bytes(), value.as_bytes());
        written.map_err(usage)?;
        let mut pipe = std::io::stdout().lock();
        if writeln!(pipe, "{number}")
            .and_then(|()| pipe.flush())
            .is_err()
        {
            break;
        }
    }
    store.close().map_err(usage)
}

fn write_and_kill(dir: &Path) -> Result<Told, Error> {
    stage("5. Killing")?;
    let program = std::env::current_exe();
    let program = program.map_err(|error| io("find", Path::new("this program"), error))?;
    let child = Command::new(&program)
        .args(["demo", "lsm", "--child", "--"])
        .arg(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| io("start", &program, error))?;
    let process = child.id();
    let oks = listen_and_kill(&mut child);
    // Whatever went wrong, no child is left behind.
    let killed = child.kill();
    let output = child.wait_with_output();
    let output = output.map_err(|error| io("wait for", &program, error))?;
    let oks = oks.map_err(|error| io("listen to", &program, error))?;
    killed.map_err(|error| io("kill", &program, error))?;
    if output.status.code().is_some() || oks == 0 {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Usage(format!(
            "the process that was to be killed ended before: {}",
            said.trim().trim_start_matches("error: ")
        )));
    }
    say(format!(
        "Another process opened the store and wrote key after key, each safe on the disk before it was told Ok. \
         After {oks} times Ok it was killed while it wrote the next one: nothing was closed, nothing was tidied up."
    ))?;
    Ok(Told { process, oks })
}

/// How often the child says Ok, up to the end of its pipe. It is killed after a while.
fn listen_and_kill(child: &mut Child) -> std::io::Result<u32> {
    let Some(pipe) = child.stdout.take() else {
        return Ok(0);
    };
    let mut pipe = BufReader::new(pipe);
    let began = Instant::now();
    let mut oks = 0;
    let mut line = String::new();
    while began.elapsed() < LIFE && pipe.read_line(&mut line)? > 0 {
        oks += 1;
        line.clear();
    }
    child.kill()?;
    line.clear();
    pipe.read_to_string(&mut line)?;
    Ok(oks + line.lines().count() as u32)
}

fn open_again(dir: &Path, told: &Told) -> Result<(), Error> {
    stage("6. Opening it again")?;
    let began = Instant::now();
    let store = open(dir, SyncMode::EveryWrite)?;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    let is_there = |number: u32| -> Result<bool, Error> {
        let value = store.get(victims_key(number).as_bytes()).map_err(usage)?;
        let written = victims_value(told.process, number);
        Ok(value.as_deref() == Some(written.as_bytes()))
    };
    let mut lost = 0;
    for number in 1..=told.oks {
        lost += u32::from(!is_there(number)?);
    }
    let deleted = store.get(loaded_key(KEYS / 2).as_bytes()).map_err(usage)?;
    if lost > 0 || deleted.is_some() {
        return Err(Error::Usage(format!(
            "{lost} of {} acknowledged writes are lost, or the deleted key is back: that is a bug, please report it",
            told.oks
        )));
    }
    let under_way = match is_there(told.oks + 1)? {
        true => "is there too",
        false => "is not there",
    };
    say(format!(
        "Recovery took {millis:.1} ms. All {} writes that were told Ok are there, and what was deleted stays deleted. The \
         write that was under way {under_way}; either is right, for nobody was told.",
        told.oks
    ))?;
    say(
        "A kill leaves what the operating system has in its cache; a power cut does not. That is what the rest of \
         this program is about: lightsout check.",
    )?;
    store.close().map_err(usage)
}

fn look_at_the_files(dir: &Path) -> Result<(), Error> {
    stage("7. What is on the disk")?;
    let look = |error| io("look into", dir, error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(look)? {
        let entry = entry.map_err(look)?;
        let bytes = entry.metadata().map_err(look)?.len();
        files.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    files.sort();
    for (name, bytes) in files {
        let what = match name
            .strip_suffix(".sst")
            .and_then(|name| name.split_once('-'))
        {
            Some((lo, hi)) => format!("a sorted table of what records {lo} to {hi} wrote"),
            None => "the log, with what is in no table yet".into(),
        };
        print(&format!("  {name:<22} {bytes:>10} bytes  {what}\n"))?;
    }
    say(format!(
        "Run it again, and it goes on from here; or remove {}, which is all that it made.",
        dir.display()
    ))
}
