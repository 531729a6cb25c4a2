//! Another node, as this one knows it.

use std::collections::{BTreeMap, BTreeSet};

use stratus_capability::{GrantHash, GrantId};
use stratus_event::{Eci, Timestamp};

use crate::{SubscriptionId, message::ADDRESSES_MAX};

/// A node with which there is a stream, or to which there is something to say.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    /// Where it may be, the most likely first.
    pub(crate) addresses: Vec<String>,
    /// Dials and streams since the last that was of use.
    pub(crate) attempts: u32,
    /// The grants that are used towards it.
    pub(crate) held: BTreeSet<GrantHash>,
    /// The stream, or when there may be one.
    pub(crate) link: Link,
    /// How often it may still be dialled although nothing waits for it.
    pub(crate) greetings: u32,
    /// The pairings that were begun with its invites.
    pub(crate) pairings: BTreeSet<SubscriptionId>,
}

impl Peer {
    /// Addresses that the node itself told: they come first.
    pub(crate) fn told(&mut self, addresses: Vec<String>) {
        let known = std::mem::replace(&mut self.addresses, addresses);
        self.learn(known);
    }

    /// Addresses from elsewhere: they come last.
    pub(crate) fn learn(&mut self, addresses: Vec<String>) {
        for address in addresses {
            if self.addresses.len() < ADDRESSES_MAX && !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
    }

    /// The stream, if there is one.
    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.link {
            Link::Open(stream) => Some(stream),
            _ => None,
        }
    }

    /// The nonces of the stream, mine and theirs, once both have introduced themselves.
    pub(crate) fn nonces(&self) -> Option<([u8; 32], [u8; 32])> {
        match &self.link {
            Link::Open(stream) => Some((stream.nonce, stream.their_nonce?)),
            _ => None,
        }
    }

    /// Whether there is no reason to remember it.
    pub(crate) fn forgettable(&self) -> bool {
        self.held.is_empty()
            && self.pairings.is_empty()
            && self.greetings == 0
            && matches!(self.link, Link::Away)
    }
}

/// How things stand with a peer.
#[derive(Debug, Default)]
pub(crate) enum Link {
    /// There is no stream and no attempt to get one.
    #[default]
    Away,
    /// The transport was asked to close the stream.
    Closing,
    /// The transport was asked to dial.
    Dialing {
        /// When that counts as failed.
        until: Timestamp,
    },
    /// There is a stream.
    Open(Box<Stream>),
    /// There was none, and it is not yet time to try again.
    Waiting {
        /// When it is.
        until: Timestamp,
    },
}

impl Link {
    /// When there is something to look at.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Away | Self::Closing => None,
            Self::Dialing { until } | Self::Waiting { until } => Some(*until),
            Self::Open(stream) => Some(stream.hello_until),
        }
    }
}

/// One stream. All in it ends with it.
#[derive(Debug)]
pub(crate) struct Stream {
    /// What this node's Hello said.
    pub(crate) nonce: [u8; 32],
    /// What theirs said.
    pub(crate) their_nonce: Option<[u8; 32]>,
    /// Until when theirs must have come.
    pub(crate) hello_until: Timestamp,
    /// How much on it was wrong.
    pub(crate) faults: u32,
    /// How much on it cost a signature check or the like.
    pub(crate) proofs: u32,
    /// The highest session number that they proved; they only go up.
    pub(crate) proved: Option<u64>,
    /// Open sessions in which they send.
    pub(crate) inbound: BTreeMap<u64, (Eci, GrantId)>,
    /// Sessions in which this node sends.
    pub(crate) outbound: BTreeMap<u64, GrantHash>,
    /// The number of this node's next session.
    pub(crate) session_next: u64,
}

impl Stream {
    pub(crate) fn new(nonce: [u8; 32], hello_until: Timestamp) -> Self {
        Self {
            nonce,
            their_nonce: None,
            hello_until,
            faults: 0,
            proofs: 0,
            proved: None,
            inbound: BTreeMap::new(),
            outbound: BTreeMap::new(),
            session_next: 0,
        }
    }

    /// A new number for a session in which this node sends.
    pub(crate) fn number(&mut self, grant: GrantHash) -> u64 {
        let number = self.session_next;
        self.session_next += 1;
        self.outbound.insert(number, grant);
        number
    }
}
