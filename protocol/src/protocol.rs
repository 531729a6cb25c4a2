//! Federation: bytes and time in; messages, deliveries and timers out.
//!
//! A [`Federation`] is one node's part in the protocol of `spec/protocol.md`, as a pure state
//! machine: it owns no socket, no clock and no file, and the same seed and the same calls give the
//! same outputs. An [`InviteLink`] is what one person gives another so that they can pair.

mod config;
mod fault;
mod federation;
mod invite;
mod link;
mod message;
mod node_id;
mod output;
mod peer;
mod session_in;
mod session_out;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use fault::explain;
pub use federation::{Admitted, Federation, Held};
pub use invite::{Invite, Pairing, Redemption, SubscriptionId};
pub use link::{InviteLink, LINK_BYTES_MAX};
pub use message::carries_events;
pub use node_id::{NodeId, NodeIdError};
pub use output::Output;
