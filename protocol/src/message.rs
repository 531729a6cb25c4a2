//! The messages of the protocol, one per frame: `spec/protocol.cddl`.

use stratus_capability::{GRANT_BYTES_MAX, GrantId, HolderKey};
use stratus_event::codec::{self, CodecError, Fields, Limits, Record};

use crate::SubscriptionId;

/// What one node says to another. The number of each is field 0 of its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// 0, first on each stream, from both sides.
    Hello {
        nonce: [u8; 32],
        addresses: Vec<String>,
    },
    /// 1, sender: the grant of a session, and the proof that its holder speaks.
    Prove {
        session: u64,
        grant: Vec<u8>,
        proof: [u8; 64],
    },
    /// 2, receiver: the session is open; all events up to `through` are durable.
    Opened { session: u64, through: u64 },
    /// 3, receiver: the session is not, or no longer, open.
    Refused { session: u64, code: String },
    /// 4, sender: encoded events, numbered from `first`. An empty one was withdrawn.
    Events {
        session: u64,
        first: u64,
        events: Vec<Vec<u8>>,
    },
    /// 5, receiver: all events up to `through` are durable.
    Ack { session: u64, through: u64 },
    /// 6, receiver: it is durable that this event is refused; those before it are durable.
    Reject {
        session: u64,
        sequence: u64,
        code: String,
    },
    /// 7, receiver: this event came too fast; send it and all later ones after a while.
    Quota {
        session: u64,
        sequence: u64,
        retry_ms: u64,
    },
    /// 8, receiver: send this event and all later ones again.
    Resume { session: u64, sequence: u64 },
    /// 9, receiver: these grants are revoked.
    Ended { grants: Vec<GrantId> },
    /// 10, redeemer: I have this invite, and hold this key.
    Redeem {
        invite: [u8; 16],
        link: [u8; 32],
        holder: HolderKey,
        proof: [u8; 32],
        name: Option<String>,
    },
    /// 11, inviter: your grant, and the key that my grant is to be for.
    Granted {
        subscription: SubscriptionId,
        grant: Vec<u8>,
        holder: HolderKey,
    },
    /// 12, redeemer: your grant.
    Confirm {
        subscription: SubscriptionId,
        grant: Vec<u8>,
    },
    /// 13, inviter: the subscription is durable here.
    Established { subscription: SubscriptionId },
    /// 14, either: there will be no subscription.
    PairingRefused {
        subscription: SubscriptionId,
        code: String,
    },
    /// 15, either: what you sent is wrong.
    Wrong { code: String },
}

/// Whether a frame carries events. It must be a frame that this node wrote itself; of another's it
/// would say nothing.
pub fn carries_events(frame: &[u8]) -> bool {
    // A map, whose first entry is field 0 with the number of the message.
    matches!(frame, [_, 0, EVENTS, ..])
}

