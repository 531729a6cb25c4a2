//! What tells the partial matches of a rule with joins apart.

use stratus_event::{Name, Value};

use crate::{bindings::Bound, primitive::text};

/// The values of an expression's joined variables; null where one is not bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    names: std::sync::Arc<[Name]>,
    values: Box<[Value]>,
}

impl Key {
    /// Nothing is bound yet.
    pub(crate) fn new(names: &std::sync::Arc<[Name]>) -> Self {
        Self::of(names, vec![Value::Null; names.len()])
    }

    /// These values, in the order of the names.
    pub(crate) fn of(names: &std::sync::Arc<[Name]>, values: Vec<Value>) -> Self {
        Self {
            names: names.clone(),
            values: values.into(),
        }
    }

    /// Takes over what is bound of the joined variables and not known here.
    pub(crate) fn add(&mut self, bound: &Bound) {
        for (name, value) in self.names.iter().zip(&mut self.values) {
            if *value == Value::Null
                && let Some(known) = bound.value(name)
            {
                *value = known.clone();
            }
        }
    }

    /// Whether a partial match of this key may bind that: a joined variable keeps its value.
    pub(crate) fn permits(&self, bound: &Bound) -> bool {
        let known = self.names.iter().zip(&self.values);
        known
            .filter(|(_, value)| **value != Value::Null)
            .all(|(name, value)| bound.value(name).is_none_or(|other| other == value))
    }

    /// The values, in the order of the names.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The hash of one variable's text; none if it is not bound.
    pub(crate) fn hash(&self, variable: usize) -> Option<u64> {
        match self.values.get(variable)? {
            Value::Null => None,
            value => Some(hash(&text(value))),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

/// FNV-1a, 64 bits. It only spreads partial matches over shelves, and there are few of them, so
/// that who chooses values for bad spreading wins nothing but a look at each.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
