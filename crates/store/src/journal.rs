//! Reading what happened.

mod past;
mod search;

use std::{ops::Bound, sync::Arc};

use fjall::Readable;
use stratus_engine::{Accepted, Key, Outcome, Record, journal::Entry};
use stratus_event::{Fault, PenId};

use crate::{
    Backup, Tables, fault,
    key::{self, Space},
    record,
};

pub use search::STEPS_MAX;

/// Reads journals while the node runs. Only what is durable is seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    pub(crate) tables: Arc<Tables>,
}

impl Journal {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self { tables }
    }

    /// What makes backups of the store that this reads.
    pub fn backup(&self) -> Backup {
        Backup::new(Arc::clone(&self.tables))
    }

    /// At most `limit` entries of a PEN, oldest first: those after a position, or all.
    pub fn after(
        &self,
        pen: PenId,
        position: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, Fault> {
        let start = position.map_or(Some(0), |position| position.checked_add(1));
        let Some(start) = start else {
            return Ok(Vec::new());
        };
        let range = (
            Bound::Included(key::entry(pen, start)),
            Bound::Excluded(end(pen)),
        );
        let snapshot = self.tables.snapshot();
        let pairs = snapshot.range(self.tables.keyspace(Space::Journal), range);
        entries(pairs, limit)
    }

    /// At most `limit` entries of a PEN, newest first: those before a position, or all.
    pub fn before(
        &self,
        pen: PenId,
        position: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, Fault> {
        let stop = position.map_or_else(|| end(pen), |position| key::entry(pen, position));
        let range = (Bound::Included(key::entry(pen, 0)), Bound::Excluded(stop));
        let snapshot = self.tables.snapshot();
        let pairs = snapshot.range(self.tables.keyspace(Space::Journal), range);
        entries(pairs.rev(), limit)
    }

    /// The entry at a position, if there is one.
    pub fn at(&self, pen: PenId, position: u64) -> Result<Option<Entry>, Fault> {
        let before = position.checked_sub(1);
        let next = self.after(pen, before, 1)?.pop();
        Ok(next.filter(|entry| entry.position == position))
    }
}

/// Above all entries of a PEN.
fn end(pen: PenId) -> Vec<u8> {
    [&key::entry(pen, u64::MAX)[..], &[u8::MAX]].concat()
}

/// Puts the halves of entries together, which stand side by side in either direction.
fn entries(pairs: impl Iterator<Item = fjall::Guard>, limit: usize) -> Result<Vec<Entry>, Fault> {
    let mut entries: Vec<Half> = Vec::new();
    for pair in pairs {
        let (key, bytes) = pair
            .into_inner()
            .map_err(|error| fault::unreadable(&error))?;
        let key = key::decode(Space::Journal, &key)?;
        let (Key::Accepted(_, position) | Key::Outcome(_, position)) = key else {
            continue;
        };
        if entries.last().is_none_or(|half| half.position != position) {
            if entries.len() == limit {
                break;
            }
            entries.push(Half {
                key: key.clone(),
                position,
                accepted: None,
                outcome: None,
            });
        }
        let Some(half) = entries.last_mut() else {
            continue;
        };
        match record::decode(&key, &bytes)? {
            Record::Accepted(accepted) => half.accepted = Some(accepted),
            Record::Outcome(outcome) => half.outcome = Some(outcome),
            _ => {}
        }
    }
    entries.into_iter().map(Half::whole).collect()
}

struct Half {
    key: Key,
    position: u64,
    accepted: Option<Accepted>,
    outcome: Option<Outcome>,
}

impl Half {
    /// There is no outcome of what was not accepted.
    fn whole(self) -> Result<Entry, Fault> {
        let Self {
            position, outcome, ..
        } = self;
        let accepted = self
            .accepted
            .ok_or_else(|| fault::corrupt(&self.key, &"an outcome without the event"))?;
        Ok(Entry {
            position,
            accepted,
            outcome,
        })
    }
}
