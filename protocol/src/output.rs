//! All that a federation asks of its owner and of the transport.

use stratus_capability::{Grant, GrantHash, GrantId, HolderKey};
use stratus_event::{Eci, Event, Fault, Timestamp};

use crate::{NodeId, SubscriptionId};

/// What [`crate::Federation::poll`] hands out.
#[derive(Clone, Debug)]
pub enum Output {
    /// The partner made all events up to this one durable, or made durable that they are rejected
    /// (each of those is told by [`Output::Rejected`] before). They can leave the outbox.
    Acked {
        /// Under which grant.
        grant: GrantHash,
        /// The last such event.
        through: u64,
    },
    /// Close the stream to that node. What was sent before should still go out.
    Close {
        /// The node.
        peer: NodeId,
    },
    /// The redeemer of an invite granted in return. The signature is verified; whether the
    /// subscription is known, this node redeemed it and the holder is the one that was asked for
    /// is for the owner to check. Repeated until [`crate::Federation::establish`] or
    /// [`crate::Federation::refuse_pairing`] is said.
    Confirmed {
        /// The redeeming node.
        peer: NodeId,
        /// The subscription.
        subscription: SubscriptionId,
        /// The grant that this node now holds.
        grant: Grant,
    },
    /// A new event, verified, in order under its grant. The owner answers with
    /// [`crate::Federation::accepted`] or [`crate::Federation::rejected`] once that is durable.
    Deliver {
        /// Who sent it.
        peer: NodeId,
        /// The channel.
        eci: Eci,
        /// The grant.
        grant: GrantId,
        /// Its number under that grant.
        sequence: u64,
        /// The event.
        event: Event,
    },
    /// Open a connection to that node. Answered by [`crate::Federation::handle_connected`] or
    /// [`crate::Federation::handle_dial_failed`].
    Dial {
        /// The node.
        peer: NodeId,
        /// Where it may be, the most likely first. Can be empty.
        addresses: Vec<String>,
    },
    /// The inviting node made the subscription durable: the pairing is done at both ends.
    Established {
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// Something that a person who looks for an error wants to see: what a peer did wrong, or says
    /// that this node did. For the log; nothing has to be done.
    Fault {
        /// The peer.
        peer: NodeId,
        /// What.
        fault: Fault,
    },
    /// The inviting node granted. Verified: it is for the holder key that was given to
    /// [`crate::Federation::redeem`], and in force.
    Granted {
        /// The subscription.
        subscription: SubscriptionId,
        /// The grant that this node now holds.
        grant: Grant,
        /// The key to which this node is to grant in return.
        holder: HolderKey,
        /// The inviting node.
        peer: NodeId,
    },
    /// The partner no longer honours a grant: final. Nothing more is sent under it.
    Lost {
        /// Which.
        grant: GrantHash,
        /// Why: a stable code.
        code: String,
    },
    /// A pairing came to a bad end.
    PairingFailed {
        /// Which.
        subscription: SubscriptionId,
        /// Why.
        fault: Fault,
    },
    /// Somebody redeems an invite. The proof, the end and the number of uses are checked. Comes
    /// again for each repetition by the same holder, which the owner answers alike. The owner
    /// refuses a holder that another node used before.
    Redeemed {
        /// The redeeming node.
        peer: NodeId,
        /// The invite's id.
        invite: [u8; 16],
        /// The key to which to grant.
        holder: HolderKey,
        /// The subscription that this makes.
        subscription: SubscriptionId,
        /// What the redeeming node calls itself.
        name: Option<String>,
        /// Where it can be reached.
        addresses: Vec<String>,
    },
    /// An event came that its grant does not allow, or that cannot be read. Its number is taken:
    /// the owner makes durable that it is refused, in order with what is delivered, and says
    /// [`crate::Federation::rejected`].
    Refuse {
        /// Who sent it.
        peer: NodeId,
        /// The channel.
        eci: Eci,
        /// The grant.
        grant: GrantId,
        /// Its number under that grant.
        sequence: u64,
        /// Why: a stable code.
        code: String,
    },
    /// The partner made durable that it refuses this event. It can leave the outbox.
    Rejected {
        /// Under which grant.
        grant: GrantHash,
        /// The event's number.
        sequence: u64,
        /// Why: a stable code.
        code: String,
    },
    /// Send one frame.
    Send {
        /// To whom.
        peer: NodeId,
        /// The frame, without its length.
        bytes: Vec<u8>,
    },
    /// Call [`crate::Federation::handle_wake`] at this time; replaces an earlier one.
    WakeAt(Timestamp),
    /// There is room again for events that did not fit into memory: say
    /// [`crate::Federation::send`] for all that wait from this number on.
    Wanted {
        /// Under which grant.
        grant: GrantHash,
        /// The first missing event.
        from: u64,
    },
}
