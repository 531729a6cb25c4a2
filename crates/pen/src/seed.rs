//! The secret of a PEN.

use std::fmt;

use stratus_capability::{CHANNEL_KEY, HOLDER_KEY, SigningKey};
use stratus_event::{Eci, PenId};

use crate::ChannelId;

/// The secret from which all keys of a PEN are derived, and the secrets of its children. It shows
/// nothing of itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// The key pair of the channel of that id.
    pub fn channel_key(&self, id: ChannelId) -> SigningKey {
        SigningKey::derive(&self.0, CHANNEL_KEY, &id.0)
    }

    /// The key pair that holds the grant of the partner for whom the channel of that id is: as many
    /// of them as there are channels for partners, so that no two partners see the same.
    pub fn holder_key(&self, id: ChannelId) -> SigningKey {
        SigningKey::derive(&self.0, HOLDER_KEY, &id.0)
    }

    /// The ECI of the channel of that id.
    pub fn eci(&self, id: ChannelId) -> Eci {
        Eci(self.channel_key(id).public())
    }

    /// The secret of the child of that id: BLAKE3 in its key derivation mode over this seed and the
    /// id.
    #[must_use]
    pub fn of_child(&self, id: PenId) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("stratus child seed v1");
        hasher.update(&self.0).update(&id.0);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}
