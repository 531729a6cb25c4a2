//! Formulas: operators over scalars that are at hand.
//!
//! Most conditions, and much of what is computed for them, are operators between constants, locals
//! and attributes of the event that are numbers, truths or short texts. Such an expression is a
//! formula, and needs no run: it is asked for no more than its surroundings want of it (a number,
//! whether it holds), numbers and truths travel in registers, and everything else stays where it
//! lies. Nothing is copied, allocated or changed.
//!
//! Whether an expression is a formula is found by trying. Where one meets anything else (a call, a
//! list, a long text, a value of the wrong kind) there is no answer, and the expression is
//! evaluated part by part instead, with the same result: what both have in common stands in
//! [`crate::coerce`]. As a formula has no effect, nothing is done twice; as its parts are not tried
//! again, no more than twice the work is done. Its operators count as steps like all others, all
//! of them at once.

use std::cell::Cell;

use stratus_event::Event;

use super::{At, FrameId, Frames, TOP};
use crate::{
    coerce::{compare, compute},
    program::{Code, Expression, Operator},
    scalar::Scalar,
    value::Value,
};

/// What a formula looks at.
pub(crate) struct Formula<'v> {
    event: Option<&'v Event>,
    frames: &'v Frames,
    frame: FrameId,
    steps: Cell<u64>,
}

impl<'v> Formula<'v> {
    pub(super) fn new(event: Option<&'v Event>, frames: &'v Frames, at: At) -> Self {
        Self {
            event,
            frames,
            frame: at.frame,
            steps: Cell::new(0),
        }
    }

    /// How many operators were evaluated.
    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Whether an expression's value is true.
    pub(super) fn truth(&self, expression: &'v Expression) -> Option<bool> {
        match &expression.code {
            Code::And(left, right) => {
                self.step();
                Some(self.truth(left)? && self.truth(right)?)
            }
            Code::Or(left, right) => {
                self.step();
                Some(self.truth(left)? || self.truth(right)?)
            }
            Code::Not(operand) => {
                self.step();
                Some(!self.truth(operand)?)
            }
            Code::Binary(operator, left, right) if operator.is_comparison() => {
                self.comparison(*operator, left, right)
            }
            _ => self.scalar(expression).map(Scalar::truth),
        }
    }

    /// The value of an expression.
    pub(super) fn scalar(&self, expression: &'v Expression) -> Option<Scalar<'v>> {
        match &expression.code {
            Code::Attribute(name) => match self.event?.attributes.get(name) {
                Some(attribute) => Scalar::of_data(attribute),
                None => Some(Scalar::Null),
            },
            Code::Binary(operator, left, right) if operator.is_comparison() => {
                self.comparison(*operator, left, right).map(Scalar::Boolean)
            }
            Code::Binary(operator, left, right) => {
                self.arithmetic(*operator, left, right).map(Scalar::Number)
            }
            Code::Constant(value) => Scalar::of(value),
            Code::Local(local) => Scalar::of(self.frames.local(self.frame, *local)?),
            _ => None,
        }
    }

    fn comparison(
        &self,
        operator: Operator,
        left: &'v Expression,
        right: &'v Expression,
    ) -> Option<bool> {
        self.step();
        match operator {
            Operator::Equal => self.scalar(left)?.equals(self.scalar(right)?),
            Operator::NotEqual => Some(!self.scalar(left)?.equals(self.scalar(right)?)?),
            _ => {
                let order = self.number(left)?.partial_cmp(&self.number(right)?)?;
                compare(operator, order)
            }
        }
    }

    /// A number that is finite; what is not is null, and no number any more.
    fn arithmetic(
        &self,
        operator: Operator,
        left: &'v Expression,
        right: &'v Expression,
    ) -> Option<f64> {
        self.step();
        let made = match operator {
            Operator::Add => self.addend(left)? + self.addend(right)?,
            _ => compute(operator, self.number(left)?, self.number(right)?)?,
        };
        made.is_finite().then_some(made + 0.0)
    }

    /// What arithmetic and order make of an operand.
    fn number(&self, expression: &'v Expression) -> Option<f64> {
        match &expression.code {
            Code::Binary(operator, left, right) if !operator.is_comparison() => {
                self.arithmetic(*operator, left, right)
            }
            _ => self.scalar(expression)?.as_number(),
        }
    }

    /// What `+` adds: it makes a text of everything but numbers.
    fn addend(&self, expression: &'v Expression) -> Option<f64> {
        match &expression.code {
            Code::Binary(operator, left, right) if !operator.is_comparison() => {
                self.arithmetic(*operator, left, right)
            }
            _ => match self.scalar(expression)? {
                Scalar::Number(number) => Some(number),
                _ => None,
            },
        }
    }

    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }
}

/// The value of an operator between constants, if it is a number or a truth.
pub(crate) fn of_constants(expression: &Expression) -> Option<Value> {
    let frames = Frames::default();
    match Formula::new(None, &frames, TOP).scalar(expression)? {
        Scalar::Boolean(truth) => Some(Value::Boolean(truth)),
        Scalar::Number(number) => Some(Value::Number(number)),
        Scalar::Null | Scalar::Text(_) => None,
    }
}
