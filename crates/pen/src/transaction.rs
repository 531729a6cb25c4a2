//! One event, evaluated to its end.

/// An event and everything that its evaluation may read.
#[derive(Debug)]
pub struct Transaction {}

impl Transaction {
    /// Evaluates the event and all that its rules raise inside the PEN.
    pub fn run(self) -> Ending {
        Ending {}
    }
}

/// What came of an event.
#[derive(Debug)]
pub struct Ending {}
