//! Tests of whole federations.

mod delivery;
mod greeting;
mod hostile;
mod owner;
mod pairing;
mod scene;
mod sessions;
mod vectors;
mod world;
