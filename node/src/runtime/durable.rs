//! The store: batches in, how far they are durable out.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use stratus_engine::{
    Accepted, Batch, Image, Input, Key, Outcome, Position, Record, RunEnd, Start, Subject,
};
use stratus_event::{Fault, PenId, Whose};
use stratus_store::{Journal, Progress, Reader, Store, Writer};
use tokio::sync::{Semaphore, mpsc, watch};

use super::archive::JournalView;
use crate::{
    crash::{Boundary, CrashPoint},
    exit::Failure,
};

/// The store and what is under way to it.
pub(super) struct Durable {
    path: PathBuf,
    /// None only while the store is being reopened.
    writer: Option<Writer>,
    journal: Arc<RwLock<Option<Journal>>>,
    reader: Option<Reader>,
    progress: watch::Receiver<Option<Progress>>,
    crash: Arc<CrashPoint>,
    /// What the batches hold that are not durable yet, in their order.
    landmarks: VecDeque<(Position, Landmarks)>,
    /// One PEN is erased at a time.
    erasing: Arc<Semaphore>,
    /// Counts up when something new stands in a journal; none once the node is to stop.
    told: Option<watch::Sender<u64>>,
}

impl Durable {
    pub(super) fn start(
        path: PathBuf,
        store: Store,
        crash: Arc<CrashPoint>,
    ) -> Result<Self, Fault> {
        let journal = Arc::new(RwLock::new(Some(store.journal())));
        let reader = Some(store.reader());
        let (writer, progress) = write(store)?;
        let (writer, told) = (Some(writer), Some(watch::Sender::new(0)));
        let landmarks = VecDeque::new();
        Ok(Self {
            path,
            writer,
            journal,
            reader,
            progress,
            crash,
            landmarks,
            erasing: Arc::new(Semaphore::new(1)),
            told,
        })
    }

    pub(super) fn commit(&mut self, batch: Batch) -> Result<(), Fault> {
        self.landmarks
            .push_back((batch.position, Landmarks::of(&batch)));
        match &self.writer {
            Some(writer) => writer.commit(batch),
            None => Ok(()),
        }
    }

    /// Reads what the engine needs, beside the loop, which never waits for the disk.
    pub(super) fn load(&self, subject: Subject, results: &mpsc::Sender<Result<Input, Fault>>) {
        let Some(reader) = self.reader.clone() else {
            return;
        };
        let results = results.clone();
        tokio::spawn(async move {
            let read = subject.clone();
            let read = tokio::task::spawn_blocking(move || reader.load(&read)).await;
            let image: Result<Image, Fault> = read.unwrap_or_else(|_| Err(reading_panicked()));
            // A loop that is gone needs no image.
            let _ = results.send(Ok(Input::Loaded { subject, image })).await;
        });
    }

    /// Waits until the store has come further, or has failed.
    pub(super) async fn moved(&mut self) {
        if self.progress.changed().await.is_err() {
            // A writer that ended without a word was told so when the last batch was given to it.
            std::future::pending::<()>().await;
        }
    }

    /// How far the store has come, for the engine; a failure with what the store said.
    pub(super) fn progress(&mut self) -> Option<Result<Input, (Input, Fault)>> {
        let progress = self.progress.borrow_and_update().clone()?;
        match progress {
            Progress::Committed { through } => {
                self.pass(through);
                Some(Ok(Input::Committed { through }))
            }
            Progress::Failed { from, fault } => {
                let reason = fault.message.clone();
                Some(Err((Input::CommitFailed { from, reason }, fault)))
            }
        }
    }

    pub(super) fn journal(&self) -> JournalView {
        // Without a sender the receiver says at once that nothing more comes.
        let moved = self
            .told
            .as_ref()
            .map_or_else(|| watch::channel(0).1, watch::Sender::subscribe);
        JournalView::new(Arc::clone(&self.journal), moved)
    }

    /// Lets those go who wait for news.
    pub(super) fn stop_telling(&mut self) {
        self.told = None;
    }

