//! The past, as a node gives it to its API.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use stratus_api::{Archive, Compiled};
use stratus_engine::journal::{Page, Verdict, Wanted};
use stratus_event::{EventId, Fault, Name, PenId};
use stratus_krl::Krl;
use stratus_pen::language::Language;
use stratus_store::Journal;

use super::filling::PEN;

/// The journal, and the programs that are compiled.
pub(super) struct Past {
    journal: Journal,
    programs: Mutex<BTreeMap<[u8; 32], Compiled>>,
}

impl Past {
    pub(super) fn new(journal: Journal) -> Self {
        Self {
            journal,
            programs: Mutex::default(),
        }
    }

    pub(super) fn page(&self, wanted: &Wanted) -> Result<Page, Fault> {
        self.journal.read(PEN, wanted)
    }
}

impl Archive for Past {
    fn read(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault> {
        self.journal.read(pen, wanted)
    }

    fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault> {
        self.journal.events(pen, ids, limit)
    }

    fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault> {
        self.journal.verdicts(pen, position)
    }

    fn installed(
        &self,
        pen: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault> {
        self.journal.installed(pen, position)
    }

    fn program(&self, hash: [u8; 32]) -> Result<Option<Compiled>, Fault> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = programs.get(&hash) {
            return Ok(Some(compiled.clone()));
        }
        let source = self.journal.program(hash)?;
        let compiled = source.map(|source| Krl.compile(&source));
        programs.extend(compiled.clone().map(|compiled| (hash, compiled)));
        Ok(compiled)
    }
}
