//! Node ids and libp2p's peer ids.

use libp2p::{PeerId, identity};
use stratus_protocol::NodeId;

/// The node of a peer id; none if its key is not an Ed25519 key.
pub(crate) fn node(peer: PeerId) -> Option<NodeId> {
    peer.to_base58().parse().ok()
}

/// The peer id of a node; none if its bytes are not a point of the curve.
pub(crate) fn id(node: NodeId) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&node.0).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let key = identity::Keypair::ed25519_from_bytes([7; 32]).unwrap();
        let peer = key.public().to_peer_id();
        let node = node(peer).unwrap();
        assert_eq!(id(node), Some(peer));
        assert_eq!(node.to_string(), peer.to_string());
    }

    #[test]
    fn an_id_that_is_no_key_has_no_peer() {
        let bytes = (0..=255)
            .map(|byte| [byte; 32])
            .find(|bytes| id(NodeId(*bytes)).is_none());
        assert!(bytes.is_some(), "half of all byte strings are no points");
    }
}
