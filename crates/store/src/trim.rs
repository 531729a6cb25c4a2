//! Journals do not grow for ever.
//!
//! Nothing but telling rests on a journal, so the beginning of one can be dropped: the entries, how
//! they are found, and which programs were installed then. What is not finished is never dropped,
//! nor anything behind it: an event without an outcome, and one whose effects are under way.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use fjall::{OwnedWriteBatch as WriteBatch, Readable, Snapshot};
use stratus_capability::GrantHash;
use stratus_engine::{AskId, EffectId, Key, Record};
use stratus_event::{Fault, Name, PenId, Timestamp};

use crate::{
    Journal, Tables, fault, index,
    key::{self, Space},
    record,
};

/// What of a journal is kept: the newest entries for which all that is said holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those that were accepted at that time or later.
    pub since: Option<Timestamp>,
    /// As many as take no more bytes than this, as they are encoded.
    pub bytes_max: Option<u64>,
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Entries.
    pub entries: u64,
    /// Their bytes, as they were encoded.
    pub bytes: u64,
}

impl Journal {
    /// Drops the beginning of a PEN's journal. The disk's room comes back when the database puts
    /// its files in order, and that of programs at the next start.
    pub fn trim(&self, pen: PenId, keep: &Keep) -> Result<Trimmed, Fault> {
        let snapshot = self.tables.snapshot();
        let floor = floor(&self.tables, &snapshot, pen, keep)?;
        let trimmed = drop_entries(&self.tables, &snapshot, pen, floor)?;
        drop_history(&self.tables, &snapshot, pen, floor)?;
        if trimmed.entries > 0 {
            let marked = self.tables.keyspace(Space::Index).insert(SWEEP, []);
            marked.map_err(|error| fault::write_failed(&error))?;
        }
        Ok(trimmed)
    }

    /// Drops the beginnings of all journals.
    pub fn trim_all(&self, keep: &Keep) -> Result<Trimmed, Fault> {
        let mut all = Trimmed::default();
        let snapshot = self.tables.snapshot();
        for pen in self.tables.pens(&snapshot, Space::Journal) {
            let trimmed = self.trim(pen?, keep)?;
            all.entries = all.entries.saturating_add(trimmed.entries);
            all.bytes = all.bytes.saturating_add(trimmed.bytes);
        }
        Ok(all)
    }
}

impl Tables {
    /// Drops the programs that nothing names any more, if a journal was trimmed since this was
    /// done last. Only at a start: an engine that runs may install one again.
    pub(crate) fn sweep_programs(&self) -> Result<(), Fault> {
        let marked = self.keyspace(Space::Index).contains_key(SWEEP);
        if !marked.map_err(|error| fault::unreadable(&error))? {
            return Ok(());
        }
        let snapshot = self.snapshot();
        let named = self.named_programs(&snapshot)?;
        let mut batch = self.database.batch();
        for pair in snapshot.iter(self.keyspace(Space::Programs)) {
            let key = pair.key().map_err(|error| fault::unreadable(&error))?;
            if !named.contains(&*key) {
                batch.remove(self.keyspace(Space::Programs), key);
            }
        }
        batch.remove(self.keyspace(Space::Index), SWEEP);
        batch.commit().map_err(|error| fault::write_failed(&error))
    }

