//! The sender's side: grants that this node holds.

use stratus_capability::{GrantHash, GrantId, prove};

use super::{Federation, Held, Timer};
use crate::{
    NodeId, Output,
    message::Message,
    peer::Peer,
    session_out::{Outbound, Progress},
};

impl Federation {
    pub(super) fn hold_grant(&mut self, held: Held) {
        let (hash, node) = (held.grant.hash(), held.peer);
        let peer = self.peers.entry(node).or_default();
        peer.learn(held.addresses);
        let is_new = peer.held.insert(hash);
        self.outbound
            .entry(hash)
            .or_insert_with(|| Outbound::new(held.grant, held.key, node));
        if is_new {
            self.greet(node);
        }
    }

    pub(super) fn release_grant(&mut self, grant: GrantHash) {
        let Some(outbound) = self.outbound.remove(&grant) else {
            return;
        };
        if let Some(entry) = self.peers.get_mut(&outbound.peer) {
            entry.held.remove(&grant);
        }
        self.forget(outbound.peer);
    }

    /// Sends what can be sent under a grant: its proof first, and events without waiting for the
    /// answer.
    pub(super) fn pump(&mut self, grant: GrantHash) {
        let Some(outbound) = self.outbound.get(&grant) else {
            return;
        };
        if !outbound.waiting() || outbound.paused.is_some_and(|until| until > self.now) {
            return;
        }
        let peer = outbound.peer;
        if outbound.session.is_none() && !self.prove_grant(peer, grant) {
            self.reach(peer);
            return;
        }
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return;
        };
        outbound.paused = None;
        let Some(session) = outbound.session else {
            return;
        };
        while let Some((first, events)) = outbound.batch(&self.config) {
            let bytes = Message::Events {
                session,
                first,
                events,
            }
            .encode();
            self.outputs.push_back(Output::Send { peer, bytes });
        }
    }

    pub(super) fn opened(&mut self, peer: NodeId, session: u64, through: u64) {
        let Some(grant) = self.outbound_session(peer, session) else {
            return;
        };
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return;
        };
        let progress = outbound.opened(through);
        self.progressed(peer, grant, through, progress);
    }

    pub(super) fn acknowledged(&mut self, peer: NodeId, session: u64, through: u64) {
        let Some(grant) = self.outbound_session(peer, session) else {
            return;
        };
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return;
        };
        let progress = outbound.acknowledge(through);
        if progress == Progress::Ahead {
            self.blame(peer, "ack-unsent");
            return;
        }
        self.progressed(peer, grant, through, progress);
    }

    pub(super) fn event_refused(
        &mut self,
        peer: NodeId,
        session: u64,
        sequence: u64,
        code: String,
    ) {
        let Some(grant) = self.outbound_session(peer, session) else {
            return;
        };
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return;
        };
        // A refusal that was told before comes again with each session.
        if !outbound.awaits(sequence) {
            return;
        }
        let code = if outbound.withdrawn(sequence) {
            "event-oversize".into()
        } else {
            code
        };
        let progress = outbound.acknowledge(sequence - 1);
        self.progressed(peer, grant, sequence - 1, progress);
        self.outputs.push_back(Output::Rejected {
            grant,
            sequence,
            code,
        });
        if let Some(outbound) = self.outbound.get_mut(&grant) {
            outbound.acknowledge(sequence);
        }
        self.ask_for_more(grant);
    }

    /// The receiver wants a pause.
    pub(super) fn quota(&mut self, peer: NodeId, session: u64, sequence: u64, retry_ms: u64) {
        let Some(grant) = self.resume(peer, session, sequence) else {
            return;
        };
        self.pause(grant, retry_ms.min(self.config.quota_wait_ms_max));
    }

    /// The receiver wants events again, from this one on. It says nothing about what is durable.
    pub(super) fn resume(&mut self, peer: NodeId, session: u64, from: u64) -> Option<GrantHash> {
        let grant = self.outbound_session(peer, session)?;
        let outbound = self.outbound.get_mut(&grant)?;
        if outbound.insatiable(&self.config) {
            self.blame(peer, "resume-repeated");
            return None;
        }
        match outbound.rewind(from) {
            Progress::Ahead => self.blame(peer, "resume-unsent"),
            Progress::Behind => self.lose(grant, "window-behind"),
            Progress::None | Progress::Some => {
                self.ready.insert(grant);
                return Some(grant);
            }
        }
        None
    }

    /// The receiver does not, or not any more, open the session.
    pub(super) fn session_refused(&mut self, peer: NodeId, session: u64, code: &str) {
        let Some(grant) = self.outbound_session(peer, session) else {
            return;
        };
        if !PASSING.contains(&code) {
            self.lose(grant, code);
            return;
        }
        if let Some(outbound) = self.outbound.get_mut(&grant) {
            outbound.disconnected();
        }
        let wait_ms = self.config.retry_delay_ms_max;
        self.pause(grant, wait_ms);
    }

    /// The partner revoked these grants. Only those that it gave are meant.
    pub(super) fn ended(&mut self, peer: NodeId, grants: &[GrantId]) {
        let Some(entry) = self.peers.get(&peer) else {
            return;
        };
        let ended = |hash: &&GrantHash| {
            let outbound = self.outbound.get(*hash);
            outbound.is_some_and(|outbound| grants.contains(&outbound.grant.id()))
        };
        let ended: Vec<_> = entry.held.iter().filter(ended).copied().collect();
        for grant in ended {
            self.lose(grant, "grant-revoked");
        }
    }

    /// Proves a grant on the present stream, if there is one on which that can be done.
    fn prove_grant(&mut self, peer: NodeId, grant: GrantHash) -> bool {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return false;
        };
        let Some((mine, theirs)) = entry.nonces() else {
            return false;
        };
        let Some(stream) = entry.stream() else {
            return false;
        };
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return false;
        };
        let session = stream.number(grant);
        outbound.session = Some(session);
        let me = self.config.node.0;
        let proof = prove(&outbound.key, grant, &me, &peer.0, &mine, &theirs);
        let grant = outbound.grant.bytes().to_vec();
        self.say(
            peer,
            &Message::Prove {
                session,
                grant,
                proof,
            },
        );
        true
    }

    /// The grant of a session in which this node sends. A number that was never used is a fault;
    /// one whose grant was released since is passed over.
    fn outbound_session(&mut self, peer: NodeId, session: u64) -> Option<GrantHash> {
        let stream = self.peers.get_mut(&peer).and_then(Peer::stream)?;
        let grant = stream.outbound.get(&session).copied();
        if grant.is_none() {
            self.blame(peer, "session-unknown");
        }
        let outbound = self.outbound.get(&grant?)?;
        let current = !outbound.lost && outbound.session == Some(session);
        if current { grant } else { None }
    }

    fn progressed(&mut self, peer: NodeId, grant: GrantHash, through: u64, progress: Progress) {
        self.of_use(peer);
        match progress {
            Progress::Ahead => self.lose(grant, "window-ahead"),
            Progress::Behind => self.lose(grant, "window-behind"),
            Progress::None => {}
            Progress::Some => {
                self.outputs.push_back(Output::Acked { grant, through });
                self.ask_for_more(grant);
            }
        }
    }

    /// There is room in the window, and perhaps in memory.
    fn ask_for_more(&mut self, grant: GrantHash) {
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return;
        };
        if let Some(from) = outbound.wanted(&self.config) {
            self.outputs.push_back(Output::Wanted { grant, from });
        }
        self.ready.insert(grant);
    }

    fn lose(&mut self, grant: GrantHash, code: &str) {
        let Some(outbound) = self.outbound.get_mut(&grant) else {
            return;
        };
        if !outbound.lost {
            outbound.lost = true;
            self.outputs.push_back(Output::Lost {
                grant,
                code: code.into(),
            });
        }
    }

    fn pause(&mut self, grant: GrantHash, wait_ms: u64) {
        let until = self.after(wait_ms.max(1));
        if let Some(outbound) = self.outbound.get_mut(&grant) {
            let old = outbound.paused.replace(until);
            if let Some(at) = old {
                self.timers.remove(&(at, Timer::Grant(grant)));
            }
            self.timers.insert((until, Timer::Grant(grant)));
        }
    }
}

/// Refusals that pass: the grant is proved again later.
const PASSING: &[&str] = &["grant-early", "sessions-max"];
