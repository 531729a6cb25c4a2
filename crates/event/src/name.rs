//! Names of domains, event types, rulesets, rules and variables.

use std::{fmt, sync::Arc};

/// The longest name that is accepted anywhere, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// A short text that names something: a domain, an event type, a ruleset, a rule, a variable.
///
/// Not empty, at most [`NAME_BYTES_MAX`] bytes, and without control characters or white space.
/// Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks the text and makes it a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong { bytes: text.len() });
        }
        match text.chars().find(|c| c.is_control() || c.is_whitespace()) {
            Some(character) => Err(NameError::Character { character }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// Why a text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text has a character that names do not have.
    #[error("a name cannot contain {character:?}")]
    Character {
        /// The first such character.
        character: char,
    },
    /// The text is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The text is longer than [`NAME_BYTES_MAX`].
    #[error("a name has at most {NAME_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}
