//! Where the texts of rulesets come from.

use std::{future::Future, pin::Pin};

use stratus_event::Fault;

/// The text at an address, or why there is none.
pub type Fetched<'a> = Pin<Box<dyn Future<Output = Result<String, Fault>> + Send + 'a>>;

/// Fetches texts from the world.
pub trait Library: Send + Sync {
    /// The text at that address, if it is one that is fetched from.
    fn fetch<'a>(&'a self, url: &'a str) -> Fetched<'a>;
}
