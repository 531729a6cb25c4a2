//! Event expressions: what stands after `select when`.

use super::{Expression, Identifier, Regexp, Span};

/// What a rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct EventExpression {
    /// Which form it has.
    pub kind: EventExpressionKind,
    /// All of it.
    pub span: Span,
}

/// The forms of an event expression.
#[derive(Clone, Debug, PartialEq)]
pub enum EventExpressionKind {
    /// `any N (a, b, c)`: that many different ones of them, in any order.
    Any(u32, Vec<EventExpression>),
    /// `at (time)`: that time has come; classic.
    At(Expression),
    /// `a between (b, c)`, and `a not between (b, c)` if negated.
    Between {
        /// What happens, or must not happen, between the other two.
        event: Box<EventExpression>,
        /// Whether it must not happen.
        negated: bool,
        /// What opens the time.
        start: Box<EventExpression>,
        /// What closes it.
        end: Box<EventExpression>,
    },
    /// `a before b` has two operands; `before(a, b, c)` has as many as stand there.
    Combined(EventOperator, Vec<EventExpression>),
    /// `count N (a) max(m)` and `repeat N (a) push(all)`.
    Counted {
        /// Whether it starts over after it has fired.
        quantifier: Quantifier,
        /// How many times the event must happen.
        number: u32,
        /// The event.
        event: Box<EventExpression>,
        /// What is computed of its captures.
        aggregate: Option<Aggregate>,
    },
    /// One event.
    Primitive(Primitive),
    /// `a within 5 minutes`.
    Within(Box<EventExpression>, Period),
}

/// One event: its domain and type, what its attributes must match, what is bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Primitive {
    /// The domain.
    pub domain: Identifier,
    /// The type.
    pub name: Identifier,
    /// Tests on attributes, all of which must hold.
    pub filters: Vec<AttributeFilter>,
    /// The variables that take the filters' captures, in order.
    pub setting: Vec<Identifier>,
    /// What must hold besides (`where`).
    pub condition: Option<Expression>,
    /// All of it.
    pub span: Span,
}

/// `name re#…#`.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeFilter {
    /// The attribute. Classic KRL may leave it out (`web pageview "/x"`); then the event's type
    /// has one that is meant.
    pub attribute: Option<Identifier>,
    /// What its text must contain.
    pub pattern: Regexp,
    /// Both.
    pub span: Span,
}

/// Operators that join event expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventOperator {
    /// The second, then the first; others may come between.
    After,
    /// All, in any order.
    And,
    /// The first, then the second; others may come between.
    Before,
    /// Any one.
    Or,
    /// The first, and directly after it the second.
    Then,
}

/// `count` or `repeat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantifier {
    /// Fires at the Nth event and counts from nothing again.
    Count,
    /// Fires at the Nth event and at each one after it.
    Repeat,
}

/// `max(m)`: what is computed of the captures of a counted event.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// What is computed.
    pub kind: AggregateKind,
    /// The variables that take the results, in the order of the captures.
    pub variables: Vec<Identifier>,
    /// All of it.
    pub span: Span,
}

/// The aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AggregateKind {
    /// The mean.
    Average,
    /// The greatest.
    Maximum,
    /// The least.
    Minimum,
    /// All of them, in a list.
    Push,
    /// The sum.
    Sum,
}

/// `5 minutes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// How many.
    pub amount: Expression,
    /// Of what.
    pub unit: TimeUnit,
    /// Both.
    pub span: Span,
}

/// Units of time, shortest first. A month has 30 days and a year 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// `second`, `seconds`.
    Second,
    /// `minute`, `minutes`.
    Minute,
    /// `hour`, `hours`.
    Hour,
    /// `day`, `days`.
    Day,
    /// `week`, `weeks`.
    Week,
    /// `month`, `months`.
    Month,
    /// `year`, `years`.
    Year,
}

impl TimeUnit {
    /// How long it is, in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
            Self::Month => 2_592_000,
            Self::Year => 31_536_000,
        }
    }
}