    /// The PENs that have keys in that keyspace.
    pub(crate) fn pens<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        space: Space,
    ) -> impl Iterator<Item = Result<PenId, Fault>> + 'a {
        let mut from = Some(0_u128);
        std::iter::from_fn(move || {
            let range = (Bound::Included(from?.to_be_bytes()), Bound::Unbounded);
            let first = snapshot.range(self.keyspace(space), range).next()?;
            let key = first.key().map_err(|error| fault::unreadable(&error));
            let pen = key.and_then(|key| {
                let pen = key.first_chunk().copied();
                pen.ok_or_else(|| fault::corrupt(&(space, key), &"it is no key"))
            });
            let next = pen.as_ref().ok();
            from = next.and_then(|pen| u128::from_be_bytes(*pen).checked_add(1));
            Some(pen.map(PenId))
        })
    }

    /// The hashes of the programs that are installed somewhere, can be put back there, or were
    /// installed when an entry was made.
    fn named_programs(&self, snapshot: &Snapshot) -> Result<BTreeSet<Vec<u8>>, Fault> {
        let mut named = BTreeSet::new();
        for pen in self.pens(snapshot, Space::State) {
            let pen = pen?;
            for row in self.rows(snapshot, Space::State, key::sort(&Key::Ruleset(pen, 0))?) {
                if let (
                    _,
                    Record::Ruleset {
                        program, versions, ..
                    },
                ) = row?
                {
                    named.insert(program.into());
                    named.extend(versions.iter().map(|version| version.program.to_vec()));
                }
            }
            for row in self.rows(snapshot, Space::History, pen.0.to_vec()) {
                if let (_, Record::Installed { program }) = row? {
                    named.extend(program.map(Vec::from));
                }
            }
        }
        Ok(named)
    }

    /// The records whose keys begin like this.
    fn rows(
        &self,
        snapshot: &Snapshot,
        space: Space,
        prefix: Vec<u8>,
    ) -> impl Iterator<Item = Result<(Key, Record), Fault>> + use<> {
        snapshot
            .prefix(self.keyspace(space), prefix)
            .map(move |pair| {
                let (key, bytes) = pair
                    .into_inner()
                    .map_err(|error| fault::unreadable(&error))?;
                let key = key::decode(space, &key)?;
                let record = record::decode(&key, &bytes)?;
                Ok((key, record))
            })
    }
}

/// The position below which all is dropped.
fn floor(tables: &Tables, snapshot: &Snapshot, pen: PenId, keep: &Keep) -> Result<u64, Fault> {
    let too_old = match keep.since {
        Some(since) => first_since(tables, snapshot, pen, since)?,
        None => 0,
    };
    let too_much = match keep.bytes_max {
        Some(bytes_max) => first_within(tables, snapshot, pen, bytes_max)?,
        None => 0,
    };
    let unfinished = unfinished(tables, snapshot, pen)?;
    Ok(too_old.max(too_much).min(unfinished))
}

/// The position of the first entry that was accepted at that time or later.
fn first_since(
    tables: &Tables,
    snapshot: &Snapshot,
    pen: PenId,
    since: Timestamp,
) -> Result<u64, Fault> {
    let mut floor = 0;
    for row in entries(tables, snapshot, pen, u64::MAX) {
        let (key, bytes) = row?;
        let Key::Accepted(_, position) = key else {
            continue;
        };
        match record::decode(&key, &bytes)? {
            Record::Accepted(accepted) if accepted.at < since => floor = position + 1,
            _ => break,
        }
    }
    Ok(floor)
}

/// The position of the first of the newest entries that take no more bytes than these.
fn first_within(
    tables: &Tables,
    snapshot: &Snapshot,
    pen: PenId,
    bytes_max: u64,
) -> Result<u64, Fault> {
    let mut left = bytes_max;
    for row in entries(tables, snapshot, pen, u64::MAX).rev() {
        let (key, bytes) = row?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let Some(less) = left.checked_sub(size) else {
            return Ok(position(&key).map_or(0, |position| position.saturating_add(1)));
        };
        left = less;
    }
    Ok(0)
}

/// The position of the first entry that is not finished, or the one after all.
fn unfinished(tables: &Tables, snapshot: &Snapshot, pen: PenId) -> Result<u64, Fault> {
    let (position, ordinal) = (0, 0);
    let sorts = [
        Key::Queue(pen, position),
        Key::Effect(pen, EffectId { position, ordinal }),
        Key::Question(pen, AskId { position, ordinal }),
        Key::Outbox(pen, GrantHash([0; 32]), 0),
    ];
    let mut first = u64::MAX;
    for sort in sorts {
        for row in tables.rows(snapshot, Space::State, key::sort(&sort)?) {
            let position = match row? {
                (
                    Key::Queue(_, position)
                    | Key::Effect(_, EffectId { position, .. })
                    | Key::Question(_, AskId { position, .. }),
                    _,
                ) => Some(position),
                (_, Record::Outbox { effect, .. }) => effect.map(|effect| effect.position),
                _ => None,
            };
            first = first.min(position.unwrap_or(u64::MAX));
        }
    }
    Ok(first)
}

