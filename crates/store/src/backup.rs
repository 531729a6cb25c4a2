//! A node as a file, a file as a node, and whether either is whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    path::Path,
    sync::Arc,
};

use fjall::{PersistMode, Readable, Snapshot};
use stratus_engine::{Key, Standing};
use stratus_event::{Fault, PenId, Timestamp};

use crate::{
    Tables,
    directory::{self, Directory},
    fault,
    file::{Entry, FileReader, FileWriter, Head, Holds, Place},
    key::{self, Space},
    migrate::derived,
    record,
    seal::{Opened, Passphrase},
};

/// Makes backups of a store, while it is written or not.
#[derive(Clone, Debug)]
pub struct Backup {
    tables: Arc<Tables>,
}

/// What was found in a store or in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many records there are.
    pub records: u64,
    /// How many bytes these take, keys included, without any compression.
    pub bytes: u64,
    /// How many PENs.
    pub pens: u64,
    /// What is damaged: at most [`DAMAGES_SHOWN_MAX`].
    pub damages: Vec<Damage>,
    /// How many more damages there are.
    pub damages_left_out: u64,
}

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What sort of record it is, such as `Variable`; the keyspace if the key cannot be read.
    pub kind: String,
    /// Its key; where it stands if that cannot be read.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What is beside the store in a file: names and contents.
pub type Beside = BTreeMap<String, Vec<u8>>;

impl Backup {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self { tables }
    }

    /// Writes all that is durable now, and what is beside the store. What is committed meanwhile
    /// is not in it. What is made of the records is not in it either.
    pub fn write(
        &self,
        made: Timestamp,
        beside: &Beside,
        out: impl Write,
    ) -> Result<Findings, Fault> {
        let head = Head {
            holds: Holds::Node,
            made,
            format: directory::FORMAT,
        };
        let mut writer = FileWriter::begin(out, &head).map_err(|e| fault::file_unwritable(&e))?;
        for (name, content) in beside {
            let put = writer.put(Place::Beside, name.as_bytes(), content);
            put.map_err(|error| fault::file_unwritable(&error))?;
        }
        let snapshot = self.tables.snapshot();
        let mut findings = Findings::default();
        for space in Space::ALL.into_iter().filter(|space| !space.is_derived()) {
            let copied = copy(&self.tables, &snapshot, space, &mut writer, &mut findings);
            if let Err(fault) = copied {
                // If this cannot be written either, the file has no end, which tells as much.
                let _ = writer.give_up(&fault);
                return Err(fault);
            }
        }
        let finished = writer.finish();
        finished.map_err(|error| fault::file_unwritable(&error))?;
        Ok(findings)
    }
}

/// Reads all of a file and checks that it is whole and that every record of it can be read.
pub fn check_file(input: impl Read) -> Result<(Head, Findings), Fault> {
    let (mut reader, head) = FileReader::begin(input)?;
    if head.format > directory::FORMAT {
        return Err(fault::file_version(head.format));
    }
    let mut findings = Findings::default();
    while let Some(entries) = reader.entries()? {
        for Entry { place, key, value } in entries {
            if let Place::In(space) = place {
                findings.take(space, &key, &value);
            }
        }
    }
    Ok((head, findings))
}

/// The same of a file that was sealed: an exported PEN.
pub fn check_sealed(input: impl Read, passphrase: &Passphrase) -> Result<(Head, Findings), Fault> {
    check_file(Opened::begin(input, passphrase)?)
}

/// Reads all of the store in that directory, which no process has, and checks every record. What
/// the database cannot read is a damage like others, and ends its keyspace.
pub fn check_store(path: &Path) -> Result<Findings, Fault> {
    let directory = Directory::take_existing(path)?;
    let tables = Tables::open(directory).map_err(|error| fault::unusable(path, &error))?;
    tables.mark()?;
    let snapshot = tables.snapshot();
    let mut findings = Findings::default();
    for space in Space::ALL {
        let mut last = Vec::new();
        for pair in snapshot.iter(tables.keyspace(space)) {
            match pair.into_inner() {
                Ok((key, bytes)) => {
                    if !space.is_derived() {
                        findings.take(space, &key, &bytes);
                    }
                    last = key.to_vec();
                }
                Err(error) => {
                    findings.damaged(Damage::unreadable(space, &last, &error));
                    break;
                }
            }
        }
    }
    Ok(findings)
}

