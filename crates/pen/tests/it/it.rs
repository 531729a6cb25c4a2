//! A PEN with rules that are closures.

#![cfg(test)]

mod bounds;
mod ruleset;
mod state;
mod transaction;
