//! Tests of whole federations.

mod delivery;
mod hostile;
mod owner;
mod pairing;
mod vectors;
mod world;
