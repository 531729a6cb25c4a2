//! What an engine needs to be durable, in a fjall database.
//!
//! [`Store::open`] takes a directory for this process alone. [`Reader`] reads what an engine starts
//! with, and later the PENs that it needs. [`Writer`] makes the engine's batches durable: all that
//! wait go into one fjall batch with one fsync, because fjall has no group commit of its own.
//! [`Journal`] reads the events of a PEN and what came of them.
//!
//! There are seven keyspaces, never one per PEN (fjall keyspaces are dear): `state`, `journal` with
//! its `index`, and `history`, whose keys begin with the PEN, `windows` by channel, `programs` by
//! hash, and `register` for what has to be found without knowing the PEN. Within each, the order of
//! the bytes is the order of the keys.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use stratus_engine::{Batch, Image, Key};
use stratus_event::Fault;

use crate::{directory::Directory, key::Space, mark::Mark};

mod backup;
mod directory;
mod erase;
mod fault;
mod file;
mod index;
mod journal;
mod key;
mod mark;
mod migrate;
mod reader;
mod record;
mod register;
mod seal;
mod transfer;
mod trim;
mod writer;

pub use backup::{
    Backup, Beside, DAMAGES_SHOWN_MAX, Damage, Findings, check_file, check_sealed, check_store,
    restore,
};
pub use file::{Head, Holds};
pub use journal::{Journal, STEPS_MAX};
pub use reader::Reader;
pub use seal::{PASSPHRASE_CHARACTERS_MIN, Passphrase, Randomness};
pub use transfer::Transfer;
pub use trim::{Keep, Trimmed};
pub use writer::{BATCHES_MAX, Progress, Writer};

/// An open database. One process has it at a time.
#[derive(Debug)]
pub struct Store {
    tables: Arc<Tables>,
    mark: Mark,
    /// Why nothing can be written any more. After a failed fsync nobody knows what is on the disk,
    /// so only opening again helps.
    poisoned: Option<Fault>,
}

impl Store {
    /// Opens the database in that directory, or makes one.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let directory = Directory::take(path)?;
        let tables = Tables::open(directory).map_err(|error| fault::unusable(path, &error))?;
        let mark = tables.mark()?;
        migrate::run(&tables)?;
        tables.sweep_programs()?;
        Ok(Self {
            tables: Arc::new(tables),
            mark,
            poisoned: None,
        })
    }

    /// Makes the batches durable, all or none: one fjall batch and one fsync.
    ///
    /// An engine's batch that cannot be written at all (a record too large to be read again) is
    /// found before any is written; then none of them is. After a failure nothing is written any
    /// more until the store is opened again.
    pub fn commit(&mut self, batches: &[Batch]) -> Result<(), Fault> {
        if let Some(fault) = &self.poisoned {
            return Err(fault.clone());
        }
        let written = self.tables.write(batches, self.mark.next());
        match &written {
            Ok(()) => self.mark.step(),
            Err(fault) => self.poisoned = Some(fault::poisoned(fault)),
        }
        written
    }

    /// A reader of the journals.
    pub fn journal(&self) -> Journal {
        Journal::new(Arc::clone(&self.tables))
    }

    /// A reader of what an engine needs.
    pub fn reader(&self) -> Reader {
        Reader::new(self.tables.clone())
    }

    /// All records but the journal's, and of the journal the accepted events that have no outcome.
    /// A record that cannot be read is a fault, never left out.
    pub fn image(&self) -> Result<Image, Fault> {
        self.tables.image()
    }
}

/// The database's keyspaces.
pub(crate) struct Tables {
    accounts: Keyspace,
    pub(crate) database: Database,
    history: Keyspace,
    index: Keyspace,
    journal: Keyspace,
    programs: Keyspace,
    register: Keyspace,
    state: Keyspace,
    windows: Keyspace,
    /// Last, so that the lock outlives the database.
    pub(crate) directory: Directory,
}

impl Tables {
    fn open(directory: Directory) -> fjall::Result<Self> {
        let database = Database::builder(directory.database())
            .cache_size(CACHE_BYTES_MAX)
            .max_journaling_size(JOURNALS_BYTES_MAX)
            .worker_threads(WORKER_THREADS)
            .open()?;
        let open = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        let tables = Self {
            accounts: open("accounts")?,
            history: open("history")?,
            index: open("index")?,
            journal: open("journal")?,
            programs: open("programs")?,
            register: open("register")?,
            state: open("state")?,
            windows: open("windows")?,
            database,
            directory,
        };
        tables.directory.sync()?;
        Ok(tables)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.database.snapshot()
    }

