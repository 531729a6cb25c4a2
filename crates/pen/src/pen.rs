//! One personal event network: rulesets, channels, variables, schedule; event to outcome.
//!
//! The crate knows no language and no peer. A language implements [`language::Language`] and
//! [`language::Program`]; the engine wires them.

mod bounds;
mod channel;
mod common;
mod cron;
mod evaluation;
mod installation;
mod instant;
mod judge;
pub mod language;
mod outcome;
mod overlay;
mod query;
mod rulesets;
pub mod sealed;
mod state;
mod transaction;
mod why;
mod wishes;

pub use bounds::Bounds;
pub use channel::{Bearer, Channel, ChannelId, Policy, Rule};
pub use common::Common;
pub use cron::{Cron, CronError};
pub use installation::Gone;
pub use outcome::{Answered, Asked, Done, Ending, Moved, Run, RunEnd, RunId, Stand, Wanted};
pub use query::{Query, QueryEnding};
pub use state::State;
pub use transaction::Transaction;
