//! What every connector is asked, and answers.

use stratus_event::{Map, Name, Timestamp};

/// One effect to perform.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is to be done, such as `send_sms`.
    pub action: Name,
    /// With what.
    pub arguments: Map,
    /// When it was first wanted.
    pub wanted: Timestamp,
    /// It may have been done already: find out first, and do it only if it was not.
    pub doubt: bool,
    /// Receipts of this connector that belong to other effects.
    pub receipts: Vec<String>,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was done.
    Done {
        /// The service's own id of it, such as a message's sid.
        receipt: String,
    },
    /// It was not done, for certain.
    NotDone {
        /// Stable, listed in `spec/errors.md`.
        code: &'static str,
        /// What the service or the network said.
        reason: String,
        /// Whether trying again may help.
        again: bool,
    },
    /// It is not known whether it was done; it has to be settled (`doubt`) before it is tried
    /// again.
    Unknown {
        /// What happened.
        reason: String,
    },
}

/// Where in an effect a process can die and leave it in doubt; told to whoever wants to be there,
/// such as a test that stops the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// The service has done it and begun to answer, and nothing of the answer's content has been
    /// read. This is later than the last byte of the request, which the HTTP client does not
    /// show; but only from here on it is certain that the service has it.
    AnswerUnread,
    /// Nothing has left this process yet.
    RequestUnsent,
}
