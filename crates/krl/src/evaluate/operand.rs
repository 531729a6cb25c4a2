//! Operators, and conditions made of them.
//!
//! An expression is asked for no more than its surroundings need. Where a value is wanted, it is
//! [`Evaluator::value`]. A condition wants to know only whether it holds: [`Evaluator::test`] goes
//! down through `&&`, `||`, `not` and comparisons without making a value of any of them. An
//! operator only looks at its operands: a constant, a local or an attribute stays where it lies
//! ([`Evaluator::scalar`]), and is part of the operator's own step. So a usual condition copies
//! nothing, allocates nothing and counts one step for each operator. What is no scalar, or takes
//! more than a few steps, goes the way of [`library::operate`], with the same result.

use super::{At, Evaluator};
use crate::{
    coerce::truth,
    library,
    limit::Halt,
    program::{Code, Expression, Operator},
    scalar::Scalar,
    value::Value,
};

/// One side of an operator.
enum Side<'e> {
    /// It is at hand, to be looked at.
    AtHand(&'e Expression),
    Value(Value),
}

impl Evaluator<'_> {
    /// Whether an expression's value is true.
    pub(crate) fn test(&mut self, at: At, expression: &Expression) -> Result<bool, Halt> {
        match &expression.code {
            Code::And(left, right) => self.step(at, expression.site, |evaluator| {
                Ok(evaluator.test(at, left)? && evaluator.test(at, right)?)
            }),
            Code::Or(left, right) => self.step(at, expression.site, |evaluator| {
                Ok(evaluator.test(at, left)? || evaluator.test(at, right)?)
            }),
            Code::Not(operand) => self.step(at, expression.site, |evaluator| {
                Ok(!evaluator.test(at, operand)?)
            }),
            Code::Binary(operator, left, right) => self.step(at, expression.site, |evaluator| {
                evaluator.test_operator(at, *operator, left, right)
            }),
            _ => match self.scalar(at, expression) {
                Some(scalar) => Ok(scalar.truth()),
                None => Ok(truth(&self.value(at, expression)?)),
            },
        }
    }

    /// The value of an operator.
    pub(super) fn operate(
        &mut self,
        at: At,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, Halt> {
        let (left, right) = (self.side(at, left)?, self.side(at, right)?);
        match self.quick(at, operator, &left, &right) {
            Some(scalar) => Ok(scalar.into()),
            None => self.operate_whole(at, operator, left, right),
        }
    }

    fn test_operator(
        &mut self,
        at: At,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<bool, Halt> {
        let (left, right) = (self.side(at, left)?, self.side(at, right)?);
        match self.quick(at, operator, &left, &right) {
            Some(scalar) => Ok(scalar.truth()),
            None => Ok(truth(&self.operate_whole(at, operator, left, right)?)),
        }
    }

    fn operate_whole(
        &mut self,
        at: At,
        operator: Operator,
        left: Side<'_>,
        right: Side<'_>,
    ) -> Result<Value, Halt> {
        let (left, right) = (self.whole(at, left)?, self.whole(at, right)?);
        Ok(library::operate(&mut self.meter, operator, &left, &right)?)
    }

    fn side<'e>(&mut self, at: At, expression: &'e Expression) -> Result<Side<'e>, Halt> {
        match expression.code {
            Code::Attribute(_) | Code::Constant(_) | Code::Local(_) => Ok(Side::AtHand(expression)),
            _ => Ok(Side::Value(self.value(at, expression)?)),
        }
    }

    fn whole(&mut self, at: At, side: Side<'_>) -> Result<Value, Halt> {
        match side {
            Side::AtHand(expression) => self.value(at, expression),
            Side::Value(value) => Ok(value),
        }
    }

    fn quick(
        &self,
        at: At,
        operator: Operator,
        left: &Side<'_>,
        right: &Side<'_>,
    ) -> Option<Scalar<'static>> {
        Scalar::operate(operator, self.look(at, left)?, self.look(at, right)?)
    }

    fn look<'v>(&'v self, at: At, side: &'v Side<'_>) -> Option<Scalar<'v>> {
        match side {
            Side::AtHand(expression) => self.scalar(at, expression),
            Side::Value(value) => Scalar::of(value),
        }
    }

    /// What an expression is, if it is at hand and a scalar.
    fn scalar<'v>(&'v self, at: At, expression: &'v Expression) -> Option<Scalar<'v>> {
        match &expression.code {
            Code::Attribute(name) => match self.scene.event?.attributes.get(name) {
                Some(attribute) => Scalar::of_data(attribute),
                None => Some(Scalar::Null),
            },
            Code::Constant(value) => Scalar::of(value),
            Code::Local(local) => Scalar::of(self.frames.local(at.frame, *local)?),
            _ => None,
        }
    }
}
