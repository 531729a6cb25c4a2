//! The past, as the API reads it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use stratus_api::{Archive, Compiled};
use stratus_engine::journal::{Page, Verdict, Wanted};
use stratus_event::{EventId, Fault, Name, PenId, Whose};
use stratus_krl::Krl;
use stratus_pen::language::Language;
use stratus_store::Journal;
use tokio::sync::watch;

/// The journal, in whichever store is open, and the programs of which it tells.
#[derive(Clone)]
pub(crate) struct JournalView {
    journal: Arc<RwLock<Option<Journal>>>,
    programs: Arc<Mutex<BTreeMap<[u8; 32], Compiled>>>,
    /// Changes when something new stands in a journal.
    pub moved: watch::Receiver<u64>,
}

impl JournalView {
    pub(super) fn new(journal: Arc<RwLock<Option<Journal>>>, moved: watch::Receiver<u64>) -> Self {
        Self {
            journal,
            programs: Arc::default(),
            moved,
        }
    }

    /// Reads from the open store; while it is closed nobody knows what is in it.
    fn open<T>(&self, read: impl FnOnce(&Journal) -> Result<T, Fault>) -> Result<T, Fault> {
        let journal = self
            .journal
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        read(&journal.ok_or_else(closed)?)
    }

    fn keep(&self, hash: [u8; 32], compiled: &Compiled) {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if programs.len() >= PROGRAMS_MAX {
            programs.pop_first();
        }
        programs.insert(hash, compiled.clone());
    }
}

impl Archive for JournalView {
    fn read(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault> {
        self.open(|journal| journal.read(pen, wanted))
    }

    fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault> {
        self.open(|journal| journal.events(pen, ids, limit))
    }

    fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault> {
        self.open(|journal| journal.verdicts(pen, position))
    }

    fn installed(
        &self,
        pen: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault> {
        self.open(|journal| journal.installed(pen, position))
    }

    fn program(&self, hash: [u8; 32]) -> Result<Option<Compiled>, Fault> {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = programs.get(&hash).cloned() {
            return Ok(Some(compiled));
        }
        drop(programs);
        let source = self.open(|journal| journal.program(hash))?;
        let compiled = source.map(|source| Krl.compile(&source));
        if let Some(compiled) = &compiled {
            self.keep(hash, compiled);
        }
        Ok(compiled)
    }
}

fn closed() -> Fault {
    let message = "the journal cannot be read until the disk is back";
    Fault::new(Whose::World, "store-failed", message)
}

/// Programs of the past that stay compiled.
const PROGRAMS_MAX: usize = 256;
