//! How an event moves a rule's event expression.

use std::{cell::Cell, collections::BTreeSet, sync::Arc};

use stratus_event::{Event, Timestamp};

use crate::{
    Bindings, Expression, Filter, FilterPlace, Progress, Symbol,
    advance::{Offer, Scope},
    bindings::Bound,
    joins::Joins,
    key::Key,
    stage::Stage,
};

/// Answers the `where` predicates of a rule. They may read and never ask.
pub trait Conditions {
    /// Whether the predicate of that number holds for the event, given what was bound so far, the
    /// captures of this very event included.
    fn holds(&self, condition: usize, event: &Event, bindings: &Bindings) -> bool;

    /// The time that [`crate::Instant::Bound`] of that number means; none if it means none, because
    /// a variable is not bound. It must depend on nothing but what is bound.
    fn instant(&self, number: usize, bindings: &Bindings) -> Option<Timestamp> {
        let _ = (number, bindings);
        None
    }
}

/// What an event did to an automaton.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How far it is now; none if nothing moved. A match is consumed: after it the automaton is at
    /// its start again, or has one partial match less.
    pub progress: Option<Progress>,
    /// What the whole match bound, if the event completed it.
    pub fired: Option<Bindings>,
    /// How many partial matches had to go, the oldest first, because there were more than
    /// [`Automaton::bounded`] allows.
    pub dropped: u64,
}

/// An event expression, ready to run. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Automaton(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    expression: Expression,
    start: BTreeSet<Symbol>,
    later: BTreeSet<Symbol>,
    joins: Option<Joins>,
    has_instants: bool,
    partial_matches_max: usize,
}

/// The most partial matches that a rule keeps, if nothing else is said.
pub const PARTIAL_MATCHES_MAX: usize = 1000;

impl Automaton {
    /// Makes an expression ready to run. [`Expression::check`] says whether it is within bounds.
    pub fn new(expression: &Expression) -> Self {
        Self::bounded(expression, PARTIAL_MATCHES_MAX)
    }

    /// The same with another bound of how many partial matches are kept, of an expression with
    /// joins or of a `within`. Beyond it the oldest one goes.
    pub fn bounded(expression: &Expression, partial_matches_max: usize) -> Self {
        let mut start = BTreeSet::new();
        let mut all = BTreeSet::new();
        expression.collect(true, &mut start, &mut all);
        let later = all.difference(&start).cloned().collect();
        Self(Arc::new(Parts {
            joins: Joins::of(expression),
            has_instants: expression
                .primitives()
                .iter()
                .any(|primitive| primitive.instant.is_some()),
            expression: expression.clone(),
            start,
            later,
            partial_matches_max,
        }))
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
        self.step_proven(progress, event, now, conditions, None)
    }

    /// The same where [`Index::woken`] has said of this rule and this event that a filter matches:
    /// it is not asked again.
    ///
    /// [`Index::woken`]: crate::Index::woken
    pub fn step_proven(
        &self,
        progress: &Progress,
        event: &Event,
        now: Timestamp,
        conditions: &dyn Conditions,
        proven: Option<FilterPlace>,
    ) -> Step {
        self.step_or_pass(progress, event, None, now, conditions, proven)
    }

    /// Offers an instant that has come ([`Automaton::next_instant`]); the event tells of it and is
    /// of the symbol [`Symbol::instant`]. It may be offered late, never early.
    pub fn pass(
        &self,
        progress: &Progress,
        event: &Event,
        instant: Timestamp,
        now: Timestamp,
        conditions: &dyn Conditions,
    ) -> Step {
        self.step_or_pass(progress, event, Some(instant), now, conditions, None)
    }

    fn step_or_pass(
        &self,
        progress: &Progress,
        event: &Event,
        instant: Option<Timestamp>,
        now: Timestamp,
        conditions: &dyn Conditions,
        proven: Option<FilterPlace>,
    ) -> Step {
        if !self.knows(event) {
            return Step {
                progress: None,
                fired: None,
                dropped: 0,
            };
        }
        let dropped = Cell::default();
        let offer = Offer {
            event,
            now,
            instant,
            conditions,
            proven: proven.and_then(|place| self.filter(place)),
            key: &Key::default(),
            partial_matches_max: self.0.partial_matches_max,
            dropped: &dropped,
        };
        let (stage, fired) = self.offer(&progress.0, &offer);
        Step {
            progress: stage.map(Progress).filter(|stage| stage != progress),
            fired: fired.map(|bound| bound.bindings()),
            dropped: dropped.get(),
        }
    }

    fn filter(&self, place: FilterPlace) -> Option<&Filter> {
        let mut opener = place.opener;
        let primitive = self.0.expression.opener(&mut opener)?;
        primitive.filters.get(usize::try_from(place.filter).ok()?)
    }

    fn offer(&self, stage: &Stage, offer: &Offer<'_>) -> (Option<Stage>, Option<Bound>) {
        let Some(joins) = &self.0.joins else {
            let moved = self.0.expression.advance(stage, &Scope::default(), offer);
            return (moved.stage, moved.complete);
        };
        let before = joins.runs(stage);
        let (after, fired) = joins.step(&self.0.expression, &before, offer);
        let stage = if after.len == 0 {
            Stage::Start
        } else {
            Stage::Runs(after.into())
        };
        (Some(stage), fired)
    }

    /// Whether both run the same expression, so that the progress of one is that of the other.
    pub fn same(&self, other: &Self) -> bool {
        // Regular expressions compare by their text only, which is what Debug shows of them.
        Arc::ptr_eq(&self.0, &other.0)
            || format!("{:?}", self.0.expression) == format!("{:?}", other.0.expression)
    }

    /// The symbols that may begin the expression.
    pub fn start(&self) -> &BTreeSet<Symbol> {
        &self.0.start
    }

    /// The symbols that may only continue the expression.
    pub fn later(&self) -> &BTreeSet<Symbol> {
        &self.0.later
    }

    /// Whether the event is one that the expression is about.
    pub fn knows(&self, event: &Event) -> bool {
        let mut symbols = self.0.start.iter().chain(&self.0.later);
        symbols.any(|symbol| symbol.covers(event))
    }

    /// Whether the expression waits for instants anywhere.
    pub fn has_instants(&self) -> bool {
        self.0.has_instants
    }

    /// The expression.
    pub fn expression(&self) -> &Expression {
        &self.0.expression
    }
}
