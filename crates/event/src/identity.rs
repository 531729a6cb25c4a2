//! Identifiers that mean nothing but "the same one".

use std::fmt;

/// Names one event, over all PENs of the world.
///
/// An event from outside gets a random id from the engine; an event that a rule raises gets one
/// derived from its cause, so that evaluating again gives the same id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// The id of the `ordinal`-th event that the handling of this one raised.
    #[must_use]
    pub fn raised(&self, ordinal: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("stratus raised event id v1");
        hasher.update(&self.0).update(&ordinal.to_be_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(id)
    }
}

/// Names one PEN on the node that hosts it, and after a move.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PenId(pub [u8; 16]);

macro_rules! hexadecimal {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdentityError;

            fn from_str(text: &str) -> Result<Self, IdentityError> {
                parse(text).map(Self)
            }
        }
    };
}

hexadecimal!(EventId);
hexadecimal!(PenId);

/// The text is not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is written as 32 hexadecimal digits")]
pub struct IdentityError;

fn parse(text: &str) -> Result<[u8; 16], IdentityError> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(IdentityError);
    }
    let number = u128::from_str_radix(text, 16).map_err(|_| IdentityError)?;
    Ok(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = EventId([7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("7".parse::<EventId>(), Err(IdentityError));
        assert_eq!(
            "+7070707070707070707070707070707".parse::<EventId>(),
            Err(IdentityError)
        );
    }

    #[test]
    fn raised_ids_differ() {
        let id = EventId([7; 16]);
        assert_ne!(id.raised(0), id.raised(1));
        assert_eq!(id.raised(1), id.raised(1));
    }
}
