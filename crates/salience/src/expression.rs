//! What a rule waits for.

use std::{collections::BTreeSet, time::Duration};

use regex::Regex;
use stratus_event::Name;

/// An event expression: `select when …`, compiled.
///
/// Only what the index and the automata carry today is here; the other operators of KRL become
/// further variants (`Then`, `Between`, `Any`, `Count`, `Repeat`, nested `Within`).
#[derive(Clone, Debug)]
pub enum Expression {
    /// All of them, in any order.
    And(Vec<Expression>),
    /// One after the other; other events may come between.
    Before(Vec<Expression>),
    /// Any one of them.
    Or(Vec<Expression>),
    /// One event.
    Primitive(Primitive),
    /// All of it within a time, counted from the first event that matched.
    Within(Box<Expression>, Period),
}

/// One event: its symbol, its filters, what it binds, its condition.
#[derive(Clone, Debug)]
pub struct Primitive {
    /// Which events come into question.
    pub symbol: Symbol,
    /// Tests on attributes, all of which must hold.
    pub filters: Vec<Filter>,
    /// Variables that take the filters' captures, in order.
    pub setting: Vec<Name>,
    /// The number of the `where` predicate, in the language's own counting.
    pub condition: Option<usize>,
}

/// Which events a primitive is about; none means any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// The event's domain.
    pub domain: Option<Name>,
    /// The event's type.
    pub kind: Option<Name>,
}

/// A test on one attribute, as text. A missing attribute is tested as the empty text, as
/// pico-engine does.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The attribute.
    pub attribute: Name,
    /// What its text must contain.
    pub pattern: Regex,
}

/// A length of time.
pub type Period = Duration;

impl Expression {
    /// Collects the symbols of all primitives, and those that may come first.
    pub(crate) fn collect(
        &self,
        first: bool,
        start: &mut BTreeSet<Symbol>,
        all: &mut BTreeSet<Symbol>,
    ) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts
                    .iter()
                    .for_each(|part| part.collect(first, start, all));
            }
            Self::Before(parts) => {
                for (place, part) in parts.iter().enumerate() {
                    part.collect(first && place == 0, start, all);
                }
            }
            Self::Primitive(primitive) => {
                all.insert(primitive.symbol.clone());
                if first {
                    start.insert(primitive.symbol.clone());
                }
            }
            Self::Within(part, _) => part.collect(first, start, all),
        }
    }
}
