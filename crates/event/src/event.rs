//! The nouns that every crate shares.
//!
//! An [`Event`] says what happened, never what to do. It carries a domain, a type (in Rust:
//! [`Event::kind`]), attributes, an id, a time and a cause. A [`Value`] is data as KRL and every
//! other language of a PEN sees it. A [`Fault`] is an error that a person may see: it has a stable
//! code, listed in `spec/errors.md`.
//!
//! The crate is pure: no clock, no file, no randomness of its own.

pub mod codec;
mod eci;
mod fault;
mod identity;
pub mod json;
mod map;
mod name;
mod time;
mod trie;
mod value;

pub use eci::{Eci, EciError};
pub use fault::{Fault, Whose};
pub use identity::{EventId, IdentityError, PenId};
pub use map::{Change, ENTRIES_INLINE_MAX, Map};
pub use name::{NAME_BYTES_MAX, Name, NameError};
pub use time::{Timestamp, TimestampError};
pub use value::{Number, Value};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Unique over all PENs.
    pub id: EventId,
    /// The first half of the event's symbol, such as `schedule`.
    pub domain: Name,
    /// The second half of the event's symbol, its type, such as `inquiry`.
    pub kind: Name,
    /// What is said about it. Insertion order is kept inside a PEN; on the wire keys are sorted.
    pub attributes: Map,
    /// When it was raised, by the clock of the node that raised it.
    pub time: Timestamp,
    /// The event whose rule raised this one; none for an event that came from outside.
    pub cause: Option<EventId>,
}

impl Event {
    /// The event's symbol as people write it: `domain:type`.
    pub fn symbol(&self) -> String {
        format!("{}:{}", self.domain, self.kind)
    }
}
