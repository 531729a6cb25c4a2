//! Engines in a loop: no socket, no clock, no disk; every crash is a value.

mod chatter;
mod world;

mod commands;
mod crashes;
mod effects;
mod events;
mod partners;
mod timers;
