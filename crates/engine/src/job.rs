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

    /// The same if it takes no more than so many steps. Else the job comes back as it was, so that
    /// long ones do not stand before short ones.
    pub fn run_within(self, fuel_max: u64) -> Result<Finished, Box<Self>> {
        let (pen, position) = (self.pen, self.position);
        match self.transaction.run_within(fuel_max) {
            Ok(ending) => Ok(Finished {
                pen,
                position,
                ending,
            }),
            Err(transaction) => Err(Box::new(Self {
                transaction: *transaction,
                ..self
            })),
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
