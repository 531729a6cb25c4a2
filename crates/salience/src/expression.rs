//! What a rule waits for.

use std::{collections::BTreeSet, ops::Bound, sync::Arc, time::Duration};

use regex::Regex;
use stratus_event::Name;

use crate::{Instant, Symbol};

/// An event expression: `select when …`, compiled.
///
/// An event moves at most one primitive of a sequence, and in [`Expression::And`] and
/// [`Expression::Any`] at most one of the parts: the first, in textual order, that it moves.
#[derive(Clone, Debug)]
pub enum Expression {
    /// The second before the first, the third before the second: a sequence told backwards.
    After(Vec<Expression>),
    /// All of them, in any order.
    And(Vec<Expression>),
    /// So many of them, in any order, each once.
    Any(usize, Vec<Expression>),
    /// One after the other; other events may come between.
    Before(Vec<Expression>),
    /// The middle one after the first and before the last; complete with the last.
    Between(Box<Between>),
    /// Every so-manieth event.
    Count(Occurrences),
    /// The first and then the last, without the middle one between; complete with the last.
    NotBetween(Box<Between>),
    /// Any one of them. When some have begun, the others wait until these are complete or undone.
    Or(Vec<Expression>),
    /// One event.
    Primitive(Primitive),
    /// The so-manieth event and each one after it. An event of the symbol that fails a filter or
    /// the condition begins the count anew, as in pico-engine and KRE.
    Repeat(Occurrences),
    /// One after the other, and no other event that the rule knows between.
    Then(Vec<Expression>),
    /// All of it within a time, the end included: there must be a first event from which on the
    /// expression is complete in time, even if an earlier one began it in vain.
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
    /// What the condition wants of numbers, for the index: where one of them does not hold, the
    /// condition must not hold either, and would have nothing to say. None of them need be here.
    pub intervals: Vec<Interval>,
    /// The variables of other events that this one is tested against.
    pub joins: Vec<Join>,
    /// The time that must come, if this is no event ([`Primitive::at`]).
    pub instant: Option<Instant>,
}

/// An attribute's number lies between two others.
///
/// A text that is written as a decimal number has that number; zero is the number of the empty
/// text, of null and of what is missing. Of other attributes nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The attribute.
    pub attribute: Name,
    /// Where the interval begins.
    pub low: Bound<f64>,
    /// Where it ends.
    pub high: Bound<f64>,
}

/// A variable that another event of the expression binds and that decides whether this one fits.
///
/// An expression with a join keeps a partial match for each distinct value of the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The variable.
    pub variable: Name,
    /// The attribute that must be equal to it, as text; it is equal to no variable that is not
    /// bound, or bound to null. None: only the condition says what must hold, and partial matches
    /// cannot be found by the value.
    pub attribute: Option<Name>,
}

/// A test on one attribute, as text. A missing attribute is tested as the empty text, as
/// pico-engine does.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The attribute.
    pub attribute: Name,
    /// What its text must contain. Flags must stand in its text, as in `(?i)stop`: the index reads
    /// nothing else of it. Shared, because a copy of a [`Regex`] takes room of its own.
    pub pattern: Arc<Regex>,
}

/// Three expressions, of which one is, or is not, between the others.
#[derive(Clone, Debug)]
pub struct Between {
    /// What comes first.
    pub first: Expression,
    /// What comes, or does not come, between.
    pub middle: Expression,
    /// What comes last.
    pub last: Expression,
}

/// The same event several times.
#[derive(Clone, Debug)]
pub struct Occurrences {
    /// How many times, at most [`OCCURRENCES_MAX`]. Zero times never happen.
    pub times: usize,
    /// Which event.
    pub primitive: Primitive,
    /// What is made of the captures of all of them.
    pub aggregate: Option<Aggregate>,
}

/// One value out of the captures of several events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Which value.
    pub function: Function,
    /// The variables that take the values: the first that of the first captures, and so on.
    pub setting: Vec<Name>,
}

/// What an aggregate computes. All but `Push` take captures as numbers, and what is none as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The mean.
    Average,
    /// The greatest.
    Maximum,
    /// The least.
    Minimum,
    /// A list of them all, the oldest first.
    Push,
    /// The sum.
    Sum,
}

/// A length of time.
pub type Period = Duration;

/// The most occurrences that [`Expression::Count`] and [`Expression::Repeat`] can ask for.
pub const OCCURRENCES_MAX: usize = 1000;

/// The most primitives that an expression can have.
pub const PRIMITIVES_MAX: usize = 256;

/// How deep operators can be nested.
pub const DEPTH_MAX: usize = 32;

/// Why an expression cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Operators are nested more than [`DEPTH_MAX`] deep.
    #[error("operators are nested more than {DEPTH_MAX} deep")]
    Depth,
    /// An operator lacks its parts, or asks for more of them than it has.
    #[error("an operator asks for {wanted} of {given} events")]
    Parts {
        /// How many it asks for.
        wanted: usize,
        /// How many it has.
        given: usize,
    },
    /// There are more than [`PRIMITIVES_MAX`] primitives.
    #[error("there are more than {PRIMITIVES_MAX} events")]
    Primitives,
    /// More than [`OCCURRENCES_MAX`] occurrences, or none.
    #[error("{times} occurrences are not between 1 and {OCCURRENCES_MAX}")]
    Times {
        /// How many.
        times: usize,
    },
}

