//! One personal event network: rulesets, channels, variables, schedule; event to outcome.
//!
//! The crate knows no language and no peer. A language implements [`language::Language`] and
//! [`language::Program`]; the engine wires them.

mod arrangement;
mod bounds;
mod channel;
mod common;
mod cron;
mod evaluation;
mod family;
mod installation;
mod instant;
mod judge;
pub mod language;
mod outcome;
mod overlay;
mod permission;
mod query;
mod rulesets;
mod sealed;
mod seed;
mod state;
mod terms;
mod transaction;
pub mod variable;
mod why;
mod wishes;

pub use arrangement::{Arrangement, NewPen};
pub use bounds::Bounds;
pub use channel::{Bearer, Channel, ChannelId, OWNER, Policy, Rule, SUBSCRIPTION, SYSTEM};
pub use common::Common;
pub use cron::{Cron, CronError};
pub use family::{Kin, Parent};
pub use installation::Gone;
pub use outcome::{
    Answered, Arranged, Asked, Done, Ending, Moved, Run, RunEnd, RunId, Stand, Wanted,
};
pub use permission::{Allowed, HTTP, Permissions, RULESET, host};
pub use query::{Query, QueryEnding};
pub use seed::Seed;
pub use state::State;
pub use terms::Terms;
pub use transaction::Transaction;
