//! Why a grant is not accepted.

use std::borrow::Cow;

use stratus_event::{Fault, Whose, codec::CodecError};

/// Why a grant, or a use of one, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The grant was handed on, or may be; this version of the format knows no chains.
    #[error("the grant is one that can be handed on, which is not supported")]
    Delegated,
    /// It begins so far in the future that one of the clocks must be wrong.
    #[error("the grant begins in the future")]
    Early,
    /// The event is larger than the grant permits.
    #[error("the event has {bytes} bytes, the grant permits {bytes_max}")]
    EventTooLarge {
        /// The event's size, in bytes.
        bytes: usize,
        /// What the grant permits, in bytes.
        bytes_max: u32,
    },
    /// It has ended.
    #[error("the grant has expired")]
    Expired,
    /// Whoever shows it does not prove that he holds it.
    #[error("the proof is not one of the grant's holder")]
    Holder,
    /// The channel's or the holder's key is no key, or a weak one.
    #[error("a key in the grant is not acceptable")]
    Key,
    /// The bytes are not a grant.
    #[error("the grant is malformed: {0}")]
    Malformed(#[from] CodecError),
    /// More events than the grant permits.
    #[error("the grant permits no event for another {retry_after_ms} ms")]
    Rate {
        /// How long to wait, in milliseconds.
        retry_after_ms: u64,
    },
    /// The grant does not permit this event or query.
    #[error("the grant does not permit {what}")]
    Scope {
        /// The event's symbol, or the query's name.
        what: String,
    },
    /// The signature is not the channel's.
    #[error("the grant's signature is wrong")]
    Signature,
    /// It is larger than any grant.
    #[error("the grant has more than {bytes_max} bytes")]
    TooLarge {
        /// The most that is accepted, in bytes.
        bytes_max: usize,
    },
    /// It is signed by another algorithm, or is a token of another type.
    #[error("the grant is of an unknown type")]
    Type,
}

impl GrantError {
    /// The stable code, as in `spec/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Delegated => "grant-delegated",
            Self::Early => "grant-early",
            Self::EventTooLarge { .. } => "grant-event-too-large",
            Self::Expired => "grant-expired",
            Self::Holder => "grant-holder",
            Self::Key => "grant-key",
            Self::Malformed(_) => "grant-malformed",
            Self::Rate { .. } => "grant-rate",
            Self::Scope { .. } => "grant-scope",
            Self::Signature => "grant-signature",
            Self::TooLarge { .. } => "grant-too-large",
            Self::Type => "grant-type",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Delegated => "ask for a grant to your own key",
            Self::Early => "check the clocks of both nodes",
            Self::EventTooLarge { .. } => "send less in one event, or ask for a wider grant",
            Self::Expired => "pair again to get a new one",
            Self::Holder => "use it from the PEN to which it was granted",
            Self::Key | Self::Malformed(_) | Self::Signature | Self::TooLarge { .. } => {
                "it was altered, or made by something that does not make grants; pair again"
            }
            Self::Rate { .. } => "send slower, or ask for a wider grant",
            Self::Scope { .. } => "ask the one who granted for a wider grant",
            Self::Type => "both nodes must run versions that know it",
        }
    }
}

impl From<GrantError> for Fault {
    fn from(error: GrantError) -> Self {
        Self {
            code: Cow::Borrowed(error.code()),
            whose: Whose::Peer,
            message: error.to_string(),
            hint: Some(error.hint().to_owned()),
            retry_after_ms: None,
        }
    }
}
