//! An engine under load.

use std::net::SocketAddr;

/// An engine of its own process in which the rulesets are installed; it ends with the value.
pub(super) trait House {
    /// Where it answers.
    fn address(&self) -> SocketAddr;

    /// The address of the channel that lets everything in.
    fn channel(&self) -> &str;

    /// The process; those that it started belong to it.
    fn process(&self) -> u32;
}
