//! Event expressions, and finding the rules that an event wakes.
//!
//! The crate knows no language: a language hands it compiled [`Expression`]s, and answers each
//! `where` through [`Conditions`], which may read and never ask.

mod expression;

pub use expression::{Expression, Filter, Period, Primitive, Symbol};

mod bindings;

pub use bindings::Bindings;
