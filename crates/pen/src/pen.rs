//! One personal event network: rulesets, channels, variables, schedule; event to outcome.
//!
//! The crate knows no language and no peer. A language implements [`language::Language`] and
//! [`language::Program`]; the engine wires them.

mod bounds;
mod channel;
mod evaluation;
mod judge;
pub mod language;
mod outcome;
mod overlay;
mod rulesets;
mod state;
mod transaction;

pub use bounds::Bounds;
pub use channel::{Channel, ChannelId, Policy, Rule};
pub use outcome::{Answered, Asked, Done, Ending, Moved, Run, RunEnd, RunId, Wanted};
pub use state::{Gone, State};
pub use transaction::Transaction;
