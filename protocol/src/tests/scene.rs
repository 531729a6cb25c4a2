//! One federation, and a peer that says what a test wants it to say.

use stratus_capability::{
    CHANNEL_KEY, Grant, GrantId, HOLDER_KEY, HolderKey, Match, Rate, Scope, SigningKey, Terms,
    mint, prove,
};
use stratus_event::{Timestamp, codec};

use super::owner::event;
use crate::{Admitted, Config, Federation, Held, NodeId, Output, message::Message};

pub(super) const ME: NodeId = NodeId([1; 32]);
pub(super) const PEER: NodeId = NodeId([2; 32]);
pub(super) const NOW: Timestamp = Timestamp(1_000_000);
pub(super) const THEIR_NONCE: [u8; 32] = [9; 32];

/// A federation, and a peer that says what a test wants it to say.
pub(super) struct Scene {
    pub(super) federation: Federation,
    /// The nonce of the federation's last Hello.
    pub(super) nonce: [u8; 32],
    pub(super) heard: Vec<Message>,
    pub(super) faults: Vec<String>,
    pub(super) outputs: Vec<Output>,
    pub(super) closed: bool,
}

impl Scene {
    /// Without a stream.
    pub(super) fn new(config: impl FnOnce(&mut Config)) -> Self {
        let mut all = Config::new(ME);
        config(&mut all);
        Self {
            federation: Federation::new(all, [0; 32]),
            nonce: [0; 32],
            heard: Vec::new(),
            faults: Vec::new(),
            outputs: Vec::new(),
            closed: false,
        }
    }

    /// After both Hellos.
    pub(super) fn introduced(config: impl FnOnce(&mut Config)) -> Self {
        let mut scene = Self::new(config);
        scene.connect();
        scene.say(&hello());
        scene
    }

    pub(super) fn connect(&mut self) {
        self.closed = false;
        self.federation.handle_connected(NOW, PEER);
        self.drain();
        let Some(Message::Hello { nonce, .. }) = self.heard.pop() else {
            panic!("no hello")
        };
        self.nonce = nonce;
    }

    pub(super) fn say(&mut self, message: &Message) {
        self.send(&message.encode());
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.federation.handle_received(NOW, PEER, bytes);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.federation.poll() {
            match output {
                Output::Close { .. } => self.closed = true,
                Output::Fault { fault, .. } => self.faults.push(fault.code.into_owned()),
                Output::Send { bytes, .. } => {
                    assert!(!self.closed, "sent after closing");
                    self.heard.push(Message::decode(&bytes, 1 << 20).unwrap());
                }
                Output::WakeAt(_) => {}
                other => self.outputs.push(other),
            }
        }
    }

    pub(super) fn admit(&mut self, grant: &Grant) {
        let admitted = Admitted {
            grant: grant.clone(),
            through: 0,
            refused: vec![],
            peer: PEER,
        };
        self.federation.admit(admitted);
    }

    /// A right proof on the present stream.
    pub(super) fn proof(&self, grant: &Grant) -> [u8; 64] {
        prove(
            &holder(),
            grant.hash(),
            &PEER.0,
            &ME.0,
            &THEIR_NONCE,
            &self.nonce,
        )
    }

    pub(super) fn prove(&mut self, session: u64, grant: &Grant) {
        let proof = self.proof(grant);
        self.say(&Message::Prove {
            session,
            grant: grant.bytes().to_vec(),
            proof,
        });
    }

    /// Has one event under way to the peer, in session 0.
    pub(super) fn sending(&mut self) -> Grant {
        let grant = grant_of(8, |_| ());
        let held = Held {
            grant: grant.clone(),
            key: holder(),
            peer: PEER,
            addresses: vec![],
        };
        self.federation.hold(NOW, held);
        self.federation
            .send(NOW, grant.hash(), 1, &event(1, 1, "test"));
        self.drain();
        self.heard.clear();
        grant
    }
}

pub(super) fn hello() -> Message {
    Message::Hello {
        nonce: THEIR_NONCE,
        addresses: vec![],
    }
}

pub(super) fn holder() -> SigningKey {
    SigningKey::derive(&[2; 32], HOLDER_KEY, &[0; 16])
}

/// A grant of a channel, to the peer's key.
pub(super) fn grant_of(channel: u8, alter: impl FnOnce(&mut Terms)) -> Grant {
    let mut terms = Terms {
        id: GrantId([channel; 16]),
        holder: HolderKey(holder().public()),
        scope: Scope::events([(Match::Any, Match::Any)]).unwrap(),
        issued: 0,
        expires: 2000,
        rate: Rate {
            burst: 1000,
            per_minute: 1000,
        },
        event_bytes_max: 4096,
        generation: 1,
        depth: 0,
    };
    alter(&mut terms);
    let key = SigningKey::derive(&[1; 32], CHANNEL_KEY, &[channel; 16]);
    Grant::verify(&mint(&key, &terms)).unwrap()
}

pub(super) fn events(session: u64, first: u64, count: u16) -> Message {
    let encode = |n| codec::encode(&(&event(2, n, "test")).into());
    Message::Events {
        session,
        first,
        events: (1..=count).map(encode).collect(),
    }
}

pub(super) fn wrong(code: &str) -> Message {
    Message::Wrong { code: code.into() }
}
