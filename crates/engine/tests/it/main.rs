//! Engines in a loop: no socket, no clock, no disk; every crash is a value.

#[cfg(test)]
mod chatter;
#[cfg(test)]
mod world;

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod events;
#[cfg(test)]
mod family;
#[cfg(test)]
mod instants;
#[cfg(test)]
mod library;
#[cfg(test)]
mod matches;
#[cfg(test)]
mod partners;
#[cfg(test)]
mod rulesets;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod variables;
#[cfg(test)]
mod waking;
