//! One PEN on its way to another node.
//!
//! A PEN lives at one node. Exporting it with `moved` first leaves a mark that it has left
//! ([`Residence::Moved`]), and only then makes the file, so no event is taken that the file does
//! not have. Whoever brings such a file in brings the PEN itself: it lives there from then on, in
//! its next epoch. A file without that mark is a copy: brought in, it does nothing
//! ([`Residence::Copy`]), unless the owner says that the original is gone for ever. What does not
//! live here is in no register, and is not read: for an engine it is not there.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    path::Path,
};

use fjall::{OwnedWriteBatch, PersistMode, Readable, Snapshot};
use stratus_engine::{Key, Record, Residence, Standing};
use stratus_event::{Eci, Fault, PenId, Timestamp};

use crate::{
    Tables,
    directory::{self, Directory},
    fault,
    file::{Entry, FileReader, FileWriter, Head, Holds, Place},
    index,
    key::{self, Space},
    mark::Mark,
    migrate, record, register,
    seal::{Opened, Passphrase, Randomness, Sealing},
};

/// A store that no node runs on, to bring PENs out of it and into it.
#[derive(Debug)]
pub struct Transfer {
    tables: Tables,
    /// That nothing was lost was looked at.
    _mark: Mark,
}

impl Transfer {
    /// Opens the store in that directory, which no process has.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        Self::of(path, Directory::take_existing(path)?)
    }

    /// The same; makes a store if there is none.
    pub fn open_or_make(path: &Path) -> Result<Self, Fault> {
        Self::of(path, Directory::take(path)?)
    }

    fn of(path: &Path, directory: Directory) -> Result<Self, Fault> {
        let tables = Tables::open(directory).map_err(|error| fault::unusable(path, &error))?;
        let mark = tables.mark()?;
        migrate::run(&tables)?;
        Ok(Self {
            tables,
            _mark: mark,
        })
    }

    /// The PENs in the store, what they are called, and where they live.
    pub fn pens(&self) -> Result<Vec<(PenId, String, Standing)>, Fault> {
        let snapshot = self.tables.snapshot();
        let mut pens = Vec::new();
        for pen in self.tables.pens(&snapshot, Space::State) {
            let pen = pen?;
            if let Some(Record::Pen { name, .. }) = self.tables.get(&snapshot, &Key::Pen(pen))? {
                pens.push((pen, name, self.tables.standing(&snapshot, pen)?));
            }
        }
        Ok(pens)
    }

    /// Writes all of a PEN, sealed. With `moved` it leaves the node first, durably; one that has
    /// left may be exported again.
    pub fn export(
        &self,
        pen: PenId,
        moved: bool,
        now: Timestamp,
        (passphrase, random): (&Passphrase, &Randomness),
        out: impl Write,
    ) -> Result<(), Fault> {
        let snapshot = self.tables.snapshot();
        if self.tables.get(&snapshot, &Key::Pen(pen))?.is_none() {
            return Err(fault::pen_unknown(pen));
        }
        let standing = self.tables.standing(&snapshot, pen)?;
        if standing.residence == Residence::Copy {
            return Err(fault::pen_copy(pen));
        }
        if moved && standing.residence == Residence::Here {
            let (since, residence) = (now, Residence::Moved);
            self.settle(
                pen,
                Standing {
                    since,
                    residence,
                    ..standing
                },
            )?;
        }
        let moved = moved || standing.residence == Residence::Moved;
        let head = Head {
            holds: Holds::Pen { pen, moved },
            made: now,
            format: directory::FORMAT,
        };
        let unwritable = |error| fault::file_unwritable(&error);
        let sealing = Sealing::begin(out, passphrase, random)?;
        let mut writer = FileWriter::begin(sealing, &head).map_err(unwritable)?;
        self.write_pen(pen, &mut writer)?;
        let sealing = writer.finish().map_err(unwritable)?;
        sealing.finish().map_err(unwritable)?;
        Ok(())
    }

    /// Brings a PEN in, and says which and where it lives now. A copy or a mark of it that is here
    /// is replaced; if it lives here, nothing is done. Until all of it is durable it is a copy.
    pub fn import(
        &self,
        input: impl Read,
        passphrase: &Passphrase,
        original_is_gone: bool,
        now: Timestamp,
    ) -> Result<(PenId, Standing), Fault> {
        let (mut reader, head) = FileReader::begin(Opened::begin(input, passphrase)?)?;
        let Holds::Pen { pen, moved } = head.holds else {
            return Err(fault::file_foreign());
        };
        if head.format != directory::FORMAT {
            return Err(fault::file_version(head.format));
        }
        let before = self.replaceable(pen)?;
        self.settle(
            pen,
            Standing {
                since: now,
                residence: Residence::Copy,
                ..before
            },
        )?;
        self.remove_pen(pen)?;
        let (mut epoch, mut channels) = (before.epoch, BTreeSet::new());
        while let Some(entries) = reader.entries()? {
            epoch = epoch.max(self.insert(pen, entries, &mut channels)?);
        }
        let lives = moved || original_is_gone;
        let standing = Standing {
            epoch: epoch.saturating_add(1),
            since: now,
            residence: if lives {
                Residence::Here
            } else {
                Residence::Copy
            },
        };
        self.settle(pen, standing)?;
        Ok((pen, standing))
    }

    /// How a PEN stands here, if a file may take its place.
    fn replaceable(&self, pen: PenId) -> Result<Standing, Fault> {
        let snapshot = self.tables.snapshot();
        let standing = self.tables.standing(&snapshot, pen)?;
        let is_there = self.tables.get(&snapshot, &Key::Pen(pen))?.is_some();
        if is_there && standing.residence == Residence::Here {
            return Err(fault::pen_exists(pen));
        }
        Ok(standing)
    }

    /// Says durably where a PEN lives.
    fn settle(&self, pen: PenId, standing: Standing) -> Result<(), Fault> {
        let mut batch = self.tables.database.batch();
        batch = batch.durability(Some(PersistMode::SyncAll));
        let snapshot = self.tables.snapshot();
        self.tables.settle(&snapshot, pen, standing, &mut batch)?;
        batch.commit().map_err(|error| fault::write_failed(&error))
    }

    /// Writes what belongs to a PEN: its own keys, the windows of its channels, its programs.
    fn write_pen<W: Write>(&self, pen: PenId, writer: &mut FileWriter<W>) -> Result<(), Fault> {
        let snapshot = self.tables.snapshot();
        let mut programs = BTreeSet::new();
        for space in [Space::State, Space::Journal, Space::History] {
            for pair in snapshot.prefix(self.tables.keyspace(space), pen.0) {
                let (place, bytes) = pair.into_inner().map_err(|e| fault::unreadable(&e))?;
                let key = key::decode(space, &place)?;
                match record::decode(&key, &bytes)? {
                    Record::Ruleset {
                        program, versions, ..
                    } => {
                        programs.insert(program);
                        programs.extend(versions.iter().map(|version| version.program));
                    }
                    Record::Installed { program } => programs.extend(program),
                    _ => {}
                }
                put(writer, space, &place, &bytes)?;
                if let Key::Channel(_, eci) = key {
                    self.write_prefix(&snapshot, Space::Windows, &eci.0, writer)?;
                }
            }
        }
        for program in programs {
            self.write_prefix(&snapshot, Space::Programs, &program, writer)?;
        }
        Ok(())
    }

    fn write_prefix<W: Write>(
        &self,
        snapshot: &Snapshot,
        space: Space,
        prefix: &[u8],
        writer: &mut FileWriter<W>,
    ) -> Result<(), Fault> {
        for pair in snapshot.prefix(self.tables.keyspace(space), prefix) {
            let (place, bytes) = pair.into_inner().map_err(|e| fault::unreadable(&e))?;
            put(writer, space, &place, &bytes)?;
        }
        Ok(())
    }

    /// Takes out what is here of a PEN, but for how it stands.
    fn remove_pen(&self, pen: PenId) -> Result<(), Fault> {
        let snapshot = self.tables.snapshot();
        let standing = key::encode(&Key::Standing(pen))?;
        for space in [Space::Index, Space::Journal, Space::History, Space::State] {
            let mut batch = self.tables.database.batch();
            for pair in snapshot.prefix(self.tables.keyspace(space), pen.0) {
                let place = pair.key().map_err(|error| fault::unreadable(&error))?;
                if space != standing.0 || *place != *standing.1 {
                    batch.remove(self.tables.keyspace(space), place);
                }
            }
            batch
                .commit()
                .map_err(|error| fault::write_failed(&error))?;
        }
        Ok(())
    }

    /// Puts the entries of a block where they belong, and says in which epoch the PEN was. Only
    /// records that can be read and belong to that PEN are taken.
    fn insert(
        &self,
        pen: PenId,
        entries: Vec<Entry>,
        channels: &mut BTreeSet<Eci>,
    ) -> Result<u64, Fault> {
        let mut batch = self.tables.database.batch();
        let mut epoch = 0;
        for Entry { place, key, value } in entries {
            let Place::In(space) = place else {
                return Err(fault::file_foreign());
            };
            let read = key::decode(space, &key)?;
            if let Key::Channel(_, eci) = &read {
                channels.insert(*eci);
            }
            if !belongs(&read, pen, channels) {
                return Err(fault::file_foreign());
            }
            match record::decode(&read, &value)? {
                Record::Standing(standing) => {
                    epoch = standing.epoch;
                    continue;
                }
                Record::Program { source } if !is_program(&read, &source) => {
                    return Err(fault::file_foreign());
                }
                _ => {}
            }
            if space == Space::Journal {
                for found_by in index::of_bytes(&key, &value) {
                    batch.insert(self.tables.keyspace(Space::Index), found_by, []);
                }
            }
            batch.insert(self.tables.keyspace(space), key, value);
        }
        batch
            .commit()
            .map_err(|error| fault::write_failed(&error))?;
        Ok(epoch)
    }
}

