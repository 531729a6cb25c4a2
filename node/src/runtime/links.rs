//! The network: frames to and from other nodes.

use std::{collections::BTreeSet, sync::Arc};

use stratus_engine::Input;
use stratus_network::{Network, Notice, Notices};
use stratus_protocol::NodeId;

use crate::crash::{Boundary, CrashPoint};

/// The streams to other nodes.
pub(super) struct Links {
    network: Network,
    notices: Notices,
    crash: Arc<CrashPoint>,
    addresses: Option<Vec<String>>,
    connected: BTreeSet<NodeId>,
    /// Streams of an engine that is no more; what still comes of them is nobody's.
    stale: BTreeSet<NodeId>,
}

impl Links {
    pub(super) fn new((network, notices): (Network, Notices), crash: Arc<CrashPoint>) -> Self {
        let (connected, stale) = (BTreeSet::new(), BTreeSet::new());
        Self {
            network,
            notices,
            crash,
            addresses: None,
            connected,
            stale,
        }
    }

    /// The next notice; an inner none is one that the engine need not know.
    pub(super) async fn next(&mut self) -> Option<Option<Input>> {
        let notice = self.notices.recv().await?;
        Some(self.input(notice))
    }

    pub(super) fn send(&self, peer: NodeId, bytes: Vec<u8>) {
        let events = stratus_protocol::carries_events(&bytes);
        self.network.send(peer, bytes);
        if events {
            self.crash.pass(Boundary::FrameSent);
        }
    }

    pub(super) fn dial(&self, peer: NodeId, addresses: Vec<String>) {
        self.network.dial(peer, addresses);
    }

    pub(super) fn close(&self, peer: NodeId) {
        self.network.close(peer);
    }

    /// Begins anew for a new engine: all streams are closed, and it is told the addresses.
    pub(super) fn restart(&mut self) -> Option<Input> {
        self.connected
            .iter()
            .for_each(|peer| self.network.close(*peer));
        self.stale.append(&mut self.connected);
        self.addresses
            .clone()
            .map(|addresses| Input::Listening { addresses })
    }

    fn input(&mut self, notice: Notice) -> Option<Input> {
        match notice {
            Notice::Connected(peer) => {
                tracing::info!("connected to {peer}");
                self.stale.remove(&peer);
                self.connected.insert(peer);
                Some(Input::Connected { peer })
            }
            Notice::DialFailed(peer, reason) => {
                tracing::debug!("cannot reach {peer}: {reason}");
                Some(Input::DialFailed { peer, reason })
            }
            Notice::Disconnected(peer) => {
                tracing::info!("disconnected from {peer}");
                let ours = self.connected.remove(&peer);
                self.stale.remove(&peer);
                ours.then_some(Input::Disconnected { peer })
            }
            Notice::Listening(addresses) => {
                self.addresses = Some(addresses.clone());
                Some(Input::Listening { addresses })
            }
            Notice::Received(peer, bytes) => {
                (!self.stale.contains(&peer)).then_some(Input::Received { peer, bytes })
            }
        }
    }
}
