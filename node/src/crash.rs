//! Crash points, for tests of what survives a crash.
//!
//! `STRATUS_CRASH_AT=BOUNDARY:N` makes the process kill itself, as `kill -9` does, when it passes
//! that boundary for the N-th time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use stratus_event::{Fault, Whose};

use crate::exit::Failure;

/// A place between two things that a crash may come between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Boundary {
    /// An event without an outcome became durable.
    Accepted,
    /// The removal of an acknowledged message became durable.
    Ack,
    /// A frame with events was handed to the network, which had a moment to write it.
    FrameSent,
    /// An outcome became durable; nothing that rests on it has left.
    Outcome,
    /// A request to a service was written; its answer is unread.
    RequestSent,
}

/// Where this process is to crash, if anywhere.
#[derive(Debug, Default)]
pub(crate) struct CrashPoint {
    at: Option<Boundary>,
    passings_left: AtomicU64,
}

impl CrashPoint {
    /// Reads the environment. Without the variable there is no crash.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        match std::env::var(VARIABLE) {
            Ok(text) => Self::parse(&text),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Counts a passing, and kills the process if it is the one.
    pub(crate) fn pass(&self, boundary: Boundary) {
        if self.at != Some(boundary) || self.passings_left.fetch_sub(1, Ordering::Relaxed) != 1 {
            return;
        }
        if boundary == Boundary::FrameSent {
            // The network writes in its own task; it has no way to say that it has written.
            std::thread::sleep(FLUSH_WAIT);
        }
        kill();
    }

    fn parse(text: &str) -> Result<Self, Failure> {
        let (name, count) = text.split_once(':').ok_or_else(|| wrong(text))?;
        let (_, boundary) = BOUNDARIES
            .iter()
            .find(|(n, _)| *n == name)
            .ok_or_else(|| wrong(text))?;
        let passings = count
            .parse()
            .ok()
            .filter(|n| *n > 0)
            .ok_or_else(|| wrong(text))?;
        Ok(Self {
            at: Some(*boundary),
            passings_left: AtomicU64::new(passings),
        })
    }
}

/// The kernel ends the process at once; nothing is flushed and nothing is told.
fn kill() {
    let killed =
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    if let Err(error) = killed {
        tracing::error!(%error, "the crash that was asked for did not come");
    }
}

fn wrong(text: &str) -> Failure {
    let message = format!("{VARIABLE} is {text:?}, which names no crash point");
    Fault::new(Whose::Caller, "crash-point-unknown", message)
        .hint("write BOUNDARY:N with accepted, ack, frame_sent, outcome or request_sent")
        .into()
}

const VARIABLE: &str = "STRATUS_CRASH_AT";

const BOUNDARIES: [(&str, Boundary); 5] = [
    ("accepted", Boundary::Accepted),
    ("ack", Boundary::Ack),
    ("frame_sent", Boundary::FrameSent),
    ("outcome", Boundary::Outcome),
    ("request_sent", Boundary::RequestSent),
];

const FLUSH_WAIT: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crash_points_are_named() {
        let point = CrashPoint::parse("frame_sent:3").unwrap();
        assert_eq!(point.at, Some(Boundary::FrameSent));
        for text in [
            "",
            "outcome",
            "outcome:",
            "outcome:0",
            "outcome:-1",
            "nowhere:1",
        ] {
            let Err(Failure::Fault(fault, _)) = CrashPoint::parse(text) else {
                panic!("{text}")
            };
            assert_eq!(fault.code, "crash-point-unknown");
        }
    }

    #[test]
    fn other_boundaries_and_earlier_passings_do_not_kill() {
        let point = CrashPoint::parse("outcome:2").unwrap();
        point.pass(Boundary::Ack);
        point.pass(Boundary::Outcome);
        CrashPoint::default().pass(Boundary::Outcome);
        assert_eq!(point.passings_left.load(Ordering::Relaxed), 1);
    }
}
