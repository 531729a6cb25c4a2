//! Many PENs, the protocol, the outbox and the schedule behind one [`Input`] and one [`Output`].
//!
//! The engine is a state machine without socket, clock, file or thread. After every call of
//! [`Engine::handle`], **drain [`Engine::poll`] until it gives `None`**, and do what it says.

mod command;
mod input;
mod job;
mod output;
mod record;

pub use command::{
    Command, CommandId, Door, InviteListing, Listing, Reply, SubscriptionListing, Wait,
};
pub use input::{Input, Verdict};
pub use job::{Finished, Job};
pub use output::{Ask, Output, Perform};
pub use record::{
    Accepted, AskId, Batch, EffectId, Image, Key, Outcome, OutcomeRun, Position, Record, Source,
    Subscription,
};
pub use stratus_pen::RunEnd;
// An adapter speaks of these without knowing the protocol.
pub use stratus_protocol::{NodeId, SubscriptionId};
