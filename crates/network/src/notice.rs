//! What the network tells.

use std::sync::Arc;

use stratus_protocol::NodeId;
use tokio::sync::mpsc;

use crate::shared::{Link, Shared};

/// What the network tells. For each peer: first `Connected`, then what was `Received` in the order
/// in which it was sent, then `Disconnected`, then perhaps all over again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A stream to that node is open; the node is authenticated.
    Connected(NodeId),
    /// The dialled node could not be reached; what libp2p said.
    DialFailed(NodeId, String),
    /// The stream to that node is gone.
    Disconnected(NodeId),
    /// This node listens at these multiaddresses; replaces what was said before.
    Listening(Vec<String>),
    /// A whole frame came, without its length.
    Received(NodeId, Vec<u8>),
}

/// The notices of a network, in order.
///
/// Reading one also says which stream is meant by the next [`crate::Network::send`]: what is sent
/// before a `Connected` is read never gets onto the new stream. So read them where they are
/// handled, not in a task that queues them once more.
#[derive(Debug)]
pub struct Notices {
    reports: mpsc::Receiver<Report>,
    shared: Arc<Shared>,
}

impl Notices {
    pub(crate) fn new(reports: mpsc::Receiver<Report>, shared: Arc<Shared>) -> Self {
        Self { reports, shared }
    }

    /// The next notice; none when the network has ended. Nothing is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<Notice> {
        let report = self.reports.recv().await?;
        Some(self.notice(report))
    }

    /// The next notice, if there is one already.
    pub fn try_recv(&mut self) -> Option<Notice> {
        let report = self.reports.try_recv().ok()?;
        Some(self.notice(report))
    }

    fn notice(&self, report: Report) -> Notice {
        match report {
            Report::Connected(peer, link) => {
                self.shared.link(peer, link);
                Notice::Connected(peer)
            }
            Report::DialFailed(peer, reason) => Notice::DialFailed(peer, reason),
            Report::Disconnected(peer) => {
                self.shared.unlink(peer);
                Notice::Disconnected(peer)
            }
            Report::Listening(addresses) => Notice::Listening(addresses),
            Report::Received(peer, bytes) => Notice::Received(peer, bytes),
        }
    }
}

/// A notice on its way to the reader.
#[derive(Debug)]
pub(crate) enum Report {
    Connected(NodeId, Link),
    DialFailed(NodeId, String),
    Disconnected(NodeId),
    Listening(Vec<String>),
    Received(NodeId, Vec<u8>),
}
