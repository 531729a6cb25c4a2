//! A disk that keeps what was committed and loses the rest.

use std::collections::VecDeque;

use stratus_engine::{Batch, Image, Key, Position, Start, Subject};
use stratus_event::PenId;

/// A node's disk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    durable: Image,
    unsynced: VecDeque<Batch>,
    /// Outcomes that have become durable; they themselves are not kept.
    pub(crate) outcomes: u64,
}

impl Disk {
    /// Takes a batch, which is not durable yet.
    pub(crate) fn write(&mut self, batch: Batch) {
        self.unsynced.push_back(batch);
    }

    /// Makes everything up to that batch durable.
    pub(crate) fn sync(&mut self, through: Position) {
        while self
            .unsynced
            .front()
            .is_some_and(|batch| batch.position <= through)
        {
            let batch = self.unsynced.pop_front().into_iter();
            for (key, record) in batch.flat_map(|batch| batch.changes) {
                if matches!(key, Key::Outcome(..)) {
                    self.outcomes += 1;
                    continue;
                }
                // Nothing reads these but a person.
                if matches!(key, Key::Installed(..) | Key::Verdict(..)) {
                    continue;
                }
                match record {
                    Some(record) => self.durable.insert(key, record),
                    None => self.durable.remove(&key),
                };
            }
        }
    }

    /// Takes out all that there is of a PEN that is deleted.
    pub(crate) fn erase(&mut self, pen: PenId) {
        stratus_engine::erase(&mut self.durable, pen);
    }

    /// The power fails: what is not durable is gone.
    pub(crate) fn crash(&mut self) {
        self.unsynced.clear();
    }

    /// What a start reads.
    pub(crate) fn start(&mut self) -> Start<'_> {
        self.forget_answered();
        Start::within(&self.durable)
    }

    /// What there is of it.
    pub(crate) fn load(&self, subject: &Subject) -> Image {
        subject.within(&self.durable)
    }

    /// How many records of one sort are durable.
    pub(crate) fn count(&self, sort: impl Fn(&Key) -> bool) -> usize {
        self.durable.keys().filter(|key| sort(key)).count()
    }

    fn forget_answered(&mut self) {
        let queued = |key: &Key, image: &Image| match key {
            Key::Accepted(pen, position) => image.contains_key(&Key::Queue(*pen, *position)),
            _ => true,
        };
        let answered: Vec<Key> = self
            .durable
            .keys()
            .filter(|key| !queued(key, &self.durable))
            .cloned()
            .collect();
        for key in answered {
            self.durable.remove(&key);
        }
    }
}
