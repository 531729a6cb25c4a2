//! What came of an event.

use std::collections::BTreeMap;

use stratus_event::{Event, EventId, Fault, Name, Value};
use stratus_salience::{Did, Piece, Progress};

use crate::language::{Answers, Arrangement, Change, Directive, Effect, Question, TimerChange};

/// How the evaluation of an event came to its end, or why it has to wait.
#[derive(Debug)]
pub enum Ending {
    /// A rule run needs to know something that only the world can say. Nothing is done yet: get the
    /// answers, add them to [`crate::Transaction::answers`] under [`Asked::run`], and run the
    /// transaction again from its beginning; it comes to the same place.
    Ask(Asked),
    /// It has ended.
    Done(Box<Done>),
}

/// All the questions that one rule run can ask before it knows the first answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Who asks.
    pub run: RunId,
    /// What. Never empty; none of them has been answered before.
    pub questions: Vec<Question>,
}

/// Names one rule run within a transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId {
    /// The event that it is about: the accepted one, or one raised while that was handled.
    pub event: EventId,
    /// The ruleset.
    pub rid: Name,
    /// The rule.
    pub rule: Name,
}

/// The answers that the rule runs of a transaction have got so far.
pub type Answered = BTreeMap<RunId, Answers>;

/// What an event, and all that its rules raised inside the PEN, came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// The rule runs in order, those of raised events included.
    pub runs: Vec<Run>,
    /// Changes of the PEN itself, in order.
    pub arrangements: Vec<Arranged>,
    /// The automata that moved, one entry per rule.
    pub automata: Vec<Moved>,
    /// What the rules answered to the one who raised the event, in order.
    pub directives: Vec<Directive>,
    /// Work for the world, in order; the place in this list is the effect's ordinal.
    pub effects: Vec<Wanted>,
    /// Timers set or removed: at most one entry per timer.
    pub timers: Vec<TimerChange>,
    /// The values that variables have at the end: at most one entry per variable.
    pub changes: Vec<Change>,
    /// How the event expressions stood that the events concerned and that were in the middle
    /// before or after: what it takes to say why. At most
    /// [`crate::Bounds::stands_max`].
    pub stands: Vec<Stand>,
    /// How many more of these there were.
    pub stands_left_out: usize,
    /// Why the evaluation as a whole was given up, if it was. Then nothing else is in here but the
    /// runs, and what they wanted is undone.
    pub failed: Option<Fault>,
}

impl Done {
    /// The same given up as a whole. The trace stays, so that the owner sees what went on; all else
    /// is undone, and no automaton has moved.
    #[must_use]
    pub fn given_up(self, fault: Fault) -> Self {
        let undone = |run| Run {
            changes: Vec::new(),
            arranged: Vec::new(),
            raised: Vec::new(),
            effects: Vec::new(),
            ..run
        };
        Self {
            runs: self.runs.into_iter().map(undone).collect(),
            failed: Some(fault),
            ..Self::default()
        }
    }
}

/// How far a rule's event expression has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The ruleset.
    pub rid: Name,
    /// The rule.
    pub rule: Name,
    /// How far; none if it is at its start again.
    pub progress: Option<Progress>,
    /// What of its written form is to be written anew, or removed.
    pub pieces: Vec<(Piece, Option<Value>)>,
}

/// How a rule's event expression stood when an event came that it knows, and what the event did to
/// it. Of many partial matches only those are here that the event moved, and the newest
/// ([`stratus_salience::WAITING_SHOWN_MAX`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Stand {
    /// The event: the accepted one or one raised while it was handled.
    pub event: EventId,
    /// The ruleset.
    pub rid: Name,
    /// The rule.
    pub rule: Name,
    /// What the event did.
    pub did: Did,
    /// How far it was before.
    pub before: Progress,
    /// How far it was afterwards, if it moved without being complete.
    pub after: Option<Progress>,
    /// How many partial matches are not here.
    pub left_out: usize,
}

/// A change of the PEN itself and the run that wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arranged {
    /// Which run.
    pub run: RunId,
    /// What it wants.
    pub arrangement: Arrangement,
}

/// An effect and the run that wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Which run.
    pub run: RunId,
    /// What it wants.
    pub effect: Effect,
}

/// What one rule did about one event: an entry of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The event: the accepted one or one raised while it was handled.
    pub event: Event,
    /// The ruleset.
    pub rid: Name,
    /// The rule.
    pub rule: Name,
    /// How it ended.
    pub end: RunEnd,
    /// The variables it set or cleared: ruleset and name, each once.
    pub changes: Vec<(Name, Name)>,
    /// What it changed of the PEN itself, a sentence each.
    pub arranged: Vec<String>,
    /// The events it raised inside the PEN, and the ruleset that alone sees them, if one does.
    pub raised: Vec<(Event, Option<Name>)>,
    /// What its condition looked at: the text of an operand and its value.
    pub saw: Vec<(String, Value)>,
    /// The remaining rules of its ruleset did not see the event.
    pub last: bool,
    /// The effects it wanted, by their place in [`Done::effects`].
    pub effects: Vec<u32>,
    /// What it logged: level and text.
    pub log: Vec<(String, String)>,
}

/// How a rule run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// An error; all that this run wanted was undone.
    Failed(Fault),
    /// Its condition held.
    Fired,
    /// Its condition did not hold.
    NotFired,
    /// It was not selected, and there is something to say about that: a `where` went wrong, or
    /// partial matches were dropped.
    NotSelected,
}