/// Drops the entries below a position, each as a whole: its halves, its verdicts, and how it is
/// found.
fn drop_entries(
    tables: &Tables,
    snapshot: &Snapshot,
    pen: PenId,
    floor: u64,
) -> Result<Trimmed, Fault> {
    let mut trimmed = Trimmed::default();
    let mut batch = Sized::new(tables);
    for row in entries(tables, snapshot, pen, floor) {
        let (key, bytes) = row?;
        if matches!(key, Key::Accepted(..)) {
            trimmed.entries += 1;
            batch.commit_if_large()?;
        }
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        trimmed.bytes = trimmed.bytes.saturating_add(size);
        let (space, place) = key::encode(&key)?;
        for found_by in index::of_bytes(&place, &bytes) {
            batch.remove(Space::Index, found_by);
        }
        batch.remove(space, place);
    }
    batch.commit()?;
    Ok(trimmed)
}

/// Drops what was installed before a position and is not any more at it.
fn drop_history(tables: &Tables, snapshot: &Snapshot, pen: PenId, floor: u64) -> Result<(), Fault> {
    let range = (
        Bound::Included(key::entry(pen, 0)),
        Bound::Excluded(key::entry(pen, floor)),
    );
    let mut last: BTreeMap<Name, (Vec<u8>, bool)> = BTreeMap::new();
    let mut batch = Sized::new(tables);
    for pair in snapshot.range(tables.keyspace(Space::History), range) {
        let (place, bytes) = pair
            .into_inner()
            .map_err(|error| fault::unreadable(&error))?;
        let key = key::decode(Space::History, &place)?;
        let record = record::decode(&key, &bytes)?;
        if let (Key::Installed(_, _, rid), Record::Installed { program }) = (key, record)
            && let Some((before, _)) = last.insert(rid, (place.to_vec(), program.is_none()))
        {
            batch.remove(Space::History, before);
        }
    }
    let gone = last.into_values().filter(|(_, gone)| *gone);
    gone.for_each(|(place, _)| batch.remove(Space::History, place));
    batch.commit()
}

/// Removals that are written when they are many.
struct Sized<'a> {
    tables: &'a Tables,
    batch: WriteBatch,
    count: usize,
}

impl<'a> Sized<'a> {
    fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            batch: tables.database.batch(),
            count: 0,
        }
    }

    fn remove(&mut self, space: Space, place: Vec<u8>) {
        self.batch.remove(self.tables.keyspace(space), place);
        self.count += 1;
    }

    fn commit_if_large(&mut self) -> Result<(), Fault> {
        if self.count < REMOVALS_MAX {
            return Ok(());
        }
        std::mem::replace(self, Self::new(self.tables)).commit()
    }

    fn commit(self) -> Result<(), Fault> {
        let committed = self.batch.commit();
        committed.map_err(|error| fault::write_failed(&error))
    }
}

/// The rows of a PEN's journal below a position, in their order.
fn entries(
    tables: &Tables,
    snapshot: &Snapshot,
    pen: PenId,
    floor: u64,
) -> impl DoubleEndedIterator<Item = Result<(Key, fjall::UserValue), Fault>> + use<> {
    let range = (
        Bound::Included(key::entry(pen, 0)),
        Bound::Excluded(key::entry(pen, floor)),
    );
    let pairs = snapshot.range(tables.keyspace(Space::Journal), range);
    pairs.map(|pair| {
        let (key, bytes) = pair
            .into_inner()
            .map_err(|error| fault::unreadable(&error))?;
        Ok((key::decode(Space::Journal, &key)?, bytes))
    })
}

/// The position of the entry to which a row of the journal belongs.
fn position(key: &Key) -> Option<u64> {
    match key {
        Key::Accepted(_, position)
        | Key::Outcome(_, position)
        | Key::Verdict(_, EffectId { position, .. }) => Some(*position),
        _ => None,
    }
}

/// Stands in the index while programs may be there that nothing names; no PEN's key is so short.
const SWEEP: &[u8] = b"sweep";

/// Removals in one batch.
const REMOVALS_MAX: usize = 4096;
