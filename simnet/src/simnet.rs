//! A world of engines: clock, links, faults, workload, checkers, all from one seed.
//!
//! A [`World`] runs the production engine of many nodes on virtual time. The engines exchange
//! nothing but encoded frames; their disks keep committed batches and lose the others; nodes crash
//! at the boundaries where it hurts and start again from what their disk has. Same seed, same
//! trace: everything random comes from the seed, and [`World::trace`] hashes every input and output
//! in order.
//!
//! A workload ([`on_call`]) plays people, and a checker ([`checker`]), which shares nothing with
//! it but the record of what people sent and saw, says what was wrong.

pub mod checker;
mod disk;
mod fault;
mod link;
pub mod on_call;
mod phone;
mod queue;
mod random;
mod world;

pub use fault::Faults;
pub use phone::Text;
pub use world::{NodeIndex, Notice, World};
