//! Errors that people see.

use std::{borrow::Cow, fmt};

/// An error with a stable code, told to a person.
///
/// The code is the same in the command line, the API and the dashboard, and stands in
/// `spec/errors.md`. The message says what happened, the hint what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable, lower case, words joined by hyphens, such as `channel-unknown`.
    pub code: Cow<'static, str>,
    /// Whose fault it is.
    pub whose: Whose,
    /// What happened: a lower-case fragment that fits after "error: ".
    pub message: String,
    /// What to do, if anything can be done.
    pub hint: Option<String>,
    /// When it is worth trying again, if that is known, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// A fault without a hint.
    pub fn new(whose: Whose, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            whose,
            message: message.into(),
            hint: None,
            retry_after_ms: None,
        }
    }

    /// The same fault with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same fault with a time after which to try again, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(mut self, wait_ms: u64) -> Self {
        self.retry_after_ms = Some(wait_ms);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for Fault {}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// Stratus itself is wrong; please report it.
    Bug,
    /// The one who gave the command or sent the request.
    Caller,
    /// Another node, or somebody who pretends to be one.
    Peer,
    /// A program that the owner installed.
    Ruleset,
    /// A disk, a network, a service that somebody else runs.
    World,
}

impl Whose {
    /// One word, stable, for data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bug => "bug",
            Self::Caller => "caller",
            Self::Peer => "peer",
            Self::Ruleset => "ruleset",
            Self::World => "world",
        }
    }
}
