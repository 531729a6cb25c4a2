//! Minting and verifying.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use stratus_event::{Eci, Map, Name, Timestamp};

use crate::{
    GrantError, GrantHash, GrantId, HolderKey, SigningKey, Terms, claims, sentence, sign1::Sign1,
};

/// The right to send to a channel, within limits. It exists only verified: its signature is the
/// channel's, and its bytes are the one encoding of what it says. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    bytes: Arc<[u8]>,
    eci: Eci,
    hash: GrantHash,
    terms: Arc<Terms>,
}

/// The most bytes that a grant has. A typical one has about 250.
pub const GRANT_BYTES_MAX: usize = 2048;

/// How far in the future a grant may begin, because clocks differ.
pub const CLOCK_SKEW_SECONDS_MAX: u64 = 300;

impl Grant {
    /// Whose channel the bytes say they are for. Nothing is verified: look up the channel, and drop
    /// what is for none, before any work is done.
    pub fn issuer(bytes: &[u8]) -> Result<Eci, GrantError> {
        Ok(Sign1::read(bytes)?.issuer)
    }

    /// Reads and verifies a grant, over the bytes as they are. Whether it is in force, revoked or
    /// of the channel's generation is not looked at.
    pub fn verify(bytes: &[u8]) -> Result<Self, GrantError> {
        let message = Sign1::read(bytes)?;
        let terms = claims::read(&message.payload)?;
        message.verify()?;
        let hash = GrantHash(Sha256::digest(bytes).into());
        Ok(Self {
            bytes: bytes.into(),
            eci: message.issuer,
            hash,
            terms: Arc::new(terms),
        })
    }

    /// The channel that it is for.
    pub fn eci(&self) -> Eci {
        self.eci
    }

    /// The SHA-256 of its bytes.
    pub fn hash(&self) -> GrantHash {
        self.hash
    }

    /// The name by which it is revoked.
    pub fn id(&self) -> GrantId {
        self.terms.id
    }

    /// Who may use it.
    pub fn holder(&self) -> HolderKey {
        self.terms.holder
    }

    /// What it says.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it has begun and not ended.
    pub fn in_force(&self, now: Timestamp) -> Result<(), GrantError> {
        if now.seconds() >= self.terms.expires {
            return Err(GrantError::Expired);
        }
        if now.seconds().saturating_add(CLOCK_SKEW_SECONDS_MAX) < self.terms.issued {
            return Err(GrantError::Early);
        }
        Ok(())
    }

    /// Whether an event may be raised that has `event_bytes` bytes.
    pub fn permits(
        &self,
        domain: &Name,
        kind: &Name,
        attributes: &Map,
        event_bytes: usize,
    ) -> Result<(), GrantError> {
        let bytes_max = self.terms.event_bytes_max;
        if u32::try_from(event_bytes).map_or(true, |bytes| bytes > bytes_max) {
            return Err(GrantError::EventTooLarge {
                bytes: event_bytes,
                bytes_max,
            });
        }
        if self.terms.scope.allows_event(domain, kind, attributes) {
            return Ok(());
        }
        Err(GrantError::Scope {
            what: format!("{domain}:{kind} with these attributes"),
        })
    }

    /// Whether a query may be asked.
    pub fn permits_query(
        &self,
        rid: &Name,
        name: &Name,
        arguments: &Map,
    ) -> Result<(), GrantError> {
        if self.terms.scope.allows_query(rid, name, arguments) {
            return Ok(());
        }
        Err(GrantError::Scope {
            what: format!("the query {rid}/{name} with these arguments"),
        })
    }

    /// What it permits, in words for people.
    pub fn sentence(&self) -> String {
        sentence::sentence(&self.terms)
    }
}

/// Makes a grant for the channel of that key.
///
/// The same key and terms give the same bytes. Terms that no grant can have (an end before the
/// beginning, a depth other than 0, a weak holder key) give bytes that nobody accepts.
pub fn mint(key: &SigningKey, terms: &Terms) -> Vec<u8> {
    Sign1::write(key, claims::write(terms))
}
