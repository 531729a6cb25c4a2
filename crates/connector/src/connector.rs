//! The outside world: text messages, calendars and any service that speaks HTTP.
//!
//! A connector does what a ruleset wanted (an *effect*) after it is durable, and says how that
//! went. What it cannot know it calls unknown, so that nothing is done twice and nothing is
//! forgotten: before it tries again it finds out whether the first try was done.

mod broken;
pub mod calendar;
mod effect;
mod http;
#[cfg(test)]
mod service;
mod twilio;

pub use effect::{Boundary, Request, Verdict};
pub use http::{Http, HttpConfig};
pub use twilio::{Twilio, TwilioConfig, webhook_signature, webhook_signature_fits};
