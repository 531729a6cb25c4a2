//! Why an event did what it did.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, journal::reading};
use crate::{Site, input::Asked, login::Owner, shape};

/// The part of an address that names an event.
#[derive(Debug, Deserialize)]
pub(super) struct OfEvent {
    event: String,
}

/// What is asked about an event.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Only about this rule: `rule`, or `rid/rule`.
    rule: Option<String>,
}

pub(super) async fn tell(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(OfEvent { event }): Path<OfEvent>,
    Asked(wanted): Asked<Wanted>,
) -> Answer<shape::Why> {
    let told = reading(&site, owner.pen, move |archive, pen| {
        crate::why(archive, pen, &event, wanted.rule.as_deref())
    });
    Ok(Json(told.await?))
}
