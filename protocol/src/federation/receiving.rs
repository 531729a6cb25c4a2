//! The receiver's side: grants that this node gave.

use sha2::{Digest, Sha256};
use stratus_capability::{Grant, GrantError, GrantHash, GrantId, check_proof};
use stratus_event::Eci;

use super::Federation;
use crate::{
    NodeId, Output,
    message::{Message, is_code},
    peer::{Link, Peer},
    session_in::{Inbound, Judgement},
};

type Key = (Eci, GrantId);

impl Federation {
    /// All messages but Hello and Wrong.
    pub(super) fn message_came(&mut self, peer: NodeId, message: Message) {
        let costly = matches!(
            message,
            Message::Prove { .. } | Message::Redeem { .. } | Message::Confirm { .. }
        );
        if costly && !self.affordable(peer) {
            self.shut(peer, "proofs-max");
            return;
        }
        match message {
            Message::Prove {
                session,
                grant,
                proof,
            } => {
                self.session_proved(peer, session, &grant, &proof);
            }
            Message::Opened { session, through } => self.opened(peer, session, through),
            Message::Refused { session, code } => self.session_refused(peer, session, &code),
            Message::Events {
                session,
                first,
                events,
            } => {
                self.events_came(peer, session, first, &events);
            }
            Message::Ack { session, through } => self.acknowledged(peer, session, through),
            Message::Reject {
                session,
                sequence,
                code,
            } => {
                self.event_refused(peer, session, sequence, code);
            }
            Message::Quota {
                session,
                sequence,
                retry_ms,
            } => {
                self.quota(peer, session, sequence, retry_ms);
            }
            Message::Resume { session, sequence } => _ = self.resume(peer, session, sequence),
            Message::Ended { grants } => self.ended(peer, &grants),
            other => self.pairing_message_came(peer, other),
        }
    }

    pub(super) fn event_accepted(&mut self, key: Key, sequence: u64) {
        let Some(inbound) = self.inbound.get_mut(&key) else {
            return;
        };
        let resume = inbound.durable(sequence);
        self.acks.insert(key);
        self.let_resume(key, resume);
    }

    /// A code that could not be sent becomes one that can.
    pub(super) fn event_rejected(&mut self, key: Key, sequence: u64, mut code: String) {
        if !is_code(&code) {
            code = "event-refused".into();
        }
        let Some(inbound) = self.inbound.get_mut(&key) else {
            return;
        };
        let resume = inbound.refuse(&self.config, sequence, code.clone());
        if let Some((peer, session)) = inbound.session {
            self.say(
                peer,
                &Message::Reject {
                    session,
                    sequence,
                    code,
                },
            );
        }
        self.let_resume(key, resume);
    }

    pub(super) fn rewind_grant(&mut self, key: Key, through: u64) {
        let Some(inbound) = self.inbound.get_mut(&key) else {
            return;
        };
        let resume = inbound.rewind(through);
        self.let_resume(key, Some(resume));
    }

    pub(super) fn revoke_grant(&mut self, key: Key) {
        self.acks.remove(&key);
        let Some(inbound) = self.inbound.remove(&key) else {
            self.revoked.entry(key).or_default();
            return;
        };
        self.admitted.remove(&inbound.grant.hash());
        self.revoked.insert(key, Some(inbound.peer));
        self.end_session(&inbound);
        self.tell_revoked(inbound.peer, key.1);
    }

    /// Tells a partner, now or on a stream that is made for it, that a grant is revoked. It is a
    /// courtesy: the grant is worth nothing already.
    fn tell_revoked(&mut self, peer: NodeId, grant: GrantId) {
        let entry = self.peers.entry(peer).or_default();
        if entry.nonces().is_some() {
            let grants = vec![grant];
            self.say(peer, &Message::Ended { grants });
        } else {
            self.greet(peer);
            self.forget(peer);
        }
    }

    /// Says how far all is durable, once for all that became so.
    pub(super) fn flush_acks(&mut self) {
        for key in std::mem::take(&mut self.acks) {
            let Some(inbound) = self.inbound.get(&key) else {
                continue;
            };
            if let Some((peer, session)) = inbound.session {
                let through = inbound.through();
                self.say(peer, &Message::Ack { session, through });
            }
        }
    }

