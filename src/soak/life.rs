//! One process, from its start to its end.

use super::Error;
use super::child::Job;
use std::io::{ErrorKind, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::sleep;
use std::time::Duration;

/// A process that says nothing for so long does not work.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// From when on the time of a life counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// When it is about to open the store.
    Opening,
    /// When it told something.
    FirstTold,
}

/// How to begin a life, and when to end it.
pub(super) struct Life<'l> {
    /// What to start, up to the store and the job.
    pub(super) program: &'l Path,
    pub(super) arguments: &'l [String],
    pub(super) store: &'l Path,
    pub(super) job: &'l Job,
    pub(super) since: Since,
    pub(super) after: Duration,
}

impl Life<'_> {
    /// Starts a process, kills it, and returns what it wrote on its pipe.
    pub(super) fn live_and_die(&self) -> Result<String, Error> {
        let job = serde_json::to_string(self.job)
            .map_err(|error| self.ended(format!("cannot be told what to do: {error}")))?;
        let child = Command::new(self.program)
            .args(self.arguments)
            .arg("--")
            .arg(self.store)
            .arg(job)
            // Ctrl-C is for the parent.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(Error::io("start", self.program))?;
        let (says, heard) = channel();
        let pipe = child.stdout.take();
        let listener = std::thread::spawn(move || listen(pipe, &says));
        let waited = self.wait(&heard);
        // Whatever went wrong, no child is left behind.
        let killed = child.kill();
        let (status, words) = end(child).map_err(Error::io("wait for", self.program))?;
        killed.map_err(Error::io("kill", self.program))?;
        let heard = listener.join().unwrap_or_else(|_| Ok(Vec::new()));
        let heard = heard.map_err(Error::io("listen to", self.program))?;
        let heard = String::from_utf8_lossy(&heard).into_owned();
        // What it found wrong is its end, and no failure.
        if status.signal() != Some(9) && !heard.lines().any(|line| line.starts_with('!')) {
            return Err(self.ended(format!("ended before, with {status}: {}", words.trim())));
        }
        match waited {
            true => Ok(heard),
            false => Err(self.ended(format!("said nothing for {} s", SILENCE_MAX.as_secs()))),
        }
    }

    /// Waits until it is time to kill it. Whether it said anything.
    fn wait(&self, heard: &Receiver<usize>) -> bool {
        let enough = match self.since {
            Since::Opening => BEGUN.len(),
            Since::FirstTold => BEGUN.len() + 1,
        };
        loop {
            match heard.recv_timeout(SILENCE_MAX) {
                Ok(bytes) if bytes >= enough => break,
                Ok(_) => {}
                // It ended.
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
        sleep(self.after);
        true
    }

    fn ended(&self, said: String) -> Error {
        let dir = self.store.to_path_buf();
        Error::Child { said, dir }
    }
}

/// What a child says before it opens the store.
const BEGUN: &str = ".\n";

/// Reads a pipe to its end, so that nobody waits for room in it, and says how far it is as long as that is little.
fn listen(pipe: Option<ChildStdout>, says: &Sender<usize>) -> std::io::Result<Vec<u8>> {
    let (mut all, mut part) = (Vec::new(), [0; 8192]);
    let Some(mut pipe) = pipe else {
        return Ok(all);
    };
    loop {
        let before = all.len();
        match pipe.read(&mut part) {
            Ok(0) => return Ok(all),
            Ok(bytes) => all.extend_from_slice(&part[..bytes]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if before <= BEGUN.len() {
            let _ = says.send(all.len());
        }
    }
}

fn end(child: Child) -> std::io::Result<(std::process::ExitStatus, String)> {
    let output = child.wait_with_output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.trim().trim_start_matches("error: ").to_string();
    Ok((output.status, words))
}

/// The names in a store's directory; none where it is not made yet.
pub(super) fn names(store: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(store).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.map(name).collect()
}

/// Copies a store's files; what was at `to` goes.
pub(super) fn copy(store: &Path, to: &Path) -> Result<(), Error> {
    clear(to)?;
    std::fs::create_dir(to).map_err(Error::io("make", to))?;
    for name in names(store) {
        let (from, to): (PathBuf, PathBuf) = (store.join(&name), to.join(&name));
        std::fs::copy(&from, to).map_err(Error::io("copy", &from))?;
    }
    Ok(())
}

/// Removes a directory with all that is in it, where it is there.
pub(super) fn clear(dir: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", dir)(error)),
        _ => Ok(()),
    }
}
