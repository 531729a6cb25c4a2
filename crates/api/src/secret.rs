//! Secrets that nobody can guess: tokens, sessions and links. Only their hashes are kept.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use stratus_event::{Fault, Whose};

/// 256 random bits as text. Whoever has it is let in, so it is shown once.
pub(crate) struct Secret(String);

impl Secret {
    /// A new one, of the system's randomness.
    pub(crate) fn new() -> Result<Self, Fault> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            let message = format!("the system gives no randomness: {error}");
            Fault::new(Whose::World, "randomness-missing", message)
        })?;
        let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self(format!("{PREFIX}{text}")))
    }

    /// The one that somebody shows.
    pub(crate) fn shown(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, for its owner.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it. It tells nothing of a text of 256 random bits, so it needs no salt, and
    /// to find it in a table takes no time that a stranger could learn from.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// By it, programs that look for secrets in texts know one of ours.
const PREFIX: &str = "stratus_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_and_is_never_printed() {
        let (a, b) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(a.expose().len(), PREFIX.len() + 43);
        assert_eq!(Secret::shown(a.expose()).hash(), a.hash());
        assert_ne!(a.hash(), b.hash());
        assert_eq!(format!("{a:?}"), "Secret(…)");
    }
}
