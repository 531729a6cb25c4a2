//! The thread that writes.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use stratus_engine::{Batch, Position};
use stratus_event::Fault;

use crate::{Store, fault};

/// Makes batches durable in the order in which they come, many with one fsync.
///
/// Dropping it waits until all that was given is written and told.
#[derive(Debug)]
pub struct Writer {
    batches: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<()>>,
}

/// How far writing has come; each goes to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All batches up to this one are durable.
    Committed {
        /// The last durable batch.
        through: Position,
    },
    /// This batch and all after it are not durable, and none ever will be: the store has to be
    /// opened again.
    Failed {
        /// The first batch that is not durable.
        from: Position,
        /// Why.
        fault: Fault,
    },
}

impl Writer {
    /// Starts the thread. `tell` is called on it, after each commit.
    pub fn start(store: Store, tell: impl FnMut(Progress) + Send + 'static) -> Result<Self, Fault> {
        let (batches, waiting) = sync_channel(BATCHES_MAX);
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || run(store, &waiting, tell))
            .map_err(|error| fault::thread(&error))?;
        Ok(Self {
            batches: Some(batches),
            thread: Some(thread),
        })
    }

    /// Gives a batch to be written. Waits while [`BATCHES_MAX`] batches wait.
    pub fn commit(&self, batch: Batch) -> Result<(), Fault> {
        let batches = self.batches.as_ref().ok_or_else(fault::writer_gone)?;
        batches.send(batch).map_err(|_| fault::writer_gone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without a sender the thread writes what it has, and ends.
        self.batches = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(
                code = "store-writer-gone",
                "the thread that writes has panicked"
            );
        }
    }
}

fn run(mut store: Store, waiting: &Receiver<Batch>, mut tell: impl FnMut(Progress)) {
    while let Ok(first) = waiting.recv() {
        let mut changes = first.changes.len();
        let mut batches = vec![first];
        while changes < CHANGES_MAX {
            let Ok(next) = waiting.try_recv() else { break };
            changes += next.changes.len();
            batches.push(next);
        }
        write(&mut store, &batches, &mut tell);
    }
}

fn write(store: &mut Store, batches: &[Batch], tell: &mut impl FnMut(Progress)) {
    let (Some(first), Some(last)) = (batches.first(), batches.last()) else {
        return;
    };
    let progress = match store.commit(batches) {
        Ok(()) => Progress::Committed {
            through: last.position,
        },
        Err(fault) => {
            tracing::error!(code = %fault.code, %fault, "not durable");
            Progress::Failed {
                from: first.position,
                fault,
            }
        }
    };
    tell(progress);
}

/// Batches that wait for the thread.
pub const BATCHES_MAX: usize = 1024;

/// Changes above which no further batch is put into the same fsync.
const CHANGES_MAX: usize = 8192;
