//! PENs that are deleted leave nothing behind.

use fjall::{PersistMode, Readable, Snapshot};
use stratus_engine::Key;
use stratus_event::{Fault, PenId};

use crate::{
    Journal, Tables, fault,
    key::{self, Space},
    register,
};

impl Journal {
    /// Erases a part of what there is of a PEN and its descendants; says whether that was the last
    /// of it. The descendants go first, and of each PEN its own record last, so that a start after
    /// the power failed in between finds all that is left. The tombstone stays.
    ///
    /// Nothing may write of these PENs meanwhile.
    pub fn erase_part(&self, pen: PenId) -> Result<bool, Fault> {
        let tables = &self.tables;
        let snapshot = tables.snapshot();
        let line = descend(tables, &snapshot, pen)?;
        let last = line.last().copied().unwrap_or(pen);
        let mut doomed = belongings(tables, &snapshot, last)?;
        let is_part = doomed.len() >= ERASED_KEYS_MAX;
        if !is_part {
            doomed.push(key::encode(&Key::Pen(last))?);
            if let [.., parent, child] = line[..] {
                doomed.push(key::encode(&Key::Child(parent, child))?);
            }
        }
        let database = &tables.database;
        let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
        for (space, key) in doomed {
            if let Some(place) = registered(space, &key)? {
                batch.remove(tables.keyspace(Space::Register), place);
            }
            batch.remove(tables.keyspace(space), key);
        }
        batch
            .commit()
            .map_err(|error| fault::write_failed(&error))?;
        Ok(!is_part && last == pen)
    }
}

/// Where the register names a record of the state.
fn registered(space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    if space != Space::State {
        return Ok(None);
    }
    let entry = register::entry(&key::decode(space, key)?, None)?;
    Ok(entry.map(|(place, _)| place))
}

/// From a PEN down to one without children.
fn descend(tables: &Tables, snapshot: &Snapshot, pen: PenId) -> Result<Vec<PenId>, Fault> {
    let mut line = vec![pen];
    let mut here = pen;
    while let Some(child) = first_child(tables, snapshot, here)? {
        // What is damaged so that it goes round is erased as far as it goes.
        if line.contains(&child) {
            break;
        }
        line.push(child);
        here = child;
    }
    Ok(line)
}

fn first_child(tables: &Tables, snapshot: &Snapshot, pen: PenId) -> Result<Option<PenId>, Fault> {
    let prefix = key::sort(&Key::Child(pen, pen))?;
    let state = tables.keyspace(Space::State);
    let Some(first) = snapshot.prefix(state, prefix).next() else {
        return Ok(None);
    };
    let found = first.key().map_err(|error| fault::unreadable(&error))?;
    match key::decode(Space::State, &found)? {
        Key::Child(_, child) => Ok(Some(child)),
        _ => Ok(None),
    }
}

/// Some of what belongs to a PEN, without its own record and its tombstone: less than
/// [`ERASED_KEYS_MAX`] if it is all. What came by a channel goes before the channel, by which it is
/// found.
fn belongings(
    tables: &Tables,
    snapshot: &Snapshot,
    pen: PenId,
) -> Result<Vec<(Space, Vec<u8>)>, Fault> {
    let mut doomed = Vec::new();
    let channels = key::sort(&Key::Channel(pen, stratus_event::Eci([0; 32])))?;
    for channel in snapshot.prefix(tables.keyspace(Space::State), channels) {
        let found = channel.key().map_err(|error| fault::unreadable(&error))?;
        if let Key::Channel(_, eci) = key::decode(Space::State, &found)? {
            gather(tables, snapshot, (Space::Windows, &eci.0), &mut doomed)?;
        }
        if doomed.len() >= ERASED_KEYS_MAX {
            return Ok(doomed);
        }
    }
    for space in [Space::Index, Space::Journal, Space::History, Space::State] {
        gather(tables, snapshot, (space, &pen.0), &mut doomed)?;
    }
    let kept = [
        key::encode(&Key::Pen(pen))?,
        key::encode(&Key::Tombstone(pen))?,
    ];
    doomed.retain(|doomed| !kept.contains(doomed));
    Ok(doomed)
}

/// Adds the keys that begin like this, as far as there is room.
fn gather(
    tables: &Tables,
    snapshot: &Snapshot,
    (space, prefix): (Space, &[u8]),
    doomed: &mut Vec<(Space, Vec<u8>)>,
) -> Result<(), Fault> {
    let room = (ERASED_KEYS_MAX + KEPT_KEYS).saturating_sub(doomed.len());
    for pair in snapshot.prefix(tables.keyspace(space), prefix).take(room) {
        let key = pair.key().map_err(|error| fault::unreadable(&error))?;
        doomed.push((space, key.to_vec()));
    }
    Ok(())
}

/// Keys that are erased with one fsync.
const ERASED_KEYS_MAX: usize = 4096;

/// Keys that are found and stay: the PEN's own record and its tombstone.
const KEPT_KEYS: usize = 2;
