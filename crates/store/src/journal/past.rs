//! What is read of the past: what is wanted of it, and what is kept so that it can be told why.

use std::{collections::BTreeMap, ops::Bound};

use fjall::Readable;
use stratus_engine::{
    EffectId, Key, Record,
    journal::{Page, Reader, Verdict, Wanted},
};
use stratus_event::{EventId, Fault, Name, PenId};

use super::Journal;
use crate::{
    fault, index,
    key::{self, Space},
    record,
};

impl Reader for Journal {
    fn read(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault> {
        self.search(pen, wanted)
    }

    fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault> {
        index::events(&self.tables, pen, ids, limit)
    }

    fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault> {
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

    fn installed(
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

    fn program(&self, hash: [u8; 32]) -> Result<Option<String>, Fault> {
        let key = Key::Program(hash);
        let record = self.tables.get(&self.tables.snapshot(), &key)?;
        Ok(record.and_then(|record| match record {
            Record::Program { source } => Some(source),
            _ => None,
        }))
    }
}
