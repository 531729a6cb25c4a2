//! Event expressions, and finding the rules that an event wakes.
//!
//! The crate knows no language: a language hands it compiled [`Expression`]s, and answers each
//! `where` through [`Conditions`], which may read and never ask.

mod automaton;
mod bindings;
mod expression;
mod index;

pub use automaton::{Automaton, Conditions, Progress, Step};
pub use bindings::Bindings;
pub use expression::{Expression, Filter, Period, Primitive, Symbol};
pub use index::{Index, RulePlace};
