//! Operators, and conditions made of them: as formulas, or part by part.

use super::{At, Evaluator, formula::Formula};
use crate::{
    coerce::truth,
    library,
    limit::{Failure, Halt},
    program::{Code, Expression, Operator},
    scalar::Scalar,
    value::Value,
};

impl Evaluator<'_> {
    /// Whether an expression's value is true.
    pub(crate) fn test(&mut self, at: At, expression: &Expression) -> Result<bool, Halt> {
        let formula = Formula::new(self.event(), &self.frames, at);
        if let Some(truth) = formula.truth(expression) {
            let steps = formula.steps();
            self.count(at, expression, steps)?;
            return Ok(truth);
        }
        self.test_parts(at, expression)
    }

    /// The value of an operator.
    pub(super) fn operate(
        &mut self,
        at: At,
        expression: &Expression,
        operator: Operator,
        [left, right]: [&Expression; 2],
    ) -> Result<Value, Halt> {
        let formula = Formula::new(self.event(), &self.frames, at);
        let made = match formula.scalar(expression) {
            Some(Scalar::Number(number)) => Value::Number(number),
            Some(Scalar::Boolean(truth)) => Value::Boolean(truth),
            _ => return self.operate_parts(at, operator, left, right),
        };
        let steps = formula.steps();
        self.count(at, expression, steps)?;
        Ok(made)
    }

    fn test_parts(&mut self, at: At, expression: &Expression) -> Result<bool, Halt> {
        let site = expression.site;
        match &expression.code {
            Code::And(left, right) => self.step(at, site, |evaluator| {
                Ok(evaluator.test_parts(at, left)? && evaluator.test_parts(at, right)?)
            }),
            Code::Or(left, right) => self.step(at, site, |evaluator| {
                Ok(evaluator.test_parts(at, left)? || evaluator.test_parts(at, right)?)
            }),
            Code::Not(operand) => {
                self.step(
                    at,
                    site,
                    |evaluator| Ok(!evaluator.test_parts(at, operand)?),
                )
            }
            _ => Ok(truth(&self.part(at, expression)?)),
        }
    }

    fn operate_parts(
        &mut self,
        at: At,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, Halt> {
        let (left, right) = (self.part(at, left)?, self.part(at, right)?);
        Ok(library::operate(&mut self.meter, operator, &left, &right)?)
    }

    /// The value of a part of what is no formula.
    fn part(&mut self, at: At, expression: &Expression) -> Result<Value, Halt> {
        match &expression.code {
            Code::Binary(operator, left, right) => self.step(at, expression.site, |evaluator| {
                evaluator.operate_parts(at, *operator, left, right)
            }),
            _ => self.value(at, expression),
        }
    }

    fn count(&mut self, at: At, expression: &Expression, steps: u64) -> Result<(), Failure> {
        let spent = self.meter.spend(steps);
        spent.map_err(|failure| failure.at(|| self.place(at, expression.site)))
    }
}
