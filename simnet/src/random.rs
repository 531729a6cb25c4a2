//! Randomness from the world's seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of random numbers, the same on every machine.
#[derive(Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of that seed and purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("stratus simnet random v1");
        hasher
            .update(&seed.to_be_bytes())
            .update(purpose.as_bytes());
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        // The bias of the remainder is below 2^-32 for the small ranges used here.
        low + self.0.next_u64() % (high - low + 1)
    }

    /// Whether something that happens `per_million` times in a million happens now.
    pub(crate) fn chance(&mut self, per_million: u64) -> bool {
        self.between(1, 1_000_000) <= per_million
    }

    /// 32 random bytes.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }
}
