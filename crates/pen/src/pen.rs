//! One personal event network: rulesets, channels, variables, schedule; event to outcome.
//!
//! The crate knows no language and no peer. A language implements [`language::Language`] and
//! [`language::Program`]; the engine wires them.

mod channel;
mod transaction;
pub mod language;

pub use channel::{Channel, ChannelId, Policy, Rule};
pub use transaction::{Ending, Transaction};
