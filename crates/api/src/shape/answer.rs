//! What commands are answered.

use serde::{Deserialize, Serialize};
use stratus_engine::PenListing;
use stratus_event::{EventId, Name};
use stratus_pen::language;
use utoipa::ToSchema;

use super::Object;
use crate::map_to_json;

/// `GET /api/v1/status`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The node's id (libp2p peer id).
    pub node: String,
    /// The version of the program that runs.
    pub version: String,
    /// Where the node can be reached (multiaddresses).
    pub addresses: Vec<String>,
    /// The PENs it hosts.
    pub pens: Vec<StatusPen>,
    /// The PEN that the API is about.
    pub pen: String,
    /// The channel by which the owner's events come in.
    pub owner_channel: String,
    /// The nodes it has a stream with.
    pub connected: Vec<String>,
}

/// A PEN in a status.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusPen {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose child it is; none if it is the first of its family.
    #[serde(default)]
    pub parent: Option<String>,
}

impl StatusPen {
    pub(crate) fn new(pen: PenListing) -> Self {
        Self {
            id: pen.id.to_string(),
            name: pen.name,
            parent: pen.parent.map(|parent| parent.to_string()),
        }
    }
}

/// The answer to `POST /api/v1/invites`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// Its id, by which it can be withdrawn.
    pub id: String,
    /// What to give to the partner. Whoever has it can use it.
    pub link: String,
    /// What it grants.
    pub sentence: String,
}

/// The answer to `POST /api/v1/pairings`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Paired {
    /// The subscription's id.
    pub subscription: String,
    /// `established`, or `pending` if the other node cannot be reached yet.
    pub state: String,
    /// What was granted, once it is established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
}

/// The answer to `POST /api/v1/events`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Raised {
    /// The event's id.
    pub event: String,
    /// Its place in the journal.
    pub position: u64,
    /// It had come before; nothing was raised again.
    pub duplicate: bool,
    /// What its rules answered, if that was waited for.
    pub directives: Vec<Directive>,
}

impl Raised {
    pub(crate) fn new(
        event: EventId,
        position: u64,
        duplicate: bool,
        directives: Vec<language::Directive>,
    ) -> Self {
        let directives = directives.into_iter().map(Directive::new).collect();
        Self {
            event: event.to_string(),
            position,
            duplicate,
            directives,
        }
    }
}

/// What a rule answers to whoever raised the event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// Its options.
    pub options: Object,
    /// The ruleset that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// The rule that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Directive {
    pub(crate) fn new(directive: language::Directive) -> Self {
        let (rid, rule) = directive.by.unzip();
        Self {
            name: directive.name,
            options: map_to_json(&directive.options),
            rid: rid.map(|rid| rid.to_string()),
            rule: rule.map(|rule| rule.to_string()),
        }
    }
}

/// Any request that is not done (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:stratus:fault:` and the code.
    pub r#type: String,
    /// The code in words; the same for every fault of that code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// Stable, listed in `spec/errors.md`.
    pub code: String,
    /// Whose fault it is: `bug`, `caller`, `peer`, `ruleset` or `world`.
    pub whose: String,
    /// What to do, if anything can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Names as texts.
pub(crate) fn texts<'a>(names: impl IntoIterator<Item = &'a Name>) -> Vec<String> {
    names.into_iter().map(ToString::to_string).collect()
}
