//! What an owner can have done with the node's data itself.

use std::io::Write;

use stratus_event::{Fault, PenId, Timestamp};

/// Keeps what a node has. Each call may wait for the disk.
pub trait Keeper: Send + Sync {
    /// Writes a backup of the whole node to its end, or says why there is none.
    fn backup(&self, out: &mut dyn Write) -> Result<(), Fault>;

    /// Drops the beginning of a PEN's journal.
    fn trim(&self, pen: PenId, kept: Kept) -> Result<Dropped, Fault>;
}

/// Which entries of a journal are kept: the newest ones for which all that is said holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Taken at that time or later.
    pub since: Option<Timestamp>,
    /// No more bytes than these.
    pub bytes_max: Option<u64>,
}

/// What was dropped of a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Entries.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}
