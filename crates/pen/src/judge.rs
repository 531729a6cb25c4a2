//! Answers an event expression's `where`.

use std::cell::{Cell, OnceCell, RefCell};

use stratus_event::{Event, Timestamp};
use stratus_salience::{Bindings, Conditions};

use crate::{
    RunId, Transaction,
    language::{Answers, Judgement, Limits, Program, RuleError, Scene},
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
    /// Only a predicate that is asked needs it.
    seed: OnceCell<[u8; 32]>,
    errors: RefCell<Vec<RuleError>>,
    fuel: Cell<u64>,
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
            seed: OnceCell::new(),
            errors,
            fuel: Cell::default(),
        }
    }

    /// What all predicates and instants together used.
    pub(crate) fn fuel(&self) -> u64 {
        self.fuel.get()
    }

    /// Counts what an answer took, and keeps an error for the trace, once.
    fn hear<T: Default>(&self, judgement: Judgement<T>) -> T {
        let fuel = self.fuel.get().saturating_add(judgement.fuel);
        self.fuel.set(fuel);
        judgement.said.unwrap_or_else(|error| {
            let mut errors = self.errors.borrow_mut();
            if !errors.contains(&error) {
                errors.push(error);
            }
            T::default()
        })
    }

    /// What there is besides an event.
    fn scene<'s>(&'s self, bindings: &'s Bindings) -> Scene<'s> {
        let seed = || self.id.seed(&self.transaction.seed);
        Scene {
            view: self.overlay,
            event: None,
            channel: None,
            bindings,
            now: self.transaction.now,
            seed: *self.seed.get_or_init(seed),
            answers: &self.answers,
            limits: self.limits,
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
            event: Some(event),
            channel: self.transaction.channel,
            ..self.scene(bindings)
        };
        self.hear(self.program.holds(condition, &scene))
    }

    fn instant(&self, number: usize, bindings: &Bindings) -> Option<Timestamp> {
        self.hear(self.program.instant(number, &self.scene(bindings)))
    }
}
