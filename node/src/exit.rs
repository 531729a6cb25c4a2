//! How a command ends when it fails: what it says and with which status.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use stratus_event::{Fault, Whose};

/// A command that failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads what we say; that is not our concern.
    BrokenPipe,
    /// A fault, and what caused it, nearest cause first.
    Fault(Box<Fault>, Vec<String>),
}

impl Failure {
    /// A fault with its causes.
    pub(crate) fn caused(fault: Fault, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        Self::Fault(Box::new(fault), causes.map(ToString::to_string).collect())
    }

    /// The same failure with a hint.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Fault(fault, causes) => Self::Fault(Box::new(fault.hint(hint)), causes),
            Self::BrokenPipe => self,
        }
    }

    /// The code of the fault, and what is to be said of it in one line; none of a pipe that nobody
    /// reads.
    pub(crate) fn told(&self) -> Option<(&str, String)> {
        let Self::Fault(fault, causes) = self else {
            return None;
        };
        let message = std::iter::once(&*fault.message).chain(causes.iter().map(String::as_str));
        Some((&fault.code, message.collect::<Vec<_>>().join(": ")))
    }

    /// The fault that it is.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault, _) => *fault,
            Self::BrokenPipe => Fault::new(
                Whose::World,
                "system-refused",
                "nobody reads what is written",
            ),
        }
    }

    /// Says on stderr what went wrong, and gives the status of the process.
    pub(crate) fn report(&self) -> ExitCode {
        // Where stderr is closed there is nobody to tell.
        let _ = io::stderr().write_all(self.text().as_bytes());
        ExitCode::from(self.status())
    }

    fn text(&self) -> String {
        let Self::Fault(fault, causes) = self else {
            return String::new();
        };
        let mut text = format!("error: {} [{}]\n", fault.message, fault.code);
        for cause in causes {
            let _ = writeln!(text, "  caused by: {cause}");
        }
        if fault.whose == Whose::Bug {
            text.push_str("This is a bug of Stratus. Please report it, with the lines above.\n");
        }
        if let Some(hint) = &fault.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    fn status(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Fault(fault, _) => match (&*fault.code, fault.whose) {
                ("argument-malformed" | "log-level-unknown", _) => 2,
                ("node-not-running" | "node-stopping", _) => 3,
                (_, Whose::Peer) => 4,
                (_, Whose::Bug) => 5,
                (_, Whose::Caller | Whose::Ruleset | Whose::World) => 1,
            },
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault), Vec::new())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        let fault = Fault::new(
            Whose::World,
            "system-refused",
            "the system did not do its part",
        );
        Self::caused(fault, &error)
    }
}

/// The failure of a command line that cannot be understood, though it has the right form.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Fault::new(Whose::Caller, "argument-malformed", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(whose: Whose, code: &'static str, status: u8) {
        let failure = Failure::from(Fault::new(whose, code, "x"));
        assert_eq!(failure.status(), status, "{code}");
    }

    #[test]
    fn statuses_say_what_to_do_next() {
        check(Whose::Caller, "channel-unknown", 1);
        check(Whose::World, "listen-failed", 1);
        check(Whose::Ruleset, "fuel-spent", 1);
        check(Whose::Caller, "argument-malformed", 2);
        check(Whose::Caller, "log-level-unknown", 2);
        check(Whose::World, "node-not-running", 3);
        check(Whose::World, "node-stopping", 3);
        check(Whose::Peer, "invite-expired", 4);
        check(Whose::Bug, "answer-unexpected", 5);
        assert_eq!(
            Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).status(),
            0
        );
    }

    #[test]
    fn an_argument_that_is_wrong_is_a_matter_of_usage() {
        assert_eq!(usage("x").status(), 2);
        assert!(usage("x").text().contains("[argument-malformed]"));
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let failure = Failure::from(io::Error::other("no space left")).hint("make room");
        let expected = "error: the system did not do its part [system-refused]\n  \
                        caused by: no space left\nhint: make room\n";
        assert_eq!(failure.text(), expected);
    }
}
