//! libp2p carries the protocol's bytes: one stream of frames between each pair of nodes.
//!
//! [`Network::start`] listens, and gives a [`Network`] to command and [`Notices`] to read. A frame
//! is what `protocol` writes; on the stream four bytes of length (big-endian) stand before it.
//!
//! Between two nodes there is at most one stream, and the node with the smaller id opens it; so
//! two nodes that dial each other at once agree which stream it is. It lives and dies with its
//! connection. A stream reads and writes in separate tasks, because yamux comes to a standstill
//! when both ends write before they read.

use std::sync::Arc;

use libp2p::identity::Keypair;
use stratus_protocol::NodeId;
use tokio::sync::mpsc;

use crate::{shared::Shared, switchboard::Switchboard};

mod config;
mod notice;
mod peer;
mod session;
mod shared;
mod start_error;
mod stream;
mod swarm;
mod switchboard;

pub use config::Config;
pub use notice::{Notice, Notices};
pub use start_error::StartError;

/// A running network. Clones command the same one; it ends when its [`Notices`] are dropped.
#[derive(Clone, Debug)]
pub struct Network {
    node: NodeId,
    shared: Arc<Shared>,
}

impl Network {
    /// Listens, and begins to answer. Must be called inside a tokio runtime.
    pub fn start(config: Config) -> Result<(Self, Notices), StartError> {
        let key = Keypair::ed25519_from_bytes(config.seed).map_err(|_| StartError::Key)?;
        let node = peer::node(key.public().to_peer_id()).ok_or(StartError::Key)?;
        let swarm = swarm::listening(&config, key)?;
        let shared = Arc::new(Shared::new(config.frame_bytes_max));
        let (reports, reported) = mpsc::channel(config.notices_max);
        let switchboard = Switchboard::new(node, config, swarm, shared.clone(), reports);
        tokio::spawn(switchboard.run());
        Ok((
            Self {
                node,
                shared: shared.clone(),
            },
            Notices::new(reported, shared),
        ))
    }

    /// The id of this node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Opens a stream to that node unless there is one. Sooner or later comes
    /// [`Notice::Connected`] or [`Notice::DialFailed`]. Addresses are multiaddresses; those that
    /// cannot be read are left out.
    pub fn dial(&self, peer: NodeId, addresses: Vec<String>) {
        self.shared.wish(peer, addresses);
    }

    /// Sends one frame on the stream whose [`Notice::Connected`] was read last. It is lost if the
    /// stream is gone. A frame that is too long, or one more than the queue holds, closes the
    /// stream (`frame-oversize`, `send-queue-full` in the log): nothing is left out silently, the
    /// protocol sends again on the next stream.
    pub fn send(&self, peer: NodeId, bytes: Vec<u8>) {
        self.shared.send(peer, bytes);
    }

    /// Closes the stream to that node after what was sent is written. [`Notice::Disconnected`]
    /// follows.
    pub fn close(&self, peer: NodeId) {
        self.shared.close(peer);
    }
}
