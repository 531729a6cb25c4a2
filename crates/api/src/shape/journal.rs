//! The journal: what came, and what was done about it.

use serde::{Deserialize, Serialize};
use stratus_engine::{OutcomeRun, RunEnd, Source, journal::Entry};
use stratus_event::{Fault, Name};
use stratus_pen::language;
use utoipa::ToSchema;

use super::{Directive, Object};
use crate::{map_to_json, to_json};

/// `GET /api/v1/journal`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Journal {
    /// Entries in the order in which they were accepted.
    pub entries: Vec<JournalEntry>,
    /// Give this as `after`, or as `before` if the newest come first, to go on; none if there is
    /// nothing yet.
    pub next: Option<u64>,
    /// There is no more for now. Where entries are sought by what is in them, an answer may have
    /// none and yet not be the last.
    #[serde(default)]
    pub complete: bool,
}

/// `POST /api/v1/journal/trim`: which entries are kept, the newest for which all that is said
/// holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trim {
    /// Taken at that time or later.
    pub since: Option<String>,
    /// No more bytes than these.
    pub bytes_max: Option<u64>,
}

/// What was dropped of the journal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Trimmed {
    /// Entries.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// An event that the PEN took.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JournalEntry {
    /// Its place.
    pub position: u64,
    /// When this node took it.
    pub at: String,
    /// The event.
    pub event: Event,
    /// The channel by which it came, if it came by one.
    pub channel: Option<String>,
    /// Who brought it.
    pub source: Cause,
    /// What came of it; none while it waits for its evaluation.
    pub outcome: Option<Outcome>,
}

impl JournalEntry {
    pub(crate) fn new(entry: Entry) -> Self {
        let Entry {
            position,
            accepted,
            outcome,
        } = entry;
        Self {
            position,
            at: accepted.at.to_string(),
            event: Event::new(&accepted.event),
            channel: accepted.channel.map(|eci| eci.to_string()),
            source: Cause::new(&accepted.source),
            outcome: outcome.map(Outcome::new),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// Its type.
    pub r#type: String,
    /// What is said about it.
    pub attributes: Object,
    /// When it was raised, by the clock of the node that raised it.
    pub time: String,
    /// The event whose rule raised it.
    pub cause: Option<String>,
}

impl Event {
    pub(crate) fn new(event: &stratus_event::Event) -> Self {
        Self {
            id: event.id.to_string(),
            domain: event.domain.to_string(),
            r#type: event.kind.to_string(),
            attributes: map_to_json(&event.attributes),
            time: event.time.to_string(),
            cause: event.cause.map(|id| id.to_string()),
        }
    }
}

/// Who brought an event; `kind` says which of these it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// Somebody who knows the ECI of a channel for which that is enough.
    Bearer {
        /// Her own id of the event.
        external_id: Option<String>,
    },
    /// The node itself tells of something.
    Engine,
    /// The owner.
    Owner,
    /// A partner.
    Partner {
        /// The id of the grant under which it came.
        grant: String,
        /// Its number under that grant.
        sequence: u64,
    },
    /// Another PEN of this node.
    Pen {
        /// Which.
        pen: String,
    },
    /// A service that signed its request.
    Service {
        /// Which.
        service: String,
        /// The service's own id of the event.
        external_id: Option<String>,
    },
    /// A timer that went off.
    Timer {
        /// Which.
        id: String,
    },
}

impl Cause {
    pub(super) fn new(source: &Source) -> Self {
        match source {
            Source::Bearer { external_id } => Self::Bearer {
                external_id: external_id.clone(),
            },
            Source::Engine => Self::Engine,
            Source::Owner => Self::Owner,
            Source::Partner { grant, sequence } => Self::Partner {
                grant: grant.to_string(),
                sequence: *sequence,
            },
            Source::Pen { pen } => Self::Pen {
                pen: pen.to_string(),
            },
            Source::Service {
                service,
                external_id,
            } => Self::Service {
                service: service.to_string(),
                external_id: external_id.clone(),
            },
            Source::Timer { id } => Self::Timer { id: id.to_string() },
        }
    }
}

/// What came of an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// When.
    pub at: String,
    /// The rule runs in order, those of raised events included.
    pub runs: Vec<Run>,
    /// What was answered.
    pub directives: Vec<Directive>,
    /// Why the evaluation as a whole was given up, if it was.
    pub failed: Option<Failure>,
}

