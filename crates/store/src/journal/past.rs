//! What else is kept so that it can be told why.

use std::{collections::BTreeMap, ops::Bound};

use fjall::Readable;
use stratus_engine::{EffectId, Key, Record, journal::Verdict};
use stratus_event::{EventId, Fault, Name, PenId};

use super::Journal;
use crate::{
    fault, index,
    key::{self, Space},
    record,
};

impl Journal {
    /// The events, raised ones included, whose ids lie between two, both included, and the
    /// positions of the entries in which they stand; at most so many.
    pub fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault> {
        index::events(&self.tables, pen, ids, limit)
    }

    /// What became of the effects of the entry at that position, as far as it is known.
    pub fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault> {
        let start = key::entry(pen, position);
        let snapshot = self.tables.snapshot();
        let mut verdicts = Vec::new();
        for pair in snapshot.prefix(self.tables.keyspace(Space::Journal), start) {
            let (key, bytes) = pair
                .into_inner()
                .map_err(|error| fault::unreadable(&error))?;
            let key = key::decode(Space::Journal, &key)?;
            let Key::Verdict(_, EffectId { ordinal, .. }) = key else {
                continue;
            };
            if let Record::Verdict { at, end } = record::decode(&key, &bytes)? {
                verdicts.push(Verdict { ordinal, at, end });
            }
        }
        Ok(verdicts)
    }

    /// The programs that the rulesets of a PEN had when the event at that position was evaluated;
    /// none of a ruleset that had been taken out. A ruleset that was installed by a version
    /// without this record is not here.
    pub fn installed(
        &self,
        pen: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault> {
        let end = key::entry(pen, position.saturating_add(1));
        let range = (Bound::Included(key::entry(pen, 0)), Bound::Excluded(end));
        let snapshot = self.tables.snapshot();
        let mut installed = BTreeMap::new();
        for pair in snapshot.range(self.tables.keyspace(Space::History), range) {
            let (key, bytes) = pair
                .into_inner()
                .map_err(|error| fault::unreadable(&error))?;
            let key = key::decode(Space::History, &key)?;
            let record = record::decode(&key, &bytes)?;
            if let (Key::Installed(_, _, rid), Record::Installed { program }) = (key, record) {
                installed.insert(rid, program);
            }
        }
        Ok(installed)
    }

    /// The text of the program of that hash.
    pub fn program(&self, hash: [u8; 32]) -> Result<Option<String>, Fault> {
        let key = Key::Program(hash);
        let record = self.tables.get(&self.tables.snapshot(), &key)?;
        Ok(record.and_then(|record| match record {
            Record::Program { source } => Some(source),
            _ => None,
        }))
    }
}
