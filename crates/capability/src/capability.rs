//! A grant: the capability token. Signed by a channel's key, held by one other key, limited,
//! expiring, revocable.

mod identity;

pub use identity::{GrantHash, GrantId, HolderKey};
