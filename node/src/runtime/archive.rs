//! The past, as the API reads it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use stratus_engine::journal::{Page, Reader, Verdict, Wanted};
use stratus_event::{EventId, Fault, Name, PenId, Whose};
use stratus_store::Journal;
use tokio::sync::watch;

/// The journal, in whichever store is open.
#[derive(Clone)]
pub(crate) struct JournalView {
    journal: Arc<RwLock<Option<Journal>>>,
    /// Changes when something new stands in a journal.
    pub moved: watch::Receiver<u64>,
}

impl JournalView {
    pub(super) fn new(journal: Arc<RwLock<Option<Journal>>>, moved: watch::Receiver<u64>) -> Self {
        Self { journal, moved }
    }

    /// The reader of the open store; while it is closed nobody knows what is in it.
    pub(crate) fn open(&self) -> Result<Journal, Fault> {
        let journal = self.journal.read().unwrap_or_else(PoisonError::into_inner);
        journal.clone().ok_or_else(closed)
    }

    /// Erases all that there is of a PEN, but not its tombstone. In parts, so that the store can be
    /// reopened meanwhile.
    pub(super) fn erase(&self, pen: PenId) -> Result<(), Fault> {
        while !self.open()?.erase_part(pen)? {}
        Ok(())
    }
}

impl Reader for JournalView {
    fn read(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault> {
        self.open()?.read(pen, wanted)
    }

    fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault> {
        self.open()?.events(pen, ids, limit)
    }

    fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault> {
        self.open()?.verdicts(pen, position)
    }

    fn installed(
        &self,
        pen: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault> {
        self.open()?.installed(pen, position)
    }

    fn program(&self, hash: [u8; 32]) -> Result<Option<String>, Fault> {
        self.open()?.program(hash)
    }
}

fn closed() -> Fault {
    let message = "the journal cannot be read until the disk is back";
    Fault::new(Whose::World, "store-failed", message)
}