    /// Closes the store and opens it again.
    pub(super) fn reopen(&mut self) -> Result<Start<'static>, Failure> {
        // Two stores cannot be open at a time: the writer ends, and the readers let go.
        self.writer = None;
        self.reader = None;
        self.set_journal(None);
        self.landmarks.clear();
        let store = open_again(&self.path)?;
        let reader = store.reader();
        let start = reader.start()?;
        self.reader = Some(reader);
        self.set_journal(Some(store.journal()));
        let (writer, progress) = write(store)?;
        (self.writer, self.progress) = (Some(writer), progress);
        Ok(start)
    }

    /// Erases what there is of a PEN that is deleted, beside all else, and says so when it is done.
    /// One that cannot be erased now is erased after the next start.
    pub(super) fn erase(&self, pen: PenId, results: &mpsc::Sender<Result<Input, Fault>>) {
        let (journal, results) = (self.journal(), results.clone());
        let erasing = Arc::clone(&self.erasing);
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _permit = erasing.acquire_owned().await;
            match tokio::task::spawn_blocking(move || journal.erase(pen)).await {
                // A loop that is gone needs no result.
                Ok(Ok(())) => drop(results.send(Ok(Input::Erased { pen })).await),
                Ok(Err(fault)) => tracing::warn!("the PEN {pen} is not erased yet: {fault}"),
                Err(error) => tracing::error!("the PEN {pen} is not erased yet: {error}"),
            }
        });
    }

    fn set_journal(&self, journal: Option<Journal>) {
        *self.journal.write().unwrap_or_else(PoisonError::into_inner) = journal;
    }

    /// What became durable is told, before the engine can do anything that rests on it.
    fn pass(&mut self, through: Position) {
        let mut news = false;
        while let Some((position, landmarks)) = self.landmarks.pop_front() {
            if position > through {
                self.landmarks.push_front((position, landmarks));
                break;
            }
            news |= landmarks.journal;
            landmarks.lines.iter().for_each(Line::log);
            landmarks
                .boundaries
                .iter()
                .for_each(|boundary| self.crash.pass(*boundary));
        }
        if let Some(told) = self.told.as_ref().filter(|_| news) {
            told.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// Opens the store again. A reader that has just begun may hold it for a moment longer.
fn open_again(path: &Path) -> Result<Store, Fault> {
    let mut tries_left = OPEN_TRIES_MAX;
    loop {
        tries_left -= 1;
        match Store::open(path) {
            Err(fault) if fault.code == "store-locked" && tries_left > 0 => {
                std::thread::sleep(OPEN_PAUSE);
            }
            opened => return opened,
        }
    }
}

fn reading_panicked() -> Fault {
    Fault::new(
        Whose::Bug,
        "store-unreadable",
        "the reading of a PEN panicked",
    )
}

/// Starts the thread that writes. Only the latest progress matters, and a failure is the last.
fn write(store: Store) -> Result<(Writer, watch::Receiver<Option<Progress>>), Fault> {
    let (teller, progress) = watch::channel(None);
    let tell = move |progress| {
        teller.send_if_modified(|latest| {
            let open = !matches!(latest, Some(Progress::Failed { .. }));
            if open {
                *latest = Some(progress);
            }
            open
        });
    };
    Ok((Writer::start(store, tell)?, progress))
}

/// Reads of the journal take milliseconds.
const OPEN_TRIES_MAX: u32 = 100;
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// What a batch holds that somebody waits for.
#[derive(Debug, Default, PartialEq)]
struct Landmarks {
    boundaries: Vec<Boundary>,
    /// It holds a journal entry or an outcome.
    journal: bool,
    lines: Vec<Line>,
}

/// A line of the log: what a developer of rulesets has to see, what she wants to see, and what
/// she looks for when nothing else helps.
#[derive(Debug, PartialEq)]
enum Line {
    Warning(String),
    Information(String),
    Detail(String),
}

impl Line {
    fn log(&self) {
        match self {
            Self::Warning(line) => tracing::warn!("{line}"),
            Self::Information(line) => tracing::info!("{line}"),
            Self::Detail(line) => tracing::debug!("{line}"),
        }
    }
}

impl Landmarks {
    fn of(batch: &Batch) -> Self {
        let mut landmarks = Self::default();
        let whole = |wanted: &u64| {
            let is = |key: &Key| matches!(key, Key::Outcome(_, position) if position == wanted);
            batch.changes.iter().any(|(key, _)| is(key))
        };
        for (key, record) in &batch.changes {
            match (key, record) {
                (Key::Accepted(_, position), Some(Record::Accepted(accepted))) => {
                    landmarks.take_accepted(*position, accepted, whole(position));
                }
                (Key::Outcome(_, position), Some(Record::Outcome(outcome))) => {
                    landmarks.take_outcome(*position, outcome);
                }
                (Key::Outbox(..), None) => landmarks.boundaries.push(Boundary::Ack),
                _ => {}
            }
        }
        landmarks
    }

    fn take_accepted(&mut self, position: u64, accepted: &Accepted, whole: bool) {
        self.journal = true;
        let (symbol, id) = (accepted.event.symbol(), accepted.event.id);
        let line = format!("{position} {symbol} accepted, event {id}");
        self.lines.push(Line::Information(line));
        if !whole {
            self.boundaries.push(Boundary::Accepted);
        }
    }

    fn take_outcome(&mut self, position: u64, outcome: &Outcome) {
        self.journal = true;
        self.boundaries.push(Boundary::Outcome);
        for run in &outcome.runs {
            let (rid, rule, event) = (&run.rid, &run.rule, run.event.id);
            let line = |end: &str| format!("{position} {rid} {rule} {end}, event {event}");
            self.lines.push(match &run.end {
                RunEnd::Failed(fault) => Line::Warning(line(&format!("failed: {fault}"))),
                RunEnd::Fired => Line::Information(line("fired")),
                RunEnd::NotFired => Line::Detail(line("did not fire")),
                RunEnd::NotSelected => Line::Warning(line("was not selected")),
            });
        }
        let failed = outcome.failed.iter();
        let failed = failed.map(|fault| format!("{position} failed: {fault}"));
        self.lines.extend(failed.map(Line::Warning));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stratus_engine::journal::Reader as _;
    use stratus_event::PenId;

    use super::*;

    fn open(path: &Path) -> Durable {
        let store = Store::open(path).unwrap();
        Durable::start(path.to_owned(), store, Arc::default()).unwrap()
    }

    fn batch(position: u64) -> Batch {
        let record = Record::Pen {
            name: "Ann".to_owned(),
            seed: [0; 32],
            parent: None,
        };
        let pen = Key::Pen(PenId([1; 16]));
        Batch {
            position: Position(position),
            changes: vec![(pen, Some(record))],
        }
    }

    #[tokio::test]
    async fn what_is_committed_is_there_when_the_store_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut durable = open(&folder.path().join("store"));
        durable.commit(batch(1)).unwrap();
        durable.moved().await;
        let Some(Ok(Input::Committed { through })) = durable.progress() else {
            panic!("failed")
        };
        assert_eq!(through, Position(1));
        assert_eq!(durable.reopen().unwrap().pens, 1);
    }

    #[tokio::test]
    async fn a_reader_holds_up_the_reopening_only_for_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let mut durable = open(&folder.path().join("store"));
        let reader = durable.journal.read().unwrap().clone();
        let reading = std::thread::spawn(move || {
            std::thread::sleep(OPEN_PAUSE * 5);
            drop(reader);
        });
        assert!(durable.reopen().is_ok());
        reading.join().unwrap();
        assert_eq!(
            durable.journal().installed(PenId([1; 16]), 9),
            Ok(BTreeMap::new())
        );
    }

    #[test]
    fn landmarks_say_what_a_batch_means() {
        let outbox = Key::Outbox(PenId([1; 16]), stratus_capability::GrantHash([0; 32]), 1);
        let mut acknowledged = batch(1);
        acknowledged.changes.push((outbox, None));
        assert_eq!(Landmarks::of(&batch(1)), Landmarks::default());
        assert_eq!(Landmarks::of(&acknowledged).boundaries, [Boundary::Ack]);
    }
}
