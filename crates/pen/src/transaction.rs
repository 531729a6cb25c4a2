//! One event, evaluated to its end.

use stratus_event::{Eci, Event, Name, Timestamp};

use crate::{Answered, Bounds, Done, Ending, State, bounds::fuel_exceeded, evaluation::Evaluation};

/// An event and everything that its evaluation may read.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The PEN at one commit position.
    pub state: State,
    /// The accepted event.
    pub event: Event,
    /// The channel by which it came; none if it came from within (a timer, the engine).
    pub channel: Option<Eci>,
    /// Only this ruleset sees it, if named: [`crate::language::Raise::for_ruleset`] of a timer that
    /// went off.
    pub for_ruleset: Option<Name>,
    /// The timer that went off, if the event comes of that.
    pub timer: Option<Name>,
    /// The one instant of all that happens in here.
    pub now: Timestamp,
    /// The seed of all randomness in here.
    pub seed: [u8; 32],
    /// What the evaluation may use up.
    pub bounds: Bounds,
    /// The answers to the questions that were asked so far.
    pub answers: Answered,
}

impl Transaction {
    /// Evaluates the event and all that its rules raise inside the PEN.
    ///
    /// The events are handled one after the other in the order in which they were raised, each by
    /// the rules that it selects in install order, then textual order. A rule sees what the rules
    /// before it changed. The result depends on nothing but the fields: with the same fields it is
    /// the same, and with more answers it is the same up to where they are used.
    pub fn run(self) -> Ending {
        let given_up = || Done {
            failed: Some(fuel_exceeded(u64::MAX)),
            ..Done::default()
        };
        let ending = self.run_within(u64::MAX);
        ending.unwrap_or_else(|_| Ending::Done(Box::new(given_up())))
    }

    /// The same if it takes no more than so many steps. Else the transaction comes back as it was,
    /// for when there is more time.
    pub fn run_within(self, fuel_max: u64) -> Result<Ending, Box<Self>> {
        let ending = Evaluation::new(&self, fuel_max).run();
        ending.ok_or_else(|| Box::new(self))
    }
}
