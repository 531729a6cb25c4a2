//! Who a node is.

use std::fmt;

/// A node: the Ed25519 public key that its libp2p peer id holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 32]);

/// What stands before the key in a libp2p peer id: an identity multihash of 36 bytes, which are a
/// protobuf public key of type Ed25519 with 32 bytes of data (libp2p specs, peer-ids).
const PEER_ID_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

impl fmt::Display for NodeId {
    /// The libp2p peer id, `12D3KooW…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 38];
        bytes[..6].copy_from_slice(&PEER_ID_PREFIX);
        bytes[6..].copy_from_slice(&self.0);
        f.write_str(&bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl std::str::FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        // A longer text cannot be a peer id; the limit comes before the arithmetic.
        if text.len() > 64 {
            return Err(NodeIdError);
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| NodeIdError)?;
        let key = bytes.strip_prefix(&PEER_ID_PREFIX).ok_or(NodeIdError)?;
        key.try_into().map(Self).map_err(|_| NodeIdError)
    }
}

/// The text is not the peer id of an Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node id is written as 12D3KooW… (libp2p peer id of an Ed25519 key)")]
pub struct NodeIdError;
