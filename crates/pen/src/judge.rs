//! Answers an event expression's `where`.

use std::cell::RefCell;

use stratus_event::{Event, Timestamp};
use stratus_salience::{Bindings, Conditions};

use crate::{
    RunId, Transaction,
    language::{Answers, Limits, Program, RuleError, Scene},
    overlay::Overlay,
    rulesets::Rule,
};

/// Lets a rule's program answer. A predicate that goes wrong does not hold, and the error goes to
/// the trace.
pub(crate) struct Judge<'a> {
    program: &'a dyn Program,
    transaction: &'a Transaction,
    overlay: &'a Overlay<'a>,
    id: &'a RunId,
    limits: &'a Limits,
    answers: Answers,
    errors: RefCell<Vec<RuleError>>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        rule: &Rule<'a>,
        transaction: &'a Transaction,
        overlay: &'a Overlay<'a>,
        id: &'a RunId,
        limits: &'a Limits,
    ) -> Self {
        let program = rule.program.as_ref();
        let errors = RefCell::default();
        Self {
            program,
            transaction,
            overlay,
            id,
            limits,
            answers: Answers::new(),
            errors,
        }
    }

    /// Keeps an error for the trace, once.
    fn note(&self, error: RuleError) {
        let mut errors = self.errors.borrow_mut();
        if !errors.contains(&error) {
            errors.push(error);
        }
    }

    /// What went wrong, as lines for the trace.
    pub(crate) fn into_log(self) -> Vec<(String, String)> {
        let line = |error: RuleError| {
            let text = format!("{} [{}]", error.message, error.code);
            ("error".into(), text)
        };
        self.errors.into_inner().into_iter().map(line).collect()
    }
}

impl Conditions for Judge<'_> {
    fn holds(&self, condition: usize, event: &Event, bindings: &Bindings) -> bool {
        let scene = Scene {
            view: self.overlay,
            event: Some(event),
            channel: self.transaction.channel,
            bindings,
            now: self.transaction.now,
            seed: self.id.seed(&self.transaction.seed),
            answers: &self.answers,
            limits: self.limits,
        };
        let holds = self.program.holds(condition, &scene);
        holds.unwrap_or_else(|error| {
            self.note(error);
            false
        })
    }

    fn instant(&self, number: usize, bindings: &Bindings) -> Option<Timestamp> {
        let scene = Scene {
            view: self.overlay,
            event: None,
            channel: None,
            bindings,
            now: self.transaction.now,
            seed: self.id.seed(&self.transaction.seed),
            answers: &self.answers,
            limits: self.limits,
        };
        let instant = self.program.instant(number, &scene);
        instant.unwrap_or_else(|error| {
            self.note(error);
            None
        })
    }
}
