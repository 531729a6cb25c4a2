//! Event expressions, and finding the rules that an event wakes.
//!
//! The crate knows no language: a language hands it compiled [`Expression`]s, and answers each
//! `where` through [`Conditions`], which may read and never ask.

mod advance;
mod armed;
mod automaton;
mod bindings;
mod excerpt;
mod expression;
mod index;
mod instant;
mod joins;
mod key;
mod occurrences;
mod patterns;
mod pieces;
mod primitive;
mod progress;
mod runs;
mod stage;
mod symbol;
mod why;
mod within;

pub use armed::Armed;
pub use automaton::{Automaton, Conditions, PARTIAL_MATCHES_MAX, Step};
pub use bindings::Bindings;
pub use expression::{
    Aggregate, Between, DEPTH_MAX, Expression, ExpressionError, Filter, Function, Interval, Join,
    OCCURRENCES_MAX, Occurrences, PRIMITIVES_MAX, Period, Primitive,
};
pub use index::{FilterPlace, Index, RulePlace, Woken};
pub use instant::{DAY_MS, Instant};
pub use patterns::{FORGOTTEN_MAX, Patterns};
pub use pieces::Piece;
pub use progress::{Progress, ProgressError};
pub use symbol::Symbol;
pub use why::{Did, Refusal, WAITING_SHOWN_MAX, Waiting, Why};
