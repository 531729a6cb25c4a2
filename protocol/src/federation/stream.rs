//! Streams: dialling, introduction, faults, closing.

use rand_chacha::rand_core::Rng;

use super::{Federation, Timer};
use crate::{
    NodeId, Output, explain,
    message::{ENDED_MAX, Message},
    peer::{Link, Peer, Stream},
    session_out::Outbound,
};

impl Federation {
    pub(super) fn stream_opened(&mut self, peer: NodeId) {
        self.drop_stream(peer);
        if peer == self.config.node {
            self.outputs.push_back(Output::Close { peer });
            return;
        }
        if self.streams >= self.config.connections_max {
            self.say(
                peer,
                &Message::Wrong {
                    code: "connections-max".into(),
                },
            );
            self.outputs.push_back(Output::Close { peer });
            return;
        }
        let mut nonce = [0; 32];
        self.random.fill_bytes(&mut nonce);
        let until = self.after(self.config.hello_wait_ms_max);
        self.streams += 1;
        self.set_link(peer, Link::Open(Box::new(Stream::new(nonce, until))));
        self.say(
            peer,
            &Message::Hello {
                nonce,
                addresses: self.addresses.clone(),
            },
        );
    }

    pub(super) fn stream_closed(&mut self, peer: NodeId) {
        self.drop_stream(peer);
        let greetings = self.config.greetings_max;
        if let Some(entry) = self.peers.get_mut(&peer)
            && !matches!(entry.link, Link::Waiting { .. })
        {
            if !entry.held.is_empty() {
                entry.greetings = greetings;
            }
            self.retreat(peer);
        }
    }

    pub(super) fn dial_failed(&mut self, peer: NodeId) {
        if let Some(entry) = self.peers.get(&peer)
            && matches!(entry.link, Link::Dialing { .. })
        {
            self.retreat(peer);
        }
    }

