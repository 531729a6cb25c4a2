//! How far a rule's event expression has come, and how an event moves it.

use std::collections::BTreeSet;

use stratus_event::{Event, Timestamp};

use crate::{Bindings, Expression, Symbol};

/// Answers the `where` predicates of a rule. They may read and never ask.
pub trait Conditions {
    /// Whether the predicate of that number holds for the event, given what was bound so far, the
    /// captures of this very event included.
    fn holds(&self, condition: usize, event: &Event, bindings: &Bindings) -> bool;
}

/// What an event did to an automaton.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How far it is now; none if nothing moved.
    pub progress: Option<Progress>,
    /// What the whole match bound, if the event completed it.
    pub fired: Option<Bindings>,
}

/// An event expression, ready to run.
#[derive(Clone, Debug)]
pub struct Automaton {
    expression: Expression,
}

/// How far an automaton has come. The default is the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    started: Option<Timestamp>,
}

impl Automaton {
    /// Makes an expression ready to run.
    pub fn new(expression: &Expression) -> Self {
        Self {
            expression: expression.clone(),
        }
    }

    /// Whether both run the same expression, so that the progress of one is that of the other.
    pub fn same(&self, other: &Self) -> bool {
        // Regular expressions compare by their text only, which is what Debug shows of them.
        format!("{:?}", self.expression) == format!("{:?}", other.expression)
    }

    /// The symbols that may begin the expression, and those that may only continue it.
    pub fn symbols(&self) -> (BTreeSet<Symbol>, BTreeSet<Symbol>) {
        let mut start = BTreeSet::new();
        let mut all = BTreeSet::new();
        self.expression.collect(true, &mut start, &mut all);
        let later = all.difference(&start).cloned().collect();
        (start, later)
    }
}