/// Makes a store in that directory, where none may be, of a backup of a node, and gives what was
/// beside the store. Every PEN knows by its epoch that it is no longer what it was: partners may
/// have seen more of it than the backup has. The file should have been checked before: what is
/// done when a damage shows is not undone.
pub fn restore(input: impl Read, path: &Path, now: Timestamp) -> Result<Beside, Fault> {
    let (mut reader, head) = FileReader::begin(input)?;
    if head.holds != Holds::Node {
        return Err(fault::file_foreign());
    }
    if head.format > directory::FORMAT {
        return Err(fault::file_version(head.format));
    }
    let directory = Directory::make_in_format(path, head.format)?;
    let tables = Tables::open(directory).map_err(|error| fault::unusable(path, &error))?;
    let mut restored = Restored::default();
    while let Some(entries) = reader.entries()? {
        insert(&tables, entries, &mut restored)?;
    }
    let snapshot = tables.snapshot();
    for pen in &restored.pens {
        raise_epoch(&tables, &snapshot, *pen, now)?;
    }
    let synced = tables.database.persist(PersistMode::SyncAll);
    synced.map_err(|error| fault::write_failed(&error))?;
    Ok(restored.beside)
}

impl Findings {
    /// Looks at a record.
    pub(crate) fn take(&mut self, space: Space, place: &[u8], bytes: &[u8]) {
        self.count(place, bytes);
        let key = match key::decode(space, place) {
            Ok(key) => key,
            Err(fault) => return self.damaged(Damage::keyless(space, place, &fault)),
        };
        if matches!(key, Key::Pen(_)) {
            self.pens = self.pens.saturating_add(1);
        }
        if let Err(fault) = record::decode(&key, bytes) {
            self.damaged(Damage::of(&key, &fault));
        }
    }

    pub(crate) fn count(&mut self, place: &[u8], bytes: &[u8]) {
        let size = u64::try_from(place.len() + bytes.len()).unwrap_or(u64::MAX);
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size);
    }

    fn damaged(&mut self, damage: Damage) {
        if self.damages.len() < DAMAGES_SHOWN_MAX {
            self.damages.push(damage);
        } else {
            self.damages_left_out = self.damages_left_out.saturating_add(1);
        }
    }
}

impl Damage {
    fn of(key: &Key, fault: &Fault) -> Self {
        let key = format!("{key:?}");
        let kind = key.split('(').next().unwrap_or_default().to_owned();
        let reason = fault.message.clone();
        Self { kind, key, reason }
    }

    fn keyless(space: Space, place: &[u8], fault: &Fault) -> Self {
        Self {
            kind: space.name().to_owned(),
            key: hexadecimal(place),
            reason: fault.message.clone(),
        }
    }

    fn unreadable(space: Space, last: &[u8], error: &fjall::Error) -> Self {
        Self {
            kind: space.name().to_owned(),
            key: format!("after {}", hexadecimal(last)),
            reason: format!("the database cannot read on: {error}"),
        }
    }
}

/// What came out of a file.
#[derive(Default)]
struct Restored {
    beside: Beside,
    pens: BTreeSet<PenId>,
}

/// Copies a keyspace as it is.
fn copy<W: Write>(
    tables: &Tables,
    snapshot: &Snapshot,
    space: Space,
    writer: &mut FileWriter<W>,
    findings: &mut Findings,
) -> Result<(), Fault> {
    for pair in snapshot.iter(tables.keyspace(space)) {
        let (key, bytes) = pair
            .into_inner()
            .map_err(|error| fault::unreadable(&error))?;
        findings.count(&key, &bytes);
        let put = writer.put(Place::In(space), &key, &bytes);
        put.map_err(|error| fault::file_unwritable(&error))?;
    }
    Ok(())
}

/// Puts the entries of a block where they belong. They are durable only when the database is told.
fn insert(tables: &Tables, entries: Vec<Entry>, restored: &mut Restored) -> Result<(), Fault> {
    let mut batch = tables.database.batch();
    for Entry { place, key, value } in entries {
        match place {
            Place::Beside => {
                let name = String::from_utf8_lossy(&key).into_owned();
                restored.beside.insert(name, value);
            }
            Place::In(space) => {
                if let (Space::State, Ok(Key::Pen(pen))) = (space, key::decode(space, &key)) {
                    restored.pens.insert(pen);
                }
                for (space, key, value) in derived(space, &key, &value) {
                    batch.insert(tables.keyspace(space), key, value);
                }
                batch.insert(tables.keyspace(space), key, value);
            }
        }
    }
    batch.commit().map_err(|error| fault::write_failed(&error))
}

/// Counts up the epoch of a PEN.
fn raise_epoch(
    tables: &Tables,
    snapshot: &Snapshot,
    pen: PenId,
    now: Timestamp,
) -> Result<(), Fault> {
    let before = tables.standing(snapshot, pen)?;
    let standing = Standing {
        epoch: before.epoch.saturating_add(1),
        since: now,
        ..before
    };
    let mut batch = tables.database.batch();
    tables.settle(snapshot, pen, standing, &mut batch)?;
    batch.commit().map_err(|error| fault::write_failed(&error))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A text takes all that is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How many damages are told of, each by itself.
pub const DAMAGES_SHOWN_MAX: usize = 100;
