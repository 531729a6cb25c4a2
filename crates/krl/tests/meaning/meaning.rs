//! What rulesets mean, checked from outside: source and event in, what the rule wants out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calendar;
mod compile_errors;
mod conformance;
mod context;
mod corpus;
#[path = "../../../krl-syntax/tests/common/deviations.rs"]
mod deviations;
mod formulas;
mod hostile;
mod joins;
mod keys;
mod mutated;
mod pages;
mod query;
mod record;
mod rules;
mod runtime_errors;
mod wants;
mod world;
