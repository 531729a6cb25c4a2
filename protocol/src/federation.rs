//! The state machine.

mod pairing;
mod receiving;
mod sending;
mod stream;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use stratus_capability::{Grant, GrantHash, GrantId, HolderKey, SigningKey};
use stratus_event::{Eci, Event, Fault, Timestamp};

use crate::{
    Config, Invite, NodeId, Output, Pairing, SubscriptionId, explain,
    message::{ADDRESS_BYTES_MAX, ADDRESSES_MAX, is_code},
    peer::Peer,
    session_in::Inbound,
    session_out,
    session_out::Outbound,
};
use pairing::{Given, Offer, Redeeming};

/// One node's part in the protocol.
///
/// The transport says what happens with the `handle_` methods; it keeps at most one stream per
/// peer. The owner says with the other methods what is durable; all of them can be repeated. After
/// every call the owner takes all [`Output`]s with [`Self::poll`] until there is none.
pub struct Federation {
    config: Config,
    random: ChaCha20Rng,
    /// The latest time that anybody told.
    now: Timestamp,
    /// Where this node can be reached.
    addresses: Vec<String>,
    peers: BTreeMap<NodeId, Peer>,
    /// How many of them have a stream.
    streams: usize,
    inbound: BTreeMap<(Eci, GrantId), Inbound>,
    /// The same by the hash of the grant.
    admitted: BTreeMap<GrantHash, (Eci, GrantId)>,
    /// And to whom to tell it, if that is known.
    revoked: BTreeMap<(Eci, GrantId), Option<NodeId>>,
    outbound: BTreeMap<GrantHash, Outbound>,
    invites: BTreeMap<[u8; 16], Offer>,
    /// Pairings as the redeemer.
    pairings: BTreeMap<SubscriptionId, Redeeming>,
    /// Pairings as the inviter, granted and not yet established.
    given: BTreeMap<SubscriptionId, Given>,
    outputs: VecDeque<Output>,
    /// Grants under which there may be something to send.
    ready: BTreeSet<GrantHash>,
    /// Grants under which something became durable.
    acks: BTreeSet<(Eci, GrantId)>,
    timers: BTreeSet<(Timestamp, Timer)>,
    /// The last [`Output::WakeAt`] that is still to come.
    wake: Option<Timestamp>,
}

/// A grant that this node gave.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The grant.
    pub grant: Grant,
    /// The last event under it that is durable here, accepted or refused; 0 if there is none.
    pub through: u64,
    /// The latest of those that were refused, and why, oldest first.
    pub refused: Vec<(u64, String)>,
    /// Where its holder is.
    pub peer: NodeId,
}

/// A grant that this node may use.
#[derive(Clone, Debug)]
pub struct Held {
    /// The grant.
    pub grant: Grant,
    /// The holder's key.
    pub key: SigningKey,
    /// The node that gave it.
    pub peer: NodeId,
    /// Where that node may be.
    pub addresses: Vec<String>,
}

/// What there is to look at when its time comes. One that is out of date does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A grant under which sending was paused.
    Grant(GrantHash),
    /// A pairing whose last step was not answered.
    Pairing(SubscriptionId),
    /// A peer that dials, waits or has not introduced itself.
    Peer(NodeId),
}

