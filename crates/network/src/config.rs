//! What a network is started with.

/// The node's key, where it listens, and the bounds of everything that grows.
#[derive(Clone)]
pub struct Config {
    /// The Ed25519 seed of the node's key. Secret.
    pub seed: [u8; 32],
    /// Multiaddresses to listen at, such as `/ip4/0.0.0.0/tcp/7420`.
    pub listen: Vec<String>,
    /// Multiaddresses by which others reach this node though it cannot see them itself, such as
    /// the public side of a router.
    pub announce: Vec<String>,
    /// The longest frame, in bytes without its length. A longer one closes the stream.
    pub frame_bytes_max: usize,
    /// Frames that wait to be written to one peer. One more closes the stream.
    pub send_queue_frames_max: usize,
    /// Notices that wait to be read. When there are that many, streams are read no further, so
    /// that the senders wait.
    pub notices_max: usize,
    /// Connections of all peers together. Further ones are refused.
    pub connections_max: u32,
    /// Connections of one peer. Two nodes that dial each other at once have two for a moment.
    pub connections_per_peer_max: u32,
    /// Connections from one IP address. Further ones are refused.
    pub connections_per_address_max: u32,
    /// Incoming connections that are not yet authenticated. Further ones are refused.
    pub handshakes_max: u32,
    /// Addresses of one dial. The rest is left out.
    pub dial_addresses_max: usize,
    /// How long a connection may take to be authenticated, in milliseconds.
    pub handshake_ms_max: u64,
    /// How long a connection lives without a stream, in milliseconds.
    pub idle_ms_max: u64,
    /// How long what was sent may take to be written when a stream is closed, in milliseconds.
    pub close_ms_max: u64,
    /// How often a connection is probed, in milliseconds; this also keeps the way through a
    /// router (NAT) open.
    pub ping_interval_ms: u64,
    /// How long the answer to a probe may take, in milliseconds. Later, the peer is gone.
    pub ping_answer_ms_max: u64,
}

impl Config {
    /// The usual bounds.
    pub fn new(seed: [u8; 32], listen: Vec<String>) -> Self {
        Self {
            seed,
            listen,
            announce: Vec::new(),
            frame_bytes_max: 1 << 20,
            send_queue_frames_max: 256,
            notices_max: 256,
            connections_max: 1024,
            connections_per_peer_max: 4,
            connections_per_address_max: 64,
            handshakes_max: 64,
            dial_addresses_max: 16,
            handshake_ms_max: 10_000,
            idle_ms_max: 10_000,
            close_ms_max: 1_000,
            ping_interval_ms: 15_000,
            ping_answer_ms_max: 20_000,
        }
    }
}

impl std::fmt::Debug for Config {
    /// Without the seed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