    /// Counts a proof. Says whether the stream may still bring one.
    fn affordable(&mut self, peer: NodeId) -> bool {
        let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) else {
            return true;
        };
        stream.proofs += 1;
        stream.proofs <= self.config.proofs_max
    }

    fn session_proved(&mut self, peer: NodeId, session: u64, grant: &[u8], proof: &[u8; 64]) {
        let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) else {
            return;
        };
        if stream.proved.is_some_and(|proved| session <= proved) {
            self.blame(peer, "session-repeated");
            return;
        }
        stream.proved = Some(session);
        match self.recognise(peer, grant, proof) {
            Ok(key) => self.open_session(peer, session, key),
            Err(code) => {
                self.say(
                    peer,
                    &Message::Refused {
                        session,
                        code: code.into(),
                    },
                );
                if !HONEST.contains(&code) {
                    self.fault(peer, code);
                }
            }
        }
    }

    /// Finds the grant and checks that its holder speaks, cheap checks first.
    fn recognise(&self, peer: NodeId, bytes: &[u8], proof: &[u8; 64]) -> Result<Key, &'static str> {
        let hash = GrantHash(Sha256::digest(bytes).into());
        let Some(key) = self.admitted.get(&hash) else {
            return Err(self.stranger(bytes).unwrap_or_else(|error| error.code()));
        };
        let inbound = self.inbound.get(key).ok_or("grant-unknown")?;
        inbound
            .grant
            .in_force(self.now)
            .map_err(|error| error.code())?;
        let nonces = self.peers.get(&peer).and_then(Peer::nonces);
        let (mine, theirs) = nonces.ok_or("session-unknown")?;
        self.room_for(peer, inbound)?;
        let (holder, me) = (inbound.grant.holder(), self.config.node.0);
        check_proof(holder, hash, &peer.0, &me, &theirs, &mine, proof)
            .map_err(|error| error.code())?;
        Ok(*key)
    }

    /// Why a grant that is not admitted is not. The signature is looked at only if there is such a
    /// channel.
    fn stranger(&self, bytes: &[u8]) -> Result<&'static str, GrantError> {
        let eci = Grant::issuer(bytes)?;
        let all = (eci, GrantId([0; 16]))..=(eci, GrantId([0xff; 16]));
        let known = self.inbound.range(all.clone()).next().is_some()
            || self.revoked.range(all).next().is_some();
        if !known {
            return Ok("channel-unknown");
        }
        let grant = Grant::verify(bytes)?;
        let revoked = self.revoked.contains_key(&(eci, grant.id()));
        Ok(if revoked {
            "grant-revoked"
        } else {
            "grant-unknown"
        })
    }

    /// A grant that is proved again takes no room: its new session replaces the old one.
    fn room_for(&self, peer: NodeId, inbound: &Inbound) -> Result<(), &'static str> {
        let Some(Link::Open(stream)) = self.peers.get(&peer).map(|entry| &entry.link) else {
            return Err("session-unknown");
        };
        let replaces = inbound.session.is_some_and(|(node, _)| node == peer);
        if !replaces && stream.inbound.len() >= self.config.sessions_max {
            return Err("sessions-max");
        }
        Ok(())
    }

    fn open_session(&mut self, peer: NodeId, session: u64, key: Key) {
        if let Some(inbound) = self.inbound.remove(&key) {
            self.end_session(&inbound);
            self.inbound.insert(key, inbound);
        }
        if let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) {
            stream.inbound.insert(session, key);
        }
        let Some(inbound) = self.inbound.get_mut(&key) else {
            return;
        };
        inbound.open(peer, session);
        let through = inbound.through();
        let refused: Vec<_> = inbound.refused().cloned().collect();
        // The refusals go first: what Opened covers and was not refused was accepted.
        for (sequence, code) in refused {
            self.say(
                peer,
                &Message::Reject {
                    session,
                    sequence,
                    code,
                },
            );
        }
        self.say(peer, &Message::Opened { session, through });
        self.of_use(peer);
    }

    /// The session is not one of its stream any more.
    fn end_session(&mut self, inbound: &Inbound) {
        let Some((peer, session)) = inbound.session else {
            return;
        };
        if let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) {
            stream.inbound.remove(&session);
        }
    }

    fn events_came(&mut self, peer: NodeId, session: u64, first: u64, events: &[Vec<u8>]) {
        let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) else {
            return;
        };
        let Some(key) = stream.inbound.get(&session).copied() else {
            // What follows a proof that was refused is no fault: the sender did not know yet.
            if stream.proved.is_none_or(|proved| session > proved) {
                self.blame(peer, "session-unknown");
            }
            return;
        };
        if first.checked_add(events.len() as u64).is_none() {
            self.blame(peer, "frame-malformed");
            return;
        }
        for (sequence, bytes) in (first..).zip(events) {
            if !self.event_came(peer, session, key, sequence, bytes) {
                return;
            }
        }
    }

    /// Says whether the rest of the frame is to be looked at.
    fn event_came(
        &mut self,
        peer: NodeId,
        session: u64,
        key: Key,
        sequence: u64,
        bytes: &[u8],
    ) -> bool {
        let Some(inbound) = self.inbound.get_mut(&key) else {
            return false;
        };
        let (eci, grant) = key;
        match inbound.judge(&self.config, self.now, sequence, bytes) {
            Judgement::Deliver(event) => {
                self.outputs.push_back(Output::Deliver {
                    peer,
                    eci,
                    grant,
                    sequence,
                    event,
                });
            }
            Judgement::Durable => _ = self.acks.insert(key),
            Judgement::Ended(code) => {
                self.session_ended(peer, session, key, code);
                return false;
            }
            Judgement::Ignore => {}
            Judgement::Quota(retry_ms) => {
                self.say(
                    peer,
                    &Message::Quota {
                        session,
                        sequence,
                        retry_ms,
                    },
                );
                return false;
            }
            Judgement::Refuse(code) => {
                let code = code.into();
                self.outputs.push_back(Output::Refuse {
                    peer,
                    eci,
                    grant,
                    sequence,
                    code,
                });
            }
            Judgement::Resume(sequence) => {
                self.say(peer, &Message::Resume { session, sequence });
                return false;
            }
        }
        true
    }

    fn session_ended(&mut self, peer: NodeId, session: u64, key: Key, code: &str) {
        if let Some(stream) = self.peers.get_mut(&peer).and_then(Peer::stream) {
            stream.inbound.remove(&session);
        }
        if let Some(inbound) = self.inbound.get_mut(&key) {
            inbound.session = None;
        }
        self.say(
            peer,
            &Message::Refused {
                session,
                code: code.into(),
            },
        );
    }

    fn let_resume(&mut self, key: Key, from: Option<u64>) {
        let session = self.inbound.get(&key).and_then(|inbound| inbound.session);
        if let (Some(sequence), Some((peer, session))) = (from, session) {
            self.say(peer, &Message::Resume { session, sequence });
        }
    }
}

/// Refusals that an honest sender runs into.
const HONEST: &[&str] = &[
    "grant-early",
    "grant-expired",
    "grant-revoked",
    "sessions-max",
];
