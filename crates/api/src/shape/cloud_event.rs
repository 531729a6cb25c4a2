//! Entries of the journal as events of the CNCF's `CloudEvents` 1.0.

use serde::{Deserialize, Serialize};
use stratus_engine::journal::Entry;
use stratus_event::PenId;
use utoipa::ToSchema;

use super::Object;
use crate::map_to_json;

/// An accepted event of a PEN (`CloudEvents` 1.0, JSON format). Names of context attributes are
/// lower-case letters and digits, those that are not known are left out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The event's id.
    pub id: String,
    /// The PEN, as `urn:stratus:pen:` and its id.
    pub source: String,
    /// Its domain and its type, such as `door.opened`.
    pub r#type: String,
    /// When it happened.
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// Its domain alone (extension).
    pub krldomain: String,
    /// Its type alone (extension).
    pub krltype: String,
    /// Its place in the journal, in digits that sort like numbers (extension `sequence`).
    pub sequence: String,
    /// The event that is its cause (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krlcause: Option<String>,
    /// The channel by which it came (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krlchannel: Option<String>,
    /// Its attributes.
    pub data: Object,
}

impl CloudEvent {
    pub(crate) fn new(pen: PenId, entry: &Entry) -> Self {
        let event = &entry.accepted.event;
        let channel = entry.accepted.channel;
        Self {
            specversion: "1.0".to_owned(),
            id: event.id.to_string(),
            source: format!("urn:stratus:pen:{pen}"),
            r#type: format!("{}.{}", event.domain, event.kind),
            time: event.time.to_string(),
            datacontenttype: "application/json".to_owned(),
            krldomain: event.domain.to_string(),
            krltype: event.kind.to_string(),
            sequence: format!("{:020}", entry.position),
            krlcause: event.cause.map(|cause| cause.to_string()),
            krlchannel: channel.map(|eci| eci.to_string()),
            data: map_to_json(&event.attributes),
        }
    }
}