impl Tables {
    /// Where a PEN stands among its copies.
    pub(crate) fn standing(&self, snapshot: &Snapshot, pen: PenId) -> Result<Standing, Fault> {
        Ok(match self.get(snapshot, &Key::Standing(pen))? {
            Some(Record::Standing(standing)) => standing,
            _ => Standing::default(),
        })
    }

    /// Says where a PEN lives. Only one that lives here is in the register, and so is found.
    pub(crate) fn settle(
        &self,
        snapshot: &Snapshot,
        pen: PenId,
        standing: Standing,
        batch: &mut OwnedWriteBatch,
    ) -> Result<(), Fault> {
        let key = Key::Standing(pen);
        let bytes = record::encode(&key, &Record::Standing(standing))?;
        let (space, place) = key::encode(&key)?;
        batch.insert(self.keyspace(space), place, bytes);
        let register = self.keyspace(Space::Register);
        for pair in snapshot.prefix(self.keyspace(Space::State), pen.0) {
            let (key, bytes) = pair.into_inner().map_err(|e| fault::unreadable(&e))?;
            match register::of_bytes(&key, &bytes) {
                Some((place, value)) if standing.residence == Residence::Here => {
                    batch.insert(register, place, value);
                }
                Some((place, _)) => batch.remove(register, place),
                None => {}
            }
        }
        Ok(())
    }
}

/// Whether a record is of that PEN. The window of a channel comes after the channel.
fn belongs(key: &Key, pen: PenId, channels: &BTreeSet<Eci>) -> bool {
    match key {
        Key::Program(_) => true,
        Key::Window(eci, _) => channels.contains(eci),
        key => key.pen() == Some(pen),
    }
}

fn is_program(key: &Key, source: &str) -> bool {
    *key == Key::Program(*blake3::hash(source.as_bytes()).as_bytes())
}

fn put<W: Write>(
    writer: &mut FileWriter<W>,
    space: Space,
    place: &[u8],
    bytes: &[u8],
) -> Result<(), Fault> {
    let put = writer.put(Place::In(space), place, bytes);
    put.map_err(|error| fault::file_unwritable(&error))
}
