//! Data as the languages of a PEN see it.

use std::{fmt, sync::Arc};

use crate::Map;

/// One value. Cloning is cheap: lists and maps are shared until one of them changes.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// Nothing, or unknown.
    #[default]
    Null,
    /// True or false.
    Boolean(bool),
    /// A finite number.
    Number(Number),
    /// Unicode text.
    Text(Arc<str>),
    /// Values in order.
    List(Arc<Vec<Value>>),
    /// Values by name, in the order in which they were first put.
    Map(Arc<Map>),
}

impl Value {
    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// A map.
    pub fn map(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }

    /// A number; what is not finite becomes null, because no value can be told from another there.
    pub fn number(number: f64) -> Self {
        Number::new(number).map_or(Self::Null, Self::Number)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// About how many bytes it takes when it is written: those of its texts, and some for each
    /// value.
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Boolean(_) => 1,
            Self::Number(_) => 9,
            Self::Text(text) => text.len() + 3,
            Self::List(items) => items.iter().map(Self::size).sum::<usize>() + 3,
            Self::Map(map) => map.size(),
        }
    }

    /// How deep lists and maps are nested: one that has none in it counts one.
    pub fn depth(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(map) => 1 + map.depth(),
            _ => 0,
        }
    }

    /// Whether the other one is a copy of this one, as far as can be told without looking into
    /// it. If it is, they are equal.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Arc::ptr_eq(one, other),
            (Self::List(one), Self::List(other)) => Arc::ptr_eq(one, other),
            (Self::Map(one), Self::Map(other)) => Arc::ptr_eq(one, other),
            (Self::Null | Self::Boolean(_) | Self::Number(_), _) => self == other,
            _ => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::number(f64::from(number))
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::map(map)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => f.debug_list().entries(items.iter()).finish(),
            Self::Map(map) => map.fmt(f),
        }
    }
}

/// A finite double with one form of zero, so that equal numbers have equal encodings.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// The number, unless it is infinite or not a number.
    pub fn new(number: f64) -> Option<Self> {
        // Adding zero turns -0.0 into 0.0.
        number.is_finite().then_some(Self(number + 0.0))
    }

    /// As a double.
    pub fn get(self) -> f64 {
        self.0
    }

    /// As an integer, if it is one that a double holds exactly (at most 2^53 from zero).
    pub fn as_integer(self) -> Option<i64> {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range and the fraction are checked"
        )]
        (self.0.fract() == 0.0 && self.0.abs() <= EXACT_MAX).then_some(self.0 as i64)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_integer() {
            Some(integer) => write!(f, "{integer}"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_have_one_zero() {
        assert_eq!(Value::number(f64::NAN), Value::Null);
        assert_eq!(Value::number(f64::INFINITY), Value::Null);
        assert!(Number::new(-0.0).unwrap().get().is_sign_positive());
        assert_eq!(Number::new(2.5).unwrap().as_integer(), None);
        assert_eq!(Number::new(-3.0).unwrap().as_integer(), Some(-3));
        assert_eq!(Number::new(1e300).unwrap().as_integer(), None);
    }
}