impl Expression {
    /// Whether the expression is within the bounds and complete.
    pub fn check(&self) -> Result<(), ExpressionError> {
        let mut primitives = 0;
        self.check_part(0, &mut primitives)
    }

    fn check_part(&self, depth: usize, primitives: &mut usize) -> Result<(), ExpressionError> {
        if depth > DEPTH_MAX {
            return Err(ExpressionError::Depth);
        }
        self.check_numbers()?;
        let parts = self.parts();
        *primitives += usize::from(parts.is_empty());
        if *primitives > PRIMITIVES_MAX {
            return Err(ExpressionError::Primitives);
        }
        parts
            .into_iter()
            .try_for_each(|part| part.check_part(depth + 1, primitives))
    }

    fn check_numbers(&self) -> Result<(), ExpressionError> {
        let given = self.parts().len();
        let wanted = match self {
            Self::Any(wanted, _) => *wanted,
            Self::After(_) | Self::And(_) | Self::Before(_) | Self::Or(_) | Self::Then(_) => 1,
            Self::Count(Occurrences { times, .. }) | Self::Repeat(Occurrences { times, .. }) => {
                let possible = (1..=OCCURRENCES_MAX).contains(times);
                return if possible {
                    Ok(())
                } else {
                    Err(ExpressionError::Times { times: *times })
                };
            }
            _ => return Ok(()),
        };
        let possible = (1..=given).contains(&wanted);
        if possible {
            Ok(())
        } else {
            Err(ExpressionError::Parts { wanted, given })
        }
    }

    /// The expressions of which this one is made, in the order in which they come into play.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::After(parts) => parts.iter().rev().collect(),
            Self::And(parts)
            | Self::Any(_, parts)
            | Self::Before(parts)
            | Self::Or(parts)
            | Self::Then(parts) => parts.iter().collect(),
            Self::Between(between) | Self::NotBetween(between) => {
                vec![&between.first, &between.middle, &between.last]
            }
            Self::Count(_) | Self::Primitive(_) | Self::Repeat(_) => Vec::new(),
            Self::Within(part, _) => vec![part],
        }
    }

    /// How many of [`Self::parts`] may come first.
    fn openings(&self) -> usize {
        match self {
            Self::After(_)
            | Self::Before(_)
            | Self::Between(_)
            | Self::NotBetween(_)
            | Self::Then(_) => 1,
            _ => usize::MAX,
        }
    }

    /// The event that this expression is, if it has no parts.
    fn primitive(&self) -> Option<&Primitive> {
        match self {
            Self::Count(occurrences) | Self::Repeat(occurrences) => Some(&occurrences.primitive),
            Self::Primitive(primitive) => Some(primitive),
            _ => None,
        }
    }

    /// What this counts, if it does: `count`, `repeat`, and these within a time.
    pub(crate) fn as_occurrences(&self) -> Option<&Occurrences> {
        match self {
            Self::Count(occurrences) | Self::Repeat(occurrences) => Some(occurrences),
            Self::Within(part, _) if !matches!(**part, Self::Within(..)) => part.as_occurrences(),
            _ => None,
        }
    }

    /// All its primitives, in the order in which they come into play.
    pub fn primitives(&self) -> Vec<&Primitive> {
        match self.primitive() {
            Some(primitive) => vec![primitive],
            None => self
                .parts()
                .into_iter()
                .flat_map(Self::primitives)
                .collect(),
        }
    }

    /// The variables that aggregates bind.
    pub(crate) fn aggregated(&self) -> Vec<&Name> {
        match self {
            Self::Count(occurrences) | Self::Repeat(occurrences) => {
                let aggregate = occurrences.aggregate.iter();
                aggregate.flat_map(|aggregate| &aggregate.setting).collect()
            }
            _ => self
                .parts()
                .into_iter()
                .flat_map(Self::aggregated)
                .collect(),
        }
    }

    /// The primitives that may come first.
    pub(crate) fn openers(&self) -> Vec<&Primitive> {
        let parts = self.parts().into_iter().take(self.openings());
        match self.primitive() {
            Some(primitive) => vec![primitive],
            None => parts.flat_map(Self::openers).collect(),
        }
    }

    /// The opener of that number, which counts down to it on the way.
    pub(crate) fn opener(&self, number: &mut u32) -> Option<&Primitive> {
        let Some(primitive) = self.primitive() else {
            let mut parts = self.parts().into_iter().take(self.openings());
            return parts.find_map(|part| part.opener(number));
        };
        let earlier = number.checked_sub(1);
        *number = earlier.unwrap_or_default();
        earlier.is_none().then_some(primitive)
    }

    /// Whether an event that matches none of its primitives cannot change how far it is.
    pub(crate) fn is_patient(&self) -> bool {
        !matches!(self, Self::Repeat(_) | Self::Then(_))
            && self.parts().iter().all(|part| part.is_patient())
    }

    /// Collects the symbols of all primitives, and those that may come first.
    pub(crate) fn collect(
        &self,
        first: bool,
        start: &mut BTreeSet<Symbol>,
        all: &mut BTreeSet<Symbol>,
    ) {
        if let Some(primitive) = self.primitive() {
            all.insert(primitive.symbol.clone());
            if first {
                start.insert(primitive.symbol.clone());
            }
        }
        let openings = self.openings();
        for (place, part) in self.parts().into_iter().enumerate() {
            part.collect(first && place < openings, start, all);
        }
    }
}