impl Federation {
    /// A node without grants, invites and streams. The seed gives nonces and jitter; it must be a
    /// new one for each start.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        Self {
            config,
            random: ChaCha20Rng::from_seed(seed),
            now: Timestamp::default(),
            addresses: Vec::new(),
            peers: BTreeMap::new(),
            streams: 0,
            inbound: BTreeMap::new(),
            admitted: BTreeMap::new(),
            revoked: BTreeMap::new(),
            outbound: BTreeMap::new(),
            invites: BTreeMap::new(),
            pairings: BTreeMap::new(),
            given: BTreeMap::new(),
            outputs: VecDeque::new(),
            ready: BTreeSet::new(),
            acks: BTreeSet::new(),
            timers: BTreeSet::new(),
            wake: None,
        }
    }

    /// The nodes with which there is a stream on which both sides have introduced themselves.
    pub fn connected(&self) -> impl Iterator<Item = NodeId> {
        self.peers
            .iter()
            .filter(|(_, peer)| peer.nonces().is_some())
            .map(|(node, _)| *node)
    }

    /// Whether an event is small and flat enough to be sent: else `event-oversize`. To be asked
    /// before an event gets its number; what the grant permits is another question.
    pub fn fits(&self, event: &Event) -> Result<(), Fault> {
        if session_out::fits(&self.config, event) {
            return Ok(());
        }
        Err(explain("event-oversize"))
    }

    /// How many events wait in memory under a grant that this node uses.
    pub fn waiting(&self, grant: GrantHash) -> usize {
        self.outbound.get(&grant).map_or(0, Outbound::len)
    }

    /// This node can be reached at these addresses; they are told in each Hello from now on. Only
    /// the first 16 are, and none that is longer than 256 bytes.
    pub fn handle_addresses(&mut self, mut addresses: Vec<String>) {
        addresses.retain(|address| address.len() <= ADDRESS_BYTES_MAX);
        addresses.truncate(ADDRESSES_MAX);
        self.addresses = addresses;
    }

    /// A stream to that node is open. It replaces an earlier one.
    pub fn handle_connected(&mut self, now: Timestamp, peer: NodeId) {
        self.tick(now);
        self.stream_opened(peer);
    }

    /// The node could not be dialled.
    pub fn handle_dial_failed(&mut self, now: Timestamp, peer: NodeId) {
        self.tick(now);
        self.dial_failed(peer);
    }

    /// The stream to that node is gone, and what was in it.
    pub fn handle_disconnected(&mut self, now: Timestamp, peer: NodeId) {
        self.tick(now);
        self.stream_closed(peer);
    }

    /// One frame came from that node.
    pub fn handle_received(&mut self, now: Timestamp, peer: NodeId, bytes: &[u8]) {
        self.tick(now);
        self.frame_came(peer, bytes);
    }

    /// The time of [`Output::WakeAt`] has come. A spurious call does nothing.
    pub fn handle_wake(&mut self, now: Timestamp) {
        self.tick(now);
        self.wake = None;
        while let Some((at, timer)) = self.timers.first().copied()
            && at <= self.now
        {
            self.timers.pop_first();
            match timer {
                Timer::Grant(grant) => _ = self.ready.insert(grant),
                Timer::Pairing(subscription) => self.pairing_due(subscription),
                Timer::Peer(peer) => self.peer_due(peer),
            }
        }
    }

    /// Events may come under this grant. Said again, it only moves what is durable up.
    pub fn admit(&mut self, admitted: Admitted) {
        let key = (admitted.grant.eci(), admitted.grant.id());
        if self.revoked.contains_key(&key) {
            return;
        }
        self.admitted.insert(admitted.grant.hash(), key);
        let new = || Inbound::new(admitted.grant, admitted.peer);
        let inbound = self.inbound.entry(key).or_insert_with(new);
        let refused = admitted
            .refused
            .into_iter()
            .filter(|(_, code)| is_code(code));
        inbound.restore(admitted.through, refused.collect());
    }

    /// No event comes under this grant any more, from this call on. The partner is told at once if
    /// there is a stream, and whenever a new stream opens or the grant is proved again. After a
    /// start, say [`Self::admit`] first, so that it is known whom to tell.
    pub fn revoke(&mut self, now: Timestamp, eci: Eci, grant: GrantId) {
        self.tick(now);
        self.revoke_grant((eci, grant));
    }

    /// This node may send under this grant. Said again, it only learns addresses.
    pub fn hold(&mut self, now: Timestamp, held: Held) {
        self.tick(now);
        self.hold_grant(held);
    }

    /// This node does not send under this grant any more; what waits is forgotten.
    pub fn release(&mut self, grant: GrantHash) {
        self.release_grant(grant);
    }

    /// Send an event under a grant that is held. Numbers begin at any and go up by one. The event
    /// is kept until it is answered by [`Output::Acked`] or [`Output::Rejected`]; if there is no
    /// room for it, [`Output::Wanted`] asks for it later.
    pub fn send(&mut self, now: Timestamp, grant: GrantHash, sequence: u64, event: &Event) {
        self.tick(now);
        if let Some(outbound) = self.outbound.get_mut(&grant) {
            outbound.push(&self.config, sequence, event);
            self.ready.insert(grant);
        }
    }

    /// It is durable here that this event, and all before it, were accepted: the acknowledgement
    /// may leave.
    pub fn accepted(&mut self, eci: Eci, grant: GrantId, sequence: u64) {
        self.event_accepted((eci, grant), sequence);
    }

    /// It is durable here that this event is refused, and that all before it were accepted or
    /// refused: the sender may be told.
    pub fn rejected(&mut self, eci: Eci, grant: GrantId, sequence: u64, code: String) {
        self.event_rejected((eci, grant), sequence, code);
    }

    /// The store failed: what was delivered above this number is forgotten, and asked for again.
    pub fn rewind(&mut self, eci: Eci, grant: GrantId, through: u64) {
        self.rewind_grant((eci, grant), through);
    }

    /// Somebody may redeem this invite. Said again, it replaces what was said.
    pub fn invite(&mut self, invite: Invite) {
        self.offer(invite);
    }

    /// Nobody may redeem this invite any more.
    pub fn withdraw(&mut self, invite: [u8; 16]) {
        self.invites.remove(&invite);
    }

    /// Begins a pairing with somebody's invite, or goes on with one. The key is the one to which
    /// the inviter is to grant.
    pub fn redeem(&mut self, now: Timestamp, pairing: &Pairing, holder_key: &SigningKey) {
        self.tick(now);
        self.begin_pairing(pairing, HolderKey(holder_key.public()));
    }

    /// As the inviter, in answer to [`Output::Redeemed`]: the grant for the redeemer is durable.
    /// `my_holder` is the key to which the redeemer is to grant.
    pub fn grant_redeemer(
        &mut self,
        peer: NodeId,
        subscription: SubscriptionId,
        grant: Vec<u8>,
        my_holder: HolderKey,
    ) {
        self.give(peer, subscription, grant, my_holder);
    }

    /// As the redeemer, in answer to [`Output::Granted`]: that grant and this one in return are
    /// durable.
    pub fn confirm(&mut self, now: Timestamp, subscription: SubscriptionId, my_grant: Vec<u8>) {
        self.tick(now);
        self.confirm_pairing(subscription, my_grant);
    }

    /// As the inviter, in answer to [`Output::Confirmed`]: the subscription is durable.
    pub fn establish(&mut self, peer: NodeId, subscription: SubscriptionId) {
        self.establish_pairing(peer, subscription);
    }

    /// As the inviter, in answer to [`Output::Redeemed`] or [`Output::Confirmed`]: there will be no
    /// subscription. The code is told to the redeemer.
    pub fn refuse_pairing(&mut self, peer: NodeId, subscription: SubscriptionId, code: &str) {
        self.refuse_redeemer(peer, subscription, code);
    }

    /// Forgets a pairing. If it is not done yet, the partner is told, if there is a stream.
    pub fn drop_pairing(&mut self, subscription: SubscriptionId) {
        self.forget_pairing(subscription);
    }

    /// What there is to do; none if all is said.
    pub fn poll(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.flush();
        }
        self.outputs.pop_front()
    }

    /// Acknowledgements and events gather until the owner polls, so that one frame says more.
    fn flush(&mut self) {
        self.flush_acks();
        while let Some(grant) = self.ready.pop_first() {
            self.pump(grant);
        }
        let next = self.timers.first().map(|(at, _)| *at);
        if let Some(at) = next
            && self.wake != next
        {
            self.wake = next;
            self.outputs.push_back(Output::WakeAt(at));
        }
    }

    /// Time does not run backwards here, whatever the clock does.
    fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// How many timers there are.
    #[cfg(test)]
    pub(crate) fn timers(&self) -> usize {
        self.timers.len()
    }

    fn after(&self, milliseconds: u64) -> Timestamp {
        self.now + std::time::Duration::from_millis(milliseconds)
    }
}

impl fmt::Debug for Federation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Federation")
            .field("node", &self.config.node)
            .field("peers", &self.peers.len())
            .field("inbound", &self.inbound.len())
            .field("outbound", &self.outbound.len())
            .finish_non_exhaustive()
    }
}
