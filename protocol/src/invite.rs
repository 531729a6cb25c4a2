//! Invites and the pairings that come of them, as both nodes keep them.

use std::fmt;

use stratus_capability::HolderKey;
use stratus_event::{Eci, Name, Timestamp};

use crate::NodeId;

/// Names a subscription; the same at both ends, because it is derived from the invite's id and the
/// redeemer's holder key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub [u8; 16]);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubscriptionId({self})")
    }
}

/// An invite that this node made.
#[derive(Clone, Debug, PartialEq)]
pub struct Invite {
    /// Random; public.
    pub id: [u8; 16],
    /// Random; knowing it is the consent. Never logged.
    pub secret: [u8; 32],
    /// What the partner is called at the inviting node.
    pub name: String,
    /// The part that the inviting PEN plays.
    pub role_mine: String,
    /// The part that the partner plays.
    pub role_theirs: String,
    /// Events that the partner may send to the inviting PEN.
    pub offered: Vec<(Name, Name)>,
    /// Events that the partner must let the inviting PEN send.
    pub wanted: Vec<(Name, Name)>,
    /// When it ends.
    pub expires: Timestamp,
    /// How many may use it.
    pub uses_max: u32,
    /// Who has used it.
    pub used: Vec<Redemption>,
    /// What the partner was given.
    pub link: String,
}

/// One use of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The key to which the inviting PEN granted.
    pub holder: HolderKey,
    /// The subscription that came of it.
    pub subscription: SubscriptionId,
}

/// A pairing that this node began with somebody's invite.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    /// The subscription that will come of it.
    pub subscription: SubscriptionId,
    /// The invite's link.
    pub link: String,
    /// What the partner is called here.
    pub name: String,
    /// The inviting node.
    pub node: NodeId,
    /// Where it can be reached.
    pub addresses: Vec<String>,
    /// The channel that was made for the partner.
    pub rx: Eci,
    /// When it was begun.
    pub since: Timestamp,
    /// The grant that was given in return, once the partner has granted; it is sent until the
    /// partner says that it is durable there.
    pub confirming: Option<Vec<u8>>,
}
