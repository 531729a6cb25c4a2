//! What rulesets mean, checked from outside: source and event in, what the rule wants out.

mod compile_errors;
mod rules;
mod world;
