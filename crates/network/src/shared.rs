//! What the commanding side and the switchboard have in common.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use stratus_protocol::NodeId;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// The streams that the reader of the notices knows of, and the dials it wants.
#[derive(Debug)]
pub(crate) struct Shared {
    frame_bytes_max: usize,
    links: Mutex<BTreeMap<NodeId, Link>>,
    /// At most one per peer, so it grows no further than the peers that are known.
    wishes: Mutex<BTreeMap<NodeId, Vec<String>>>,
    wished: Notify,
}

impl Shared {
    pub(crate) fn new(frame_bytes_max: usize) -> Self {
        let (links, wishes) = (Mutex::default(), Mutex::default());
        Self {
            frame_bytes_max,
            links,
            wishes,
            wished: Notify::new(),
        }
    }

    pub(crate) fn wish(&self, peer: NodeId, addresses: Vec<String>) {
        lock(&self.wishes).insert(peer, addresses);
        self.wished.notify_one();
    }

    /// Waits until a dial is wanted; then gives all that are.
    pub(crate) async fn wishes(&self) -> BTreeMap<NodeId, Vec<String>> {
        loop {
            let wishes = mem::take(&mut *lock(&self.wishes));
            if !wishes.is_empty() {
                return wishes;
            }
            self.wished.notified().await;
        }
    }

    pub(crate) fn link(&self, peer: NodeId, link: Link) {
        lock(&self.links).insert(peer, link);
    }

    pub(crate) fn unlink(&self, peer: NodeId) {
        lock(&self.links).remove(&peer);
    }

    pub(crate) fn send(&self, peer: NodeId, bytes: Vec<u8>) {
        let mut links = lock(&self.links);
        let Some(link) = links.get(&peer) else { return };
        if let Err(code) = link.send(bytes, self.frame_bytes_max) {
            tracing::warn!(%peer, code, "the stream is closed");
            links.remove(&peer);
        }
    }

    pub(crate) fn close(&self, peer: NodeId) {
        if let Some(link) = lock(&self.links).remove(&peer) {
            link.finish.cancel();
        }
    }
}

/// The commanding end of one stream.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) queue: mpsc::Sender<Vec<u8>>,
    /// Ends the stream once what is queued is written.
    pub(crate) finish: CancellationToken,
    /// Ends the stream at once.
    pub(crate) stop: CancellationToken,
}

impl Link {
    /// Queues a frame, or stops the stream and gives the code of the reason.
    fn send(&self, bytes: Vec<u8>, frame_bytes_max: usize) -> Result<(), &'static str> {
        if bytes.len() > frame_bytes_max {
            self.stop.cancel();
            return Err("frame-oversize");
        }
        match self.queue.try_send(bytes) {
            // A stream that is gone says so by its own notice.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.stop.cancel();
                Err("send-queue-full")
            }
        }
    }
}

/// Nothing here is left half-done by a panic, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends frames of those lengths, of which 8 bytes and two frames are the most.
    fn check(lengths: &[usize], expected: Result<(), &str>) {
        let (queue, _queued) = mpsc::channel(2);
        let (finish, stop) = (CancellationToken::new(), CancellationToken::new());
        let link = Link {
            queue,
            finish,
            stop: stop.clone(),
        };
        let sent = lengths.iter().try_for_each(|n| link.send(vec![0; *n], 8));
        assert_eq!(sent, expected, "{lengths:?}");
        assert_eq!(stop.is_cancelled(), expected.is_err(), "{lengths:?}");
    }

    #[test]
    fn a_frame_that_cannot_be_sent_ends_the_stream() {
        check(&[8, 0], Ok(()));
        check(&[9], Err("frame-oversize"));
        check(&[1, 9], Err("frame-oversize"));
        check(&[1, 1, 1], Err("send-queue-full"));
    }
}
