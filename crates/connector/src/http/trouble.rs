//! Why there is no good answer.

use stratus_event::{Fault, Whose};

use super::not_done;
use crate::{Verdict, broken::reason};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The service has no time, or failed and may be asked again.
    Busy,
    /// Nobody knows whether it was done, and doing it twice could harm.
    Doubt,
    /// The answer is too long.
    Oversize,
    /// The service will not do it.
    Refused,
    /// The request left; no whole answer came.
    Unanswered,
    /// No connection, so nothing was sent.
    Unreachable,
    /// It cannot be sent as the ruleset says it.
    Wrong,
}

impl Trouble {
    /// What it means that no answer came. The address may hold a secret, so it is not told.
    pub(super) fn of(error: &reqwest::Error) -> (Fault, Self) {
        let trouble = if error.is_builder() {
            Self::Wrong
        } else if error.is_connect() {
            Self::Unreachable
        } else {
            Self::Unanswered
        };
        (trouble.fault(&reason(error)), trouble)
    }

    /// In the stable words of `spec/errors.md`.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Busy => "http-busy",
            Self::Doubt => "http-in-doubt",
            Self::Oversize => "http-answer-oversize",
            Self::Refused => "http-refused",
            Self::Unanswered => "http-no-answer",
            Self::Unreachable => "http-unreachable",
            Self::Wrong => "http-request-wrong",
        }
    }

    pub(super) fn fault(self, reason: &str) -> Fault {
        let whose = match self {
            Self::Wrong => Whose::Ruleset,
            _ => Whose::World,
        };
        Fault::new(whose, self.code(), reason.to_owned())
    }

    /// What it means for something that was to be done.
    pub(super) fn verdict(self, reason: String, repeatable: bool) -> Verdict {
        match self {
            Self::Unreachable => not_done(self, reason, true),
            Self::Unanswered if repeatable => not_done(self, reason, true),
            Self::Unanswered => not_done(Self::Doubt, reason, false),
            _ => not_done(self, reason, false),
        }
    }
}