impl Message {
    /// The frame.
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(&self.record().into())
    }

    /// What the frame says.
    pub(crate) fn decode(bytes: &[u8], frame_bytes_max: usize) -> Result<Self, MessageError> {
        let limits = Limits {
            bytes_max: frame_bytes_max,
            depth_max: FRAME_DEPTH_MAX,
            // Each item takes a byte at least, so the bytes are the limit.
            items_max: frame_bytes_max,
            tags: &[],
        };
        let mut fields = Fields::new(codec::decode(bytes, &limits)?, "a frame")?;
        let kind = fields.read(0)?;
        let message = Self::read(kind, &mut fields)?;
        fields.finish()?;
        Ok(message)
    }

    fn record(&self) -> Record {
        let record = Record::new().with(0, self.number());
        match self {
            Self::Hello { nonce, addresses } => record
                .with(1, VERSION)
                .with(2, *nonce)
                .with_list(3, addresses.iter().map(String::as_str)),
            Self::Prove {
                session,
                grant,
                proof,
            } => record
                .with(1, *session)
                .with(2, grant.as_slice())
                .with(3, *proof),
            Self::Opened { session, through } | Self::Ack { session, through } => {
                record.with(1, *session).with(2, *through)
            }
            Self::Refused { session, code } => record.with(1, *session).with(2, code.as_str()),
            Self::Events {
                session,
                first,
                events,
            } => record
                .with(1, *session)
                .with(2, *first)
                .with_list(3, events.iter().map(Vec::as_slice)),
            Self::Reject {
                session,
                sequence,
                code,
            } => record
                .with(1, *session)
                .with(2, *sequence)
                .with(3, code.as_str()),
            Self::Quota {
                session,
                sequence,
                retry_ms,
            } => record
                .with(1, *session)
                .with(2, *sequence)
                .with(3, *retry_ms),
            Self::Resume { session, sequence } => record.with(1, *session).with(2, *sequence),
            Self::Ended { grants } => record.with_list(1, grants.iter().map(|grant| grant.0)),
            Self::Redeem { .. }
            | Self::Granted { .. }
            | Self::Confirm { .. }
            | Self::Established { .. }
            | Self::PairingRefused { .. } => self.pairing_record(record),
            Self::Wrong { code } => record.with(1, code.as_str()),
        }
    }

    fn pairing_record(&self, record: Record) -> Record {
        match self {
            Self::Redeem {
                invite,
                link,
                holder,
                proof,
                name,
            } => record
                .with(1, *invite)
                .with(2, *link)
                .with(3, holder.0)
                .with(4, *proof)
                .with_some(5, name.as_deref()),
            Self::Granted {
                subscription,
                grant,
                holder,
            } => record
                .with(1, subscription.0)
                .with(2, grant.as_slice())
                .with(3, holder.0),
            Self::Confirm {
                subscription,
                grant,
            } => record.with(1, subscription.0).with(2, grant.as_slice()),
            Self::Established { subscription } => record.with(1, subscription.0),
            Self::PairingRefused { subscription, code } => {
                record.with(1, subscription.0).with(2, code.as_str())
            }
            _ => record,
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Hello { .. } => 0,
            Self::Prove { .. } => 1,
            Self::Opened { .. } => 2,
            Self::Refused { .. } => 3,
            Self::Events { .. } => EVENTS.into(),
            Self::Ack { .. } => 5,
            Self::Reject { .. } => 6,
            Self::Quota { .. } => 7,
            Self::Resume { .. } => 8,
            Self::Ended { .. } => 9,
            Self::Redeem { .. } => 10,
            Self::Granted { .. } => 11,
            Self::Confirm { .. } => 12,
            Self::Established { .. } => 13,
            Self::PairingRefused { .. } => 14,
            Self::Wrong { .. } => 15,
        }
    }

    fn read(kind: u64, fields: &mut Fields) -> Result<Self, MessageError> {
        let message = match kind {
            0 => return read_hello(fields),
            1 => Self::Prove {
                session: fields.read(1)?,
                grant: read_grant(fields)?,
                proof: fields.read(3)?,
            },
            2 => Self::Opened {
                session: fields.read(1)?,
                through: fields.read(2)?,
            },
            3 => Self::Refused {
                session: fields.read(1)?,
                code: read_code(fields, 2)?,
            },
            4 => Self::Events {
                session: fields.read(1)?,
                first: read_sequence(fields)?,
                events: fields.read_list(3)?,
            },
            5 => Self::Ack {
                session: fields.read(1)?,
                through: fields.read(2)?,
            },
            6 => Self::Reject {
                session: fields.read(1)?,
                sequence: read_sequence(fields)?,
                code: read_code(fields, 3)?,
            },
            7 => Self::Quota {
                session: fields.read(1)?,
                sequence: read_sequence(fields)?,
                retry_ms: fields.read(3)?,
            },
            8 => Self::Resume {
                session: fields.read(1)?,
                sequence: read_sequence(fields)?,
            },
            9 => Self::Ended {
                grants: read_ended(fields)?,
            },
            15 => Self::Wrong {
                code: read_code(fields, 1)?,
            },
            _ => return Self::read_pairing(kind, fields),
        };
        Ok(message)
    }

    fn read_pairing(kind: u64, fields: &mut Fields) -> Result<Self, MessageError> {
        let message = match kind {
            10 => Self::Redeem {
                invite: fields.read(1)?,
                link: fields.read(2)?,
                holder: HolderKey(fields.read(3)?),
                proof: fields.read(4)?,
                name: read_name(fields)?,
            },
            11 => Self::Granted {
                subscription: SubscriptionId(fields.read(1)?),
                grant: read_grant(fields)?,
                holder: HolderKey(fields.read(3)?),
            },
            12 => Self::Confirm {
                subscription: SubscriptionId(fields.read(1)?),
                grant: read_grant(fields)?,
            },
            13 => Self::Established {
                subscription: SubscriptionId(fields.read(1)?),
            },
            14 => Self::PairingRefused {
                subscription: SubscriptionId(fields.read(1)?),
                code: read_code(fields, 2)?,
            },
            _ => return Err(MessageError::Unknown),
        };
        Ok(message)
    }
}

