//! Federation: bytes and time in; messages, deliveries and timers out.

mod invite;
mod node_id;

pub use invite::{Invite, Pairing, Redemption, SubscriptionId};
pub use node_id::{NodeId, NodeIdError};
