//! The JSON shapes, one per thing. The command line's `--json` prints the same ones.
//!
//! Times are RFC 3339 in UTC, identifiers as people write them, symbols `domain:type`.

mod account;
mod answer;
mod cloud_event;
mod journal;
mod legacy;
mod listing;
mod pages;
mod request;
mod ruleset;
mod why;

pub use account::{
    Account, Kept, KeptList, Link, LogIn, MakeAccount, MakeToken, NewToken, Scope, Session,
    SetPassword,
};
pub use answer::{Directive, Invited, Paired, Problem, Raised, Status, StatusPen};
pub use cloud_event::CloudEvent;
pub use journal::{
    Cause, Effect, Event, Failure, Journal, JournalEntry, Log, Outcome, Run, Saw, Trim, Trimmed,
};
pub use legacy::{Episode, LegacyDirective, LegacyMeta};
pub(crate) use listing::hexadecimal;
pub use listing::{Channel, Invite, Pen, Subscription, Timer};
pub use pages::{Accounts, Channels, Invites, Rulesets, Subscriptions, Timers};
pub use request::{ChangeChannel, Legacy, MakeChannel, MakeInvite, Pair, Query, Raise, Rate, Wait};
pub(crate) use ruleset::digits;
pub use ruleset::{
    Flush, Flushed, Install, Installed, NotFlushed, Permissions, Review, Reviewed, RollBack,
    Ruleset, Version,
};
pub use why::{Caused, Done, Happening, RuleWhy, Settled, Why, Woken};

/// An object of JSON.
pub type Object = serde_json::Map<String, serde_json::Value>;