/// Why a frame is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("a message of an unknown sort")]
    Unknown,
    #[error("a hello of another version")]
    Version,
}

impl MessageError {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Codec(CodecError::BytesOverLimit { .. }) => "frame-oversize",
            Self::Codec(_) => "frame-malformed",
            Self::Unknown => "frame-unknown",
            Self::Version => "version-unsupported",
        }
    }
}

/// A later version may have other fields, so the version is looked at first.
fn read_hello(fields: &mut Fields) -> Result<Message, MessageError> {
    if fields.read::<u64>(1)? != VERSION {
        return Err(MessageError::Version);
    }
    let nonce = fields.read(2)?;
    let addresses = fields.read_list::<String>(3)?;
    let short = addresses
        .iter()
        .all(|address| address.len() <= ADDRESS_BYTES_MAX);
    require(
        short && addresses.len() <= ADDRESSES_MAX,
        "a few short addresses",
    )?;
    Ok(Message::Hello { nonce, addresses })
}

fn read_name(fields: &mut Fields) -> Result<Option<String>, CodecError> {
    let name = fields.read_optional::<String>(5)?;
    require(name.as_deref().is_none_or(is_peer_name), "a short name")?;
    Ok(name)
}

fn read_grant(fields: &mut Fields) -> Result<Vec<u8>, CodecError> {
    let grant: Vec<u8> = fields.read(2)?;
    require(
        grant.len() <= GRANT_BYTES_MAX,
        "a grant that is not too large",
    )?;
    Ok(grant)
}

/// Numbers of events begin at 1.
fn read_sequence(fields: &mut Fields) -> Result<u64, CodecError> {
    let sequence = fields.read(2)?;
    require(sequence > 0, "a sequence number from 1")?;
    Ok(sequence)
}

fn read_ended(fields: &mut Fields) -> Result<Vec<GrantId>, CodecError> {
    let grants = fields.read_list::<[u8; 16]>(1)?;
    require(grants.len() <= ENDED_MAX, "at most 256 grant ids")?;
    Ok(grants.into_iter().map(GrantId).collect())
}

fn read_code(fields: &mut Fields, key: i64) -> Result<String, CodecError> {
    let code: String = fields.read(key)?;
    require(is_code(&code), "an error code")?;
    Ok(code)
}

/// Whether a text can be sent as an error code.
pub(crate) fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=CODE_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether a node can introduce itself by a text.
pub(crate) fn is_peer_name(text: &str) -> bool {
    (1..=PEER_NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn require(holds: bool, expected: &'static str) -> Result<(), CodecError> {
    if holds {
        Ok(())
    } else {
        Err(CodecError::Mismatch { expected })
    }
}

/// The version of the protocol.
pub(crate) const VERSION: u64 = 1;

/// The most addresses in a Hello, and in an invite.
pub(crate) const ADDRESSES_MAX: usize = 16;

/// The longest address, in bytes.
pub(crate) const ADDRESS_BYTES_MAX: usize = 256;

/// The longest error code, in bytes.
const CODE_BYTES_MAX: usize = 64;

/// The most grants in one notice that they are revoked.
pub(crate) const ENDED_MAX: usize = 256;

/// A frame is a map of numbers, strings and at most a list of strings.
const FRAME_DEPTH_MAX: usize = 2;

/// The longest name by which a node introduces itself, in bytes.
const PEER_NAME_BYTES_MAX: usize = 128;

/// The number of [`Message::Events`].
const EVENTS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_with_events_are_told_from_others() {
        let (session, first, events) = (0, 1, vec![vec![0]]);
        let frame = Message::Events {
            session,
            first,
            events,
        }
        .encode();
        assert!(carries_events(&frame));
        assert!(!carries_events(
            &Message::Ack {
                session: 4,
                through: 4
            }
            .encode()
        ));
        assert!(!carries_events(&[]));
    }
}
