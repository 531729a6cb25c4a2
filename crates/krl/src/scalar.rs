//! Scalars, looked at where they lie.

use stratus_event::Value as Data;

use crate::{
    coerce::{compare, compute, parse_number},
    program::Operator,
    value::Value,
};

/// A value without parts, borrowed: looking at it copies nothing and counts nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar<'v> {
    Boolean(bool),
    Null,
    Number(f64),
    Text(&'v str),
}

impl<'v> Scalar<'v> {
    /// The scalar that a value is.
    pub(crate) fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Boolean(truth) => Some(Self::Boolean(*truth)),
            Value::Null => Some(Self::Null),
            Value::Number(number) => Some(Self::Number(*number)),
            Value::Text(text) => Some(Self::Text(text)),
            _ => None,
        }
    }

    /// The scalar that data is.
    pub(crate) fn of_data(data: &'v Data) -> Option<Self> {
        match data {
            Data::Boolean(truth) => Some(Self::Boolean(*truth)),
            Data::Null => Some(Self::Null),
            Data::Number(number) => Some(Self::Number(number.get())),
            Data::Text(text) => Some(Self::Text(text)),
            Data::List(_) | Data::Map(_) => None,
        }
    }

    /// Whether a condition holds; as [`crate::coerce::truth`].
    pub(crate) fn truth(self) -> bool {
        match self {
            Self::Boolean(truth) => truth,
            Self::Null => false,
            Self::Number(number) => number != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// The value of an operator between two scalars, if it is a scalar without a text and found
    /// in a few steps; as [`crate::library::operate`], which knows all the others too.
    pub(crate) fn operate(operator: Operator, left: Self, right: Self) -> Option<Scalar<'static>> {
        match operator {
            Operator::Add => match (left, right) {
                (Self::Number(left), Self::Number(right)) => Some(Scalar::number(left + right)),
                _ => None,
            },
            Operator::Equal => left.equals(right).map(Scalar::Boolean),
            Operator::NotEqual => left.equals(right).map(|equal| Scalar::Boolean(!equal)),
            Operator::Divide | Operator::Multiply | Operator::Remainder | Operator::Subtract => {
                let computed = compute(operator, left.as_number()?, right.as_number()?);
                computed.map(Scalar::number)
            }
            Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Less
            | Operator::LessOrEqual => {
                let order = left.as_number()?.partial_cmp(&right.as_number()?)?;
                compare(operator, order).map(Scalar::Boolean)
            }
            Operator::Compare | Operator::CompareText | Operator::Contains | Operator::Like => None,
        }
    }

    fn number(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number + 0.0)
        } else {
            Self::Null
        }
    }

    fn equals(self, other: Self) -> Option<bool> {
        Some(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(one), Self::Boolean(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one.total_cmp(&two).is_eq(),
            (Self::Text(one), Self::Text(two)) if one.len() <= TEXT_BYTES_MAX => one == two,
            (Self::Text(_), Self::Text(_)) => return None,
            _ => false,
        })
    }

    fn as_number(self) -> Option<f64> {
        match self {
            Self::Boolean(truth) => Some(f64::from(u8::from(truth))),
            Self::Null => Some(0.0),
            Self::Number(number) => Some(number),
            Self::Text(text) if text.len() <= TEXT_BYTES_MAX => parse_number(text),
            Self::Text(_) => None,
        }
    }
}

impl From<Scalar<'static>> for Value {
    fn from(scalar: Scalar<'static>) -> Self {
        match scalar {
            Scalar::Boolean(truth) => Self::Boolean(truth),
            Scalar::Null => Self::Null,
            Scalar::Number(number) => Self::Number(number),
            Scalar::Text(text) => Self::Text(text.into()),
        }
    }
}

/// Bytes of a text that are compared or read without being counted as work.
const TEXT_BYTES_MAX: usize = 64;
