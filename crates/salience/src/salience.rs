//! Event expressions, and finding the rules that an event wakes.
//!
//! The crate knows no language: a language hands it compiled [`Expression`]s, and answers each
//! `where` through [`Conditions`], which may read and never ask.

mod advance;
mod automaton;
mod bindings;
mod expression;
mod index;
mod occurrences;
mod primitive;
mod progress;
mod stage;
mod within;

pub use automaton::{Automaton, Conditions, Step};
pub use bindings::Bindings;
pub use expression::{
    Aggregate, Between, DEPTH_MAX, Expression, ExpressionError, Filter, Function, OCCURRENCES_MAX,
    Occurrences, PRIMITIVES_MAX, Period, Primitive, Symbol,
};
pub use index::{Index, RulePlace};
pub use progress::{Progress, ProgressError};
