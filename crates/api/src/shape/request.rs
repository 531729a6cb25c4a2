//! What is sent. A member that is not known is an error.

use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize};
use stratus_capability as capability;
use stratus_pen::Bearer;
use utoipa::ToSchema;

use super::Object;

/// `POST /api/v1/channels`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeChannel {
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Events that may come in, such as `schedule:inquiry` or `twilio:*`. None at first.
    #[serde(default)]
    pub events: Vec<String>,
    /// Events that may not, whatever is allowed.
    #[serde(default)]
    pub events_denied: Vec<String>,
    /// Queries that may be asked, `ruleset:name` or with `*`. None at first.
    #[serde(default)]
    pub queries: Vec<String>,
    /// Queries that may not, whatever is allowed.
    #[serde(default)]
    pub queries_denied: Vec<String>,
    /// For whom its ECI is enough.
    #[serde(default)]
    pub legacy: Legacy,
    /// How fast events may come in; without limit if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// `PATCH /api/v1/channels/{eci}`: what is not said stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeChannel {
    /// Words to find it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// A shut channel lets nothing in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Events that may come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Events that may not, whatever is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_denied: Option<Vec<String>>,
    /// Queries that may be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<Vec<String>>,
    /// Queries that may not, whatever is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries_denied: Option<Vec<String>>,
    /// For whom its ECI is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy: Option<Legacy>,
    /// How fast events may come in; `null` is without limit.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "null_is_said"
    )]
    #[schema(value_type = Option<Rate>)]
    pub rate: Option<Option<Rate>>,
}

/// How fast events may come in: a bucket of `burst` that fills again by `per_minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// At most so many in a minute, for long.
    #[schema(value_type = u32, minimum = 1)]
    pub per_minute: NonZeroU32,
    /// At most so many at once.
    #[schema(value_type = u32, minimum = 1)]
    pub burst: NonZeroU32,
}

impl Rate {
    /// None is a rate that lets in nothing, for which a channel is shut.
    pub(crate) fn new(rate: capability::Rate) -> Option<Self> {
        Some(Self {
            per_minute: NonZeroU32::new(rate.per_minute)?,
            burst: NonZeroU32::new(rate.burst)?,
        })
    }

    pub(crate) fn rate(self) -> capability::Rate {
        capability::Rate {
            burst: self.burst.get(),
            per_minute: self.per_minute.get(),
        }
    }
}

/// For whom it is enough to know a channel's ECI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// As soon as it is durable.
    Accepted,
    /// When what its rules did is durable.
    #[default]
    Outcome,
}

/// Tells `null` from what is not said at all.
#[expect(clippy::option_option, reason = "there are these three cases")]
fn null_is_said<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Option<Rate>>, D::Error> {
    Option::deserialize(reader).map(Some)
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
