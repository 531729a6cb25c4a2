//! One test binary over the real `stratus` program, and over the tree itself.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod accounts;
mod bad_input;
mod channel;
mod door;
mod http;
mod keep;
mod kill;
mod pairing;
mod power;
mod program;
mod random;
mod recorded;
mod rulesets;
mod sabotage;
mod story;
mod tidy;
mod tutorial;
mod up;
mod why;
mod wild;
