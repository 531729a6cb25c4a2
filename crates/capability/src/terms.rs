//! What a grant says.

use crate::{GrantId, HolderKey, Scope};

/// Everything that a grant says, besides whose channel it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Names the grant, so that it can be revoked.
    pub id: GrantId,
    /// Who may use it: the key, not the person or the node.
    pub holder: HolderKey,
    /// What it permits.
    pub scope: Scope,
    /// When it was made, in seconds since 1970.
    pub issued: u64,
    /// When it ends, in seconds since 1970; after `issued`.
    pub expires: u64,
    /// How many events it permits.
    pub rate: Rate,
    /// The largest event that it permits, in bytes of its encoding.
    pub event_bytes_max: u32,
    /// The channel's generation when it was made: it ends when the channel's is counted up.
    pub generation: u32,
    /// How often it may be handed on. Only 0 is accepted.
    pub depth: u8,
}

/// How many events a grant permits: a bucket of `burst` that fills again by `per_minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At most so many at once; 0 permits none.
    pub burst: u32,
    /// At most so many in a minute, for long; 0 permits none.
    pub per_minute: u32,
}