    pub(super) fn peer_due(&mut self, peer: NodeId) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        match &entry.link {
            Link::Dialing { until } if *until <= self.now => self.retreat(peer),
            Link::Waiting { until } if *until <= self.now => {
                entry.link = Link::Away;
                if self.needed(peer) {
                    self.reach(peer);
                }
                self.forget(peer);
            }
            Link::Open(stream)
                if stream.their_nonce.is_none() && stream.hello_until <= self.now =>
            {
                self.shut(peer, "hello-late");
            }
            _ => {}
        }
    }

    /// Reads a frame and does what it says.
    pub(super) fn frame_came(&mut self, peer: NodeId, bytes: &[u8]) {
        let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) else {
            return;
        };
        let introduced = stream.their_nonce.is_some();
        match Message::decode(bytes, self.config.frame_bytes_max) {
            Ok(Message::Hello { nonce, addresses }) if !introduced => {
                self.hello(peer, nonce, addresses);
            }
            Ok(Message::Hello { .. }) => self.shut(peer, "hello-repeated"),
            Ok(Message::Wrong { code }) => self.blamed(peer, &code),
            Ok(message) if introduced => self.message_came(peer, message),
            Ok(_) => self.shut(peer, "hello-missing"),
            Err(error) if introduced => self.blame(peer, error.code()),
            Err(error) => self.shut(peer, error.code()),
        }
    }

    /// Asks for a stream, unless there is one or one is being made or waited for.
    pub(super) fn reach(&mut self, peer: NodeId) {
        let until = self.after(self.config.dial_wait_ms_max);
        let entry = self.peers.entry(peer).or_default();
        if matches!(entry.link, Link::Away) {
            let addresses = entry.addresses.clone();
            self.set_link(peer, Link::Dialing { until });
            self.outputs.push_back(Output::Dial { peer, addresses });
        }
    }

    /// The stream was of use: the next failure is a first one.
    pub(super) fn of_use(&mut self, peer: NodeId) {
        if let Some(entry) = self.peers.get_mut(&peer) {
            entry.attempts = 0;
        }
    }

    /// Forgets a peer about which there is nothing to remember.
    pub(super) fn forget(&mut self, peer: NodeId) {
        if self.peers.get(&peer).is_some_and(Peer::forgettable) {
            self.peers.remove(&peer);
        }
    }

    /// Says something on the stream. The caller knows that there is one.
    pub(super) fn say(&mut self, peer: NodeId, message: &Message) {
        self.outputs.push_back(Output::Send {
            peer,
            bytes: message.encode(),
        });
    }

    /// Says something if both sides have introduced themselves.
    pub(super) fn say_if_open(&mut self, peer: NodeId, message: &Message) {
        if self
            .peers
            .get(&peer)
            .is_some_and(|entry| entry.nonces().is_some())
        {
            self.say(peer, message);
        }
    }

    /// The peer did something wrong. It is told, and cut off if it was once too often.
    pub(super) fn blame(&mut self, peer: NodeId, code: &str) {
        if self.fault(peer, code) {
            self.say(peer, &Message::Wrong { code: code.into() });
        }
    }

    /// Counts a fault of the peer. Says whether the stream is still there.
    pub(super) fn fault(&mut self, peer: NodeId, code: &str) -> bool {
        let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) else {
            return false;
        };
        stream.faults += 1;
        let many = stream.faults > self.config.faults_max;
        self.outputs.push_back(Output::Fault {
            peer,
            fault: explain(code),
        });
        if many {
            self.shut(peer, "faults-max");
        }
        !many
    }

    /// The peer says that this node did something wrong. That is never answered.
    fn blamed(&mut self, peer: NodeId, code: &str) {
        self.fault(peer, code);
    }

    fn hello(&mut self, peer: NodeId, nonce: [u8; 32], addresses: Vec<String>) {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        entry.told(addresses);
        entry.greetings = 0;
        if let Some(stream) = entry.stream() {
            stream.their_nonce = Some(nonce);
        }
        self.ready.extend(entry.held.iter().copied());
        let pairings: Vec<_> = entry.pairings.iter().copied().collect();
        self.tell_ended(peer);
        for subscription in pairings {
            self.step_pairing(subscription);
        }
    }

    /// Tells which of its grants are revoked.
    fn tell_ended(&mut self, peer: NodeId) {
        let ended = self.revoked.iter().filter(|(_, told)| **told == Some(peer));
        let ended: Vec<_> = ended.map(|((_, grant), _)| *grant).collect();
        for grants in ended.chunks(ENDED_MAX) {
            self.say(
                peer,
                &Message::Ended {
                    grants: grants.to_vec(),
                },
            );
        }
    }

    /// Says why, and closes the stream.
    pub(super) fn shut(&mut self, peer: NodeId, code: &str) {
        self.outputs.push_back(Output::Fault {
            peer,
            fault: explain(code),
        });
        self.say(peer, &Message::Wrong { code: code.into() });
        self.drop_stream(peer);
        self.set_link(peer, Link::Closing);
        self.outputs.push_back(Output::Close { peer });
    }

    /// Ends all that belongs to the stream, if there is one.
    fn drop_stream(&mut self, peer: NodeId) {
        if let Some(entry) = self.peers.get_mut(&peer)
            && matches!(entry.link, Link::Open(_))
            && let Link::Open(stream) = std::mem::take(&mut entry.link)
        {
            self.streams -= 1;
            self.timers.remove(&(stream.hello_until, Timer::Peer(peer)));
            for key in stream.inbound.values() {
                if let Some(inbound) = self.inbound.get_mut(key) {
                    inbound.session = None;
                }
            }
            for grant in &entry.held {
                if let Some(outbound) = self.outbound.get_mut(grant) {
                    outbound.disconnected();
                }
            }
        }
    }

    /// There is no stream. If one is needed, it is tried again after a while.
    fn retreat(&mut self, peer: NodeId) {
        self.set_link(peer, Link::Away);
        if !self.needed(peer) {
            self.forget(peer);
            return;
        }
        let Some(entry) = self.peers.get_mut(&peer) else {
            return;
        };
        let attempts = entry.attempts;
        entry.attempts = attempts.saturating_add(1);
        entry.greetings = entry.greetings.saturating_sub(1);
        let delay = self.delay(attempts);
        let until = self.after(delay);
        self.set_link(peer, Link::Waiting { until });
    }

    /// How things stand with a peer from now on, and when to look again.
    fn set_link(&mut self, peer: NodeId, link: Link) {
        let due = link.due();
        let old = std::mem::replace(&mut self.peers.entry(peer).or_default().link, link);
        if let Some(at) = old.due() {
            self.timers.remove(&(at, Timer::Peer(peer)));
        }
        if let Some(at) = due {
            self.timers.insert((at, Timer::Peer(peer)));
        }
    }

    /// Wants a stream for its own sake: to be heard of, and to hear what has ended.
    pub(super) fn greet(&mut self, peer: NodeId) {
        let greetings = self.config.greetings_max;
        if let Some(entry) = self.peers.get_mut(&peer)
            && !matches!(entry.link, Link::Open(_))
            && !entry.addresses.is_empty()
        {
            entry.greetings = greetings;
            self.reach(peer);
        }
    }

    /// Whether there is something to say to the peer.
    fn needed(&self, peer: NodeId) -> bool {
        let Some(entry) = self.peers.get(&peer) else {
            return false;
        };
        let waits = |grant| self.outbound.get(grant).is_some_and(Outbound::waiting);
        entry.greetings > 0
            || entry.held.iter().any(waits)
            || entry.pairings.iter().any(|id| self.pairing_waits(*id))
    }

    /// How long to wait after so many failures: doubled each time, and somewhere in the upper half
    /// of that, so that nodes which lost each other at once do not come back at once.
    pub(super) fn delay(&mut self, attempts: u32) -> u64 {
        let doubled = self
            .config
            .retry_delay_ms_min
            .saturating_mul(1 << attempts.min(32));
        let half = doubled.min(self.config.retry_delay_ms_max) / 2;
        half + self.random.next_u64() % (half + 1)
    }
}
