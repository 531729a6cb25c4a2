//! The bounds of a federation.

use crate::NodeId;

/// Who the node is, and every bound of its federation. What happens at a bound is said at each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// What this node calls itself to those whose invites it redeems; none: nothing is said.
    pub name: Option<String>,
    /// Events in one frame. A sender begins another frame.
    pub batch_events_max: usize,
    /// Streams at a time. One more is closed.
    pub connections_max: usize,
    /// How long a dial may take before it counts as failed.
    pub dial_wait_ms_max: u64,
    /// Bad frames that a stream survives. One more closes it with `faults-max`.
    pub faults_max: u32,
    /// One frame, in bytes. A larger one is answered with `frame-oversize`.
    pub frame_bytes_max: usize,
    /// How long a stream may be open without a Hello before it is closed with `hello-late`.
    pub hello_wait_ms_max: u64,
    /// How often a partner is dialled although nothing waits for it: at a start, when a stream
    /// broke, and when a grant was revoked. So partners hear at once that this node is back, and
    /// what waits for it comes at once. After that, whoever has something to say dials.
    pub greetings_max: u32,
    /// How long an unanswered step of a pairing waits before it is said again on the same stream.
    pub pairing_retry_ms: u64,
    /// Proofs (Prove, Redeem, Confirm) that a stream may bring; each costs a signature check or the
    /// like. One more closes it with `proofs-max`.
    pub proofs_max: u32,
    /// Unacknowledged events per grant that are held in memory. Later ones are asked for again
    /// with [`crate::Output::Wanted`] when there is room.
    pub queue_events_max: usize,
    /// The longest pause that a partner's Quota can impose; a longer one is cut to it.
    pub quota_wait_ms_max: u64,
    /// Rejections per grant that are remembered, so that a partner whose stream broke hears them
    /// on the next one. The oldest is forgotten first.
    pub rejections_max: usize,
    /// How often a receiver may ask for events again (Resume, Quota) before it acknowledges one.
    /// Once more is answered with `resume-repeated` and not followed.
    pub resumes_max: u32,
    /// The longest wait before a node is dialled again.
    pub retry_delay_ms_max: u64,
    /// The shortest wait before a node is dialled again.
    pub retry_delay_ms_min: u64,
    /// Open sessions of one partner on one stream. One more is refused with `sessions-max`.
    pub sessions_max: usize,
    /// Events per grant that are sent and not acknowledged, and, at the receiver, that are
    /// delivered and not durable. A sender waits; a receiver lets the sender resume later.
    pub window_events_max: usize,
}

impl Config {
    /// The bounds that a node has if nobody says otherwise.
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            name: None,
            batch_events_max: 256,
            connections_max: 1024,
            dial_wait_ms_max: 60_000,
            faults_max: 8,
            frame_bytes_max: 256 * 1024,
            hello_wait_ms_max: 10_000,
            greetings_max: 8,
            pairing_retry_ms: 5_000,
            proofs_max: 4096,
            queue_events_max: 16_384,
            quota_wait_ms_max: 600_000,
            rejections_max: 64,
            resumes_max: 64,
            retry_delay_ms_max: 60_000,
            retry_delay_ms_min: 250,
            sessions_max: 1024,
            window_events_max: 1024,
        }
    }
}
