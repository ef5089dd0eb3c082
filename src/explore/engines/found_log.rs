//! The stand-alone log as the study found it, and a client that replays it.

use super::super::contract::{Map, MapWrite, Operation, Told};
use super::super::subject::{Failure, StateOf, Subject};
use super::{durable, map_writes, told, unknown};
use crate::engine::wal::Write;
use crate::engine::wal::segments::as_found::{AsFound, Options};
use crate::storage::simulated::{SECTOR_BYTES, Simulated};
use crate::storage::{File, Storage};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Where the client holds what it truncates, in a directory of its own.
const CLIENT: &str = "client";

/// The log as found. Its client's map is what the records say, over what the client held when it truncated.
#[derive(Clone, Debug)]
pub struct FoundLogSubject {
    /// Its settings.
    pub options: Options,
}

/// The log, and what its client holds elsewhere.
#[derive(Debug)]
pub struct LogClient<T = Simulated>
where
    T: Storage,
{
    log: AsFound<T>,
    disk: T,
    held: Held,
}

/// What the client holds: all that the records up to a number say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Held {
    up_to: u64,
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Held {
    /// Reads it. Its file is made, and durable, where it is missing.
    fn open<T: Storage>(disk: &T, root: &Path) -> Result<Held, Failure> {
        let dir = root.join(CLIENT);
        let path = dir.join("held");
        if disk.exists(&path)? {
            let mut json = [0; SECTOR_BYTES];
            let read = disk.open(&path)?.read_at(0, &mut json)?;
            return Ok(serde_json::from_slice(&json[..read])?);
        }
        disk.create_dir(&dir)?;
        disk.create(&path)?;
        Held::default().write(disk, root)?;
        disk.directory_barrier(&dir)?;
        disk.directory_barrier(root)?;
        Ok(Held::default())
    }

    /// Makes it durable. One sector, always the same: a power cut leaves it, or what was there before.
    fn write<T: Storage>(&self, disk: &T, root: &Path) -> Result<(), Failure> {
        let mut json = serde_json::to_vec(self)?;
        if json.len() > SECTOR_BYTES {
            return Err("the client holds no more than a sector".into());
        }
        json.resize(SECTOR_BYTES, b' ');
        let file = disk.open(&root.join(CLIENT).join("held"))?;
        file.write_at(0, &json)?;
        Ok(file.barrier()?)
    }
}

impl Subject for FoundLogSubject {
    type Contract = Map;
    type Store = LogClient;

    fn open(&self, storage: &Simulated) -> Result<LogClient, Failure> {
        self.open_on(storage.clone(), Path::new("."))
    }

    fn apply(
        &self,
        client: &mut LogClient,
        operation: &Operation<MapWrite>,
    ) -> Result<Told, Failure> {
        match operation {
            Operation::Write(writes) => {
                client.log.append(&map_writes(writes))?;
                Ok(match writes.len() {
                    // A batch is always synced.
                    2.. => Told::Durable,
                    _ => told(self.options.sync),
                })
            }
            Operation::Sync => durable(client.log.sync()),
            Operation::Maintain(name) => match &name[..] {
                "rotate" => durable(client.log.rotate()),
                "truncate" => {
                    client.held = Held {
                        up_to: client.log.last(),
                        pairs: self.observe(client)?.into_iter().collect(),
                    };
                    client.held.write(&client.disk, Path::new("."))?;
                    durable(client.log.truncate())
                }
                _ => Err(unknown(operation)),
            },
            other => Err(unknown(other)),
        }
    }

    fn observe(&self, client: &mut LogClient) -> Result<StateOf<Self>, Failure> {
        self.read(client)
    }

    fn close(&self, client: LogClient) -> Result<Told, Failure> {
        durable(client.log.close())
    }
}

impl FoundLogSubject {
    pub(super) fn open_on<T: Storage + Clone>(
        &self,
        disk: T,
        root: &Path,
    ) -> Result<LogClient<T>, Failure> {
        let held = Held::open(&disk, root)?;
        let log = AsFound::open(disk.clone(), &root.join("log"), self.options)?;
        Ok(LogClient { log, disk, held })
    }

    pub(super) fn read<T: Storage>(&self, client: &LogClient<T>) -> Result<StateOf<Self>, Failure> {
        let mut pairs: StateOf<Self> = client.held.pairs.iter().cloned().collect();
        let since = client.log.records().iter();
        for (_, write) in since.filter(|(number, _)| *number > client.held.up_to) {
            match write.clone() {
                Write::Put { key, value } => drop(pairs.insert(key, value)),
                Write::Delete { key } => drop(pairs.remove(&key)),
            }
        }
        Ok(pairs)
    }
}
