//! A rule's condition, and what it looked at: for those who ask why.

use stratus_event::Value as Data;

use super::{At, Evaluator};
use crate::{
    coerce::{describe, truth},
    library,
    limit::Halt,
    program::{Code, Expression},
    value::Value,
};

/// Where the operands of a condition stand, and their texts.
type Operands = [(u32, Box<str>)];

impl Evaluator<'_> {
    /// The value of a condition. It is the same as that of any expression; the operands that it
    /// comes down to are kept.
    pub(super) fn judge(
        &mut self,
        at: At,
        condition: &Expression,
        operands: &Operands,
    ) -> Result<Value, Halt> {
        self.nesting += 1;
        let value = self.judged(at, condition, operands);
        self.nesting -= 1;
        value.map_err(|halt| halt.at(|| self.place(at, condition.site)))
    }

    fn judged(
        &mut self,
        at: At,
        condition: &Expression,
        operands: &Operands,
    ) -> Result<Value, Halt> {
        let (left, right, decides) = match &condition.code {
            Code::And(left, right) => (left, right, false),
            Code::Or(left, right) => (left, right, true),
            Code::Not(operand) => {
                self.meter.spend(1)?;
                let value = self.judge(at, operand, operands)?;
                return Ok(Value::Boolean(!truth(&value)));
            }
            Code::Binary(operator, left, right) => {
                self.meter.spend(1)?;
                let left = self.operand(at, left, operands)?;
                let right = self.operand(at, right, operands)?;
                return Ok(library::operate(&mut self.meter, *operator, &left, &right)?);
            }
            _ => return self.operand(at, condition, operands),
        };
        self.meter.spend(1)?;
        let value = self.judge(at, left, operands)?;
        if truth(&value) == decides {
            return Ok(value);
        }
        self.judge(at, right, operands)
    }

    fn operand(
        &mut self,
        at: At,
        operand: &Expression,
        operands: &Operands,
    ) -> Result<Value, Halt> {
        let value = self.value(at, operand)?;
        let known = operands.iter().find(|(site, _)| *site == operand.site);
        if let Some((_, text)) = known.filter(|_| self.ended.saw.len() < SAW_MAX) {
            let seen = (text.to_string(), shown(&value));
            if !self.ended.saw.contains(&seen) {
                self.ended.saw.push(seen);
            }
        }
        Ok(value)
    }
}

/// The value as the trace keeps it: a large one, or one that is no data, as text.
fn shown(value: &Value) -> Data {
    match value {
        Value::Null => Data::Null,
        Value::Boolean(truth) => Data::Boolean(*truth),
        Value::Number(number) => Data::number(*number),
        Value::Text(text) => Data::Text(cut(text).into()),
        other => Data::text(cut(&describe(other))),
    }
}

fn cut(text: &str) -> String {
    if text.len() <= SAW_BYTES_MAX {
        return text.to_owned();
    }
    let fits = |(at, character): &(usize, char)| at + character.len_utf8() <= SAW_BYTES_MAX;
    let kept = text.char_indices().take_while(fits);
    kept.map(|(_, character)| character).chain(['…']).collect()
}

/// Operands that a rule run keeps for the trace; the first ones, each value once.
const SAW_MAX: usize = 16;

/// Bytes of a kept value; what is longer is cut.
const SAW_BYTES_MAX: usize = 256;
