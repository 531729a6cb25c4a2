//! Invites and the pairings that come of them, as both nodes keep them.

use std::fmt;

use sha2::{Digest, Sha256};
use stratus_capability::HolderKey;
use stratus_event::{Eci, Name, Timestamp};

use crate::NodeId;

/// Names a subscription; the same at both ends, because it is derived from the invite's id and the
/// redeemer's holder key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub [u8; 16]);

impl SubscriptionId {
    /// The subscription that comes of it when this holder redeems this invite.
    pub fn derive(invite: &[u8; 16], holder: &HolderKey) -> Self {
        let hasher = Sha256::new_with_prefix("stratus subscription id v1");
        let hash: [u8; 32] = hasher
            .chain_update(invite)
            .chain_update(holder.0)
            .finalize()
            .into();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        Self(id)
    }
}

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

/// An invite that this node made. Its debug form leaves out the secret and the link.
#[derive(Clone, PartialEq)]
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

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite")
            .field("id", &u128::from_be_bytes(self.id))
            .field("name", &self.name)
            .field("role_mine", &self.role_mine)
            .field("role_theirs", &self.role_theirs)
            .field("offered", &self.offered)
            .field("wanted", &self.wanted)
            .field("expires", &self.expires)
            .field("uses_max", &self.uses_max)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// One use of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The key to which the inviting PEN granted.
    pub holder: HolderKey,
    /// The subscription that came of it.
    pub subscription: SubscriptionId,
}

/// A pairing that this node began with somebody's invite. Its debug form leaves out the link.
#[derive(Clone, PartialEq)]
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

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing")
            .field("subscription", &self.subscription)
            .field("name", &self.name)
            .field("node", &self.node)
            .field("addresses", &self.addresses)
            .field("rx", &self.rx)
            .field("since", &self.since)
            .field("confirming", &self.confirming.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_keeps_the_secret() {
        let invite = Invite {
            id: [1; 16],
            secret: [0xab; 32],
            name: "Ada".into(),
            role_mine: "class".into(),
            role_theirs: "assistant".into(),
            offered: vec![],
            wanted: vec![],
            expires: Timestamp(0),
            uses_max: 1,
            used: vec![],
            link: "stratus:hush".into(),
        };
        let text = format!("{invite:?}");
        assert!(
            text.contains("Ada") && !text.contains("hush") && !text.contains("171"),
            "{text}"
        );
    }

    #[test]
    fn a_subscription_depends_on_invite_and_holder() {
        let id = SubscriptionId::derive(&[1; 16], &HolderKey([2; 32]));
        assert_eq!(id, SubscriptionId::derive(&[1; 16], &HolderKey([2; 32])));
        assert_ne!(id, SubscriptionId::derive(&[2; 16], &HolderKey([2; 32])));
        assert_ne!(id, SubscriptionId::derive(&[1; 16], &HolderKey([1; 32])));
    }
}