impl Outcome {
    fn new(outcome: stratus_engine::Outcome) -> Self {
        Self {
            at: outcome.at.to_string(),
            runs: outcome.runs.into_iter().map(Run::new).collect(),
            directives: outcome.directives.into_iter().map(Directive::new).collect(),
            failed: outcome.failed.map(Failure::new),
        }
    }
}

/// What one rule did about one event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// The accepted event, or one raised while it was handled.
    pub event: Event,
    /// The ruleset.
    pub rid: String,
    /// The rule.
    pub rule: String,
    /// `fired`, `not_fired`, `not_selected` (something went wrong while it was selected) or
    /// `failed`.
    pub end: String,
    /// What went wrong, if it failed.
    pub failure: Option<Failure>,
    /// The variables it set or cleared, `ruleset:name`.
    pub changes: Vec<String>,
    /// What it changed of the PEN itself, a sentence each.
    #[serde(default)]
    pub arranged: Vec<String>,
    /// The events that it raised inside the PEN.
    #[serde(default)]
    pub raised: Vec<Event>,
    /// What its condition looked at.
    #[serde(default)]
    pub saw: Vec<Saw>,
    /// What it wanted of the world.
    pub effects: Vec<Effect>,
    /// What it logged.
    pub log: Vec<Log>,
}

impl Run {
    fn new(run: OutcomeRun) -> Self {
        let (end, failure) = end(&run.end);
        Self {
            event: Event::new(&run.event),
            rid: run.rid.to_string(),
            rule: run.rule.to_string(),
            end: end.to_owned(),
            failure,
            changes: run.changes.iter().map(variable).collect(),
            arranged: run.arranged,
            raised: run
                .raised
                .iter()
                .map(|(event, _)| Event::new(event))
                .collect(),
            saw: run.saw.iter().map(Saw::new).collect(),
            effects: run.effects.into_iter().map(Effect::new).collect(),
            log: run
                .log
                .into_iter()
                .map(|(level, text)| Log { level, text })
                .collect(),
        }
    }
}

/// An operand of a rule's condition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Saw {
    /// Its text in the program.
    pub operand: String,
    /// What it was; a large value is a text that begins like it.
    pub value: serde_json::Value,
}

impl Saw {
    pub(super) fn new((operand, value): &(String, stratus_event::Value)) -> Self {
        Self {
            operand: operand.clone(),
            value: to_json(value),
        }
    }
}

/// Work for the world; `kind` says which of these it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// Work of a connector.
    Act {
        /// Which of the event's effects it is.
        ordinal: u32,
        /// Which connector.
        connector: String,
        /// What it is to do.
        action: String,
        /// With what.
        arguments: Object,
    },
    /// An event for a partner.
    Send {
        /// Which of the event's effects it is.
        ordinal: u32,
        /// The partner's channel.
        to: String,
        /// The event's domain.
        domain: String,
        /// The event's type.
        r#type: String,
        /// The event's attributes.
        attributes: Object,
    },
}

impl Effect {
    pub(super) fn new((ordinal, effect): (u32, language::Effect)) -> Self {
        match effect {
            language::Effect::Act {
                connector,
                action,
                arguments,
            } => Self::Act {
                ordinal,
                connector: connector.to_string(),
                action: action.to_string(),
                arguments: map_to_json(&arguments),
            },
            language::Effect::Send {
                to,
                domain,
                kind,
                attributes,
            } => Self::Send {
                ordinal,
                to: to.to_string(),
                domain: domain.to_string(),
                r#type: kind.to_string(),
                attributes: map_to_json(&attributes),
            },
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Stable, listed in `spec/errors.md`.
    pub code: String,
    /// Whose fault it is.
    pub whose: String,
    /// What happened.
    pub detail: String,
    /// What to do, if anything can be done.
    pub hint: Option<String>,
}

impl Failure {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            code: fault.code.into_owned(),
            whose: fault.whose.as_str().to_owned(),
            detail: fault.message,
            hint: fault.hint,
        }
    }
}

/// A line that a rule logged.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Log {
    /// How important it is, in the ruleset's words.
    pub level: String,
    /// The line.
    pub text: String,
}

/// How a run ended, in a word, and what went wrong.
pub(super) fn end(end: &RunEnd) -> (&'static str, Option<Failure>) {
    match end {
        RunEnd::Failed(fault) => ("failed", Some(Failure::new(fault.clone()))),
        RunEnd::Fired => ("fired", None),
        RunEnd::NotFired => ("not_fired", None),
        RunEnd::NotSelected => ("not_selected", None),
    }
}

fn variable((rid, name): &(Name, Name)) -> String {
    format!("{rid}:{name}")
}
