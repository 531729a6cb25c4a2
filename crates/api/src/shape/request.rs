//! What is sent. A member that is not known is an error.

use serde::{Deserialize, Serialize};
use stratus_pen::Bearer;

use super::Object;

/// `POST /api/v1/rulesets`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// The program's text.
    pub source: String,
}

/// `POST /api/v1/channels`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeChannel {
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Events that may come in, such as `schedule:inquiry` or `twilio:*`. None at first.
    #[serde(default)]
    pub events: Vec<String>,
    /// Queries that may be asked, `ruleset:name` or with `*`. None at first.
    #[serde(default)]
    pub queries: Vec<String>,
    /// For whom its ECI is enough.
    #[serde(default)]
    pub legacy: Legacy,
}

/// For whom it is enough to know a channel's ECI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Legacy {
    /// Whoever has it, from wherever.
    Anywhere,
    /// Whoever has it and is on the node's computer or in the private network around it.
    Nearby,
    /// Nobody.
    #[default]
    Nobody,
}

impl Legacy {
    pub(crate) fn new(bearer: Bearer) -> Self {
        match bearer {
            Bearer::Anywhere => Self::Anywhere,
            Bearer::Nearby => Self::Nearby,
            Bearer::Nobody => Self::Nobody,
        }
    }

    pub(crate) fn bearer(self) -> Bearer {
        match self {
            Self::Anywhere => Bearer::Anywhere,
            Self::Nearby => Bearer::Nearby,
            Self::Nobody => Bearer::Nobody,
        }
    }
}

/// `POST /api/v1/invites`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeInvite {
    /// What the partner is called here.
    pub name: String,
    /// The part that this PEN plays.
    pub role_mine: String,
    /// The part that the partner plays.
    pub role_theirs: String,
    /// Events that the partner may send here, `domain:type`.
    #[serde(default)]
    pub offered: Vec<String>,
    /// Events that the partner must let this PEN send, `domain:type`.
    #[serde(default)]
    pub wanted: Vec<String>,
    /// For how long it can be used, in seconds.
    #[serde(default = "an_hour")]
    pub expires_s: u64,
    /// How many may use it.
    #[serde(default = "one")]
    pub uses: u32,
}

/// `POST /api/v1/pairings`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The invite's link, `stratus:…`.
    pub link: String,
    /// What the partner is called here; else the name that the invite gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long to wait for the partner's node before answering that it is pending.
    #[serde(default = "ten_seconds_ms")]
    pub wait_ms: u64,
}

/// `POST /api/v1/queries`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Which ruleset.
    pub rid: String,
    /// Which of its shared functions.
    pub name: String,
    /// With what.
    #[serde(default)]
    pub arguments: Object,
}

/// `POST /api/v1/events`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raise {
    /// By which channel; the owner's own if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eci: Option<String>,
    /// The event's domain.
    pub domain: String,
    /// The event's type.
    pub r#type: String,
    /// The event's attributes.
    #[serde(default)]
    pub attributes: Object,
    /// When to answer.
    #[serde(default)]
    pub wait: Wait,
}

/// When a raised event is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// As soon as it is durable.
    Accepted,
    /// When what its rules did is durable.
    #[default]
    Outcome,
}

fn an_hour() -> u64 {
    3600
}

fn one() -> u32 {
    1
}

fn ten_seconds_ms() -> u64 {
    10_000
}
