//! How an event moves a rule's event expression.

use std::collections::BTreeSet;

use stratus_event::{Event, Timestamp};

use crate::{
    Bindings, Expression, Progress, Symbol,
    advance::{Offer, Scope},
};

/// Answers the `where` predicates of a rule. They may read and never ask.
pub trait Conditions {
    /// Whether the predicate of that number holds for the event, given what was bound so far, the
    /// captures of this very event included.
    fn holds(&self, condition: usize, event: &Event, bindings: &Bindings) -> bool;
}

/// What an event did to an automaton.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How far it is now; none if nothing moved. After a match it is at its start again: a match
    /// is consumed.
    pub progress: Option<Progress>,
    /// What the whole match bound, if the event completed it.
    pub fired: Option<Bindings>,
}

/// An event expression, ready to run.
#[derive(Clone, Debug)]
pub struct Automaton {
    expression: Expression,
    start: BTreeSet<Symbol>,
    later: BTreeSet<Symbol>,
}

impl Automaton {
    /// Makes an expression ready to run. [`Expression::check`] says whether it is within bounds.
    pub fn new(expression: &Expression) -> Self {
        let mut start = BTreeSet::new();
        let mut all = BTreeSet::new();
        expression.collect(true, &mut start, &mut all);
        let later = all.difference(&start).cloned().collect();
        Self {
            expression: expression.clone(),
            start,
            later,
        }
    }

    /// Offers an event at an instant. Order is the order of the calls; the instant only measures
    /// periods.
    pub fn step(
        &self,
        progress: &Progress,
        event: &Event,
        now: Timestamp,
        conditions: &dyn Conditions,
    ) -> Step {
        if !self.knows(event) {
            return Step {
                progress: None,
                fired: None,
            };
        }
        let offer = Offer {
            event,
            now,
            conditions,
        };
        let moved = self
            .expression
            .advance(&progress.0, &Scope::default(), &offer);
        let progress = moved.stage.map(Progress).filter(|stage| stage != progress);
        Step {
            progress,
            fired: moved.complete,
        }
    }

    /// Whether both run the same expression, so that the progress of one is that of the other.
    pub fn same(&self, other: &Self) -> bool {
        // Regular expressions compare by their text only, which is what Debug shows of them.
        format!("{:?}", self.expression) == format!("{:?}", other.expression)
    }

    /// The symbols that may begin the expression.
    pub fn start(&self) -> &BTreeSet<Symbol> {
        &self.start
    }

    /// The symbols that may only continue the expression.
    pub fn later(&self) -> &BTreeSet<Symbol> {
        &self.later
    }

    fn knows(&self, event: &Event) -> bool {
        self.start
            .iter()
            .chain(&self.later)
            .any(|symbol| symbol.covers(event))
    }
}
