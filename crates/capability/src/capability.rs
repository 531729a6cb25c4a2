//! A grant: the capability token. Signed by a channel's key, held by one other key, limited,
//! expiring, revocable.
//!
//! The subscriber makes a channel and [`mint`]s a grant with the channel's key; the publisher
//! [`prove`]s that he holds it. A [`Grant`] exists only verified: reading is checking. What the
//! bytes are and in which order they are checked stands in `spec/capability.md`.
//!
//! The crate is pure: time is an argument, and so is all that is random.

mod claims;
mod error;
mod grant;
mod identity;
mod key;
mod meter;
mod proof;
mod scope;
mod sentence;
mod sign1;
mod terms;

pub use error::GrantError;
pub use grant::{CLOCK_SKEW_SECONDS_MAX, GRANT_BYTES_MAX, Grant, mint};
pub use identity::{GrantHash, GrantId, HolderKey};
pub use key::{CHANNEL_KEY, HOLDER_KEY, SigningKey};
pub use meter::Meter;
pub use proof::{check_proof, prove};
pub use scope::{Limit, Match, Permit, SCOPE_BYTES_MAX, Scope, ScopeError};
pub use terms::{Rate, Terms};
