//! The work of one event, for a worker.

use stratus_event::PenId;
use stratus_pen::{Ending, Transaction};

/// One event to evaluate. Running it touches nothing but its own copy of the PEN's state.
#[derive(Debug)]
pub struct Job {
    /// Whose event.
    pub pen: PenId,
    /// The event's place in the PEN's journal.
    pub position: u64,
    /// The evaluation.
    pub transaction: Transaction,
}

impl Job {
    /// Evaluates the event. Takes as long as its fuel lasts.
    pub fn run(self) -> Finished {
        Finished {
            pen: self.pen,
            position: self.position,
            ending: self.transaction.run(),
        }
    }
}

/// A job that has come to its end.
#[derive(Debug)]
pub struct Finished {
    /// Whose event.
    pub pen: PenId,
    /// The event's place in the PEN's journal.
    pub position: u64,
    /// What came of it.
    pub ending: Ending,
}
