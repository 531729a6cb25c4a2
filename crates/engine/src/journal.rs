//! What is read of a PEN's journal: entries, those that are wanted, and what became of effects.

use std::collections::BTreeMap;

use stratus_event::{Eci, EventId, Fault, Name, PenId, Timestamp};

use crate::{Accepted, Outcome};

/// An event that a PEN took, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place in the PEN's journal.
    pub position: u64,
    /// What came in.
    pub accepted: Accepted,
    /// What came of it; none if that is not durable yet.
    pub outcome: Option<Outcome>,
}

/// What is to be read of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Which entries.
    pub filter: Filter,
    /// Only entries after this position; with `newest_first`, before it.
    pub from: Option<u64>,
    /// In which order.
    pub newest_first: bool,
    /// At most so many.
    pub limit: usize,
}

/// Some of the wanted entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// They.
    pub entries: Vec<Entry>,
    /// Where to go on, as [`Wanted::from`]; none if nothing was looked at.
    pub next: Option<u64>,
    /// There was no more. A read looks at so many places only; so a page may be short, and yet
    /// not the last one.
    pub complete: bool,
}

/// Which entries of a PEN's journal are wanted: those for which all that is said holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Accepted at that time or later.
    pub since: Option<Timestamp>,
    /// Accepted before that time.
    pub until: Option<Timestamp>,
    /// The accepted event, or one raised while it was handled, has that domain.
    pub domain: Option<Name>,
    /// And, the same event, that type. Only together with a domain.
    pub kind: Option<Name>,
    /// It came by that channel.
    pub channel: Option<Eci>,
    /// A rule of that ruleset ran.
    pub ruleset: Option<Name>,
    /// That event is its cause.
    pub cause: Option<EventId>,
}

/// What became of an effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which of its event's effects it is.
    pub ordinal: u32,
    /// When.
    pub at: Timestamp,
    /// The receipt, or why it was not done or may not have been.
    pub end: Result<String, Fault>,
}

impl Filter {
    /// Whether an entry is wanted.
    pub fn matches(&self, accepted: &Accepted, outcome: Option<&Outcome>) -> bool {
        let runs = || outcome.iter().flat_map(|outcome| &outcome.runs);
        let raised = || runs().flat_map(|run| &run.raised).map(|(event, _)| event);
        let symbol = |domain: &Name| {
            std::iter::once(&accepted.event)
                .chain(raised())
                .any(|event| {
                    event.domain == *domain
                        && self.kind.as_ref().is_none_or(|kind| event.kind == *kind)
                })
        };
        self.since.is_none_or(|since| accepted.at >= since)
            && self.until.is_none_or(|until| accepted.at < until)
            && self.domain.as_ref().is_none_or(symbol)
            && self.channel.is_none_or(|eci| accepted.channel == Some(eci))
            && self
                .cause
                .is_none_or(|cause| accepted.event.cause == Some(cause))
            && self
                .ruleset
                .as_ref()
                .is_none_or(|rid| runs().any(|run| run.rid == *rid))
    }
}

/// Reads the journals of a node's PENs, and what is kept beside them. Each call may wait for the
/// disk.
pub trait Reader: Send + Sync {
    /// The wanted entries of a PEN.
    fn read(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault>;

    /// The events, raised ones included, whose ids lie between two, both included, and the
    /// positions of the entries in which they stand; at most so many.
    fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault>;

    /// What became of the effects of the entry at that position, as far as it is known.
    fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault>;

    /// The programs that the rulesets of a PEN had when the event at that position was evaluated;
    /// none of a ruleset that had been taken out. A ruleset that was installed by a version
    /// without this record is not here.
    fn installed(
        &self,
        pen: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault>;

    /// The text of the program of that hash, if it is kept.
    fn program(&self, hash: [u8; 32]) -> Result<Option<String>, Fault>;
}
