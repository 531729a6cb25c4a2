//! Scalars, looked at where they lie.

use stratus_event::Value as Data;

use crate::{coerce::parse_number, limit::SHORT_TEXT_BYTES_MAX, value::Value};

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

    /// Whether two are equal, if that is found in a few steps; as [`crate::coerce::equal`].
    pub(crate) fn equals(self, other: Self) -> Option<bool> {
        Some(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(one), Self::Boolean(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one.total_cmp(&two).is_eq(),
            (Self::Text(one), Self::Text(two)) if one.len() <= SHORT_TEXT_BYTES_MAX => one == two,
            (Self::Text(_), Self::Text(_)) => return None,
            _ => false,
        })
    }

    /// The number of a scalar, if it has one that is found in a few steps; as
    /// [`crate::coerce::number`].
    pub(crate) fn as_number(self) -> Option<f64> {
        match self {
            Self::Boolean(truth) => Some(f64::from(u8::from(truth))),
            Self::Null => Some(0.0),
            Self::Number(number) => Some(number),
            Self::Text(text) if text.len() <= SHORT_TEXT_BYTES_MAX => parse_number(text),
            Self::Text(_) => None,
        }
    }
}
