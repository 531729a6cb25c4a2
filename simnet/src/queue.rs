//! What is going to happen, in order.

use std::collections::BTreeMap;

use stratus_event::Timestamp;

/// Things to come. What is due at the same millisecond happens in the order in which it was put.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    due: BTreeMap<(Timestamp, u64), T>,
    count: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            due: BTreeMap::new(),
            count: 0,
        }
    }

    /// Puts a thing for that time.
    pub(crate) fn put(&mut self, at: Timestamp, thing: T) {
        self.count += 1;
        self.due.insert((at, self.count), thing);
    }

    /// Takes the next thing, if one is due until then.
    pub(crate) fn take(&mut self, until: Timestamp) -> Option<(Timestamp, T)> {
        let next = self
            .due
            .first_entry()
            .filter(|entry| entry.key().0 <= until)?;
        let ((at, _), thing) = next.remove_entry();
        Some((at, thing))
    }
}