    pub(crate) fn keyspace(&self, space: Space) -> &Keyspace {
        match space {
            Space::Accounts => &self.accounts,
            Space::History => &self.history,
            Space::Index => &self.index,
            Space::Journal => &self.journal,
            Space::Programs => &self.programs,
            Space::Register => &self.register,
            Space::State => &self.state,
            Space::Windows => &self.windows,
        }
    }

    /// The count of commits. A database that has lost some is not used.
    fn mark(&self) -> Result<Mark, Fault> {
        let known = self.index.get(mark::KEY);
        let known = known.map_err(|error| fault::unreadable(&error))?;
        Mark::open(&self.directory.commits(), known.as_deref())
    }

    fn write(&self, batches: &[Batch], count: (Space, Vec<u8>, Vec<u8>)) -> Result<(), Fault> {
        // All writes of a fjall batch have one number, so a key may be in it only once: the last
        // one counts.
        let mut last = BTreeMap::new();
        for (key, record) in batches.iter().flat_map(|batch| &batch.changes) {
            let bytes = record
                .as_ref()
                .map(|record| record::encode(key, record))
                .transpose()?;
            last.insert(key::encode(key)?, bytes);
            let found_by = record.iter().flat_map(|record| index::keys(key, record));
            last.extend(found_by.map(|key| ((Space::Index, key), Some(Vec::new()))));
            let registered = register::entry(key, record.as_ref())?;
            last.extend(registered.map(|(key, value)| ((Space::Register, key), value)));
        }
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        let (space, key, bytes) = count;
        batch.insert(self.keyspace(space), key, bytes);
        for ((space, key), bytes) in last {
            match bytes {
                Some(bytes) => batch.insert(self.keyspace(space), key, bytes),
                None => batch.remove(self.keyspace(space), key),
            }
        }
        batch.commit().map_err(|error| fault::write_failed(&error))
    }

    fn image(&self) -> Result<Image, Fault> {
        let snapshot = self.snapshot();
        let mut image = Image::new();
        for space in SPACES_OF_THE_IMAGE {
            take(space, snapshot.iter(self.keyspace(space)), &mut image)?;
        }
        self.take_accepted(&snapshot, &mut image)?;
        Ok(image)
    }

    /// The records of a keyspace whose keys begin like that.
    pub(crate) fn take_prefix(
        &self,
        snapshot: &Snapshot,
        (space, prefix): (Space, &[u8]),
        image: &mut Image,
    ) -> Result<(), Fault> {
        take(space, snapshot.prefix(self.keyspace(space), prefix), image)
    }

    /// The journal entries that markers in the queue are about.
    pub(crate) fn take_accepted(
        &self,
        snapshot: &Snapshot,
        image: &mut Image,
    ) -> Result<(), Fault> {
        let waiting: Vec<_> = image.keys().filter_map(accepted).collect();
        for key in waiting {
            self.take_one(snapshot, key, image)?;
        }
        Ok(())
    }

    /// A record that has to be there.
    pub(crate) fn take_one(
        &self,
        snapshot: &Snapshot,
        key: Key,
        image: &mut Image,
    ) -> Result<(), Fault> {
        let record = self
            .get(snapshot, &key)?
            .ok_or_else(|| fault::missing(&key))?;
        image.insert(key, record);
        Ok(())
    }

    pub(crate) fn get(
        &self,
        snapshot: &Snapshot,
        key: &Key,
    ) -> Result<Option<stratus_engine::Record>, Fault> {
        let (space, place) = key::encode(key)?;
        let bytes = snapshot.get(self.keyspace(space), place);
        let bytes = bytes.map_err(|error| fault::unreadable(&error))?;
        bytes.map(|bytes| record::decode(key, &bytes)).transpose()
    }
}

/// The keyspaces of which an engine is restored.
const SPACES_OF_THE_IMAGE: [Space; 4] = [
    Space::Accounts,
    Space::State,
    Space::Programs,
    Space::Windows,
];

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

fn take(
    space: Space,
    pairs: impl Iterator<Item = fjall::Guard>,
    image: &mut Image,
) -> Result<(), Fault> {
    for pair in pairs {
        let (key, bytes) = pair
            .into_inner()
            .map_err(|error| fault::unreadable(&error))?;
        let key = key::decode(space, &key)?;
        let record = record::decode(&key, &bytes)?;
        image.insert(key, record);
    }
    Ok(())
}

/// The journal entry that a marker in the queue is about.
fn accepted(key: &Key) -> Option<Key> {
    match key {
        Key::Queue(pen, position) => Some(Key::Accepted(*pen, *position)),
        _ => None,
    }
}

/// What fjall keeps of its files in memory.
const CACHE_BYTES_MAX: u64 = 32 << 20;

/// What fjall's write-ahead journals may take on the disk; all of it is read at a start.
const JOURNALS_BYTES_MAX: u64 = 128 << 20;

/// Threads with which fjall flushes and compacts.
const WORKER_THREADS: usize = 1;
