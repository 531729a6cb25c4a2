//! Events in, queries answered.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::Value as AnyJson;
use stratus_engine::{AccountCommand, Command, Door, Reply, Wait};
use stratus_event::{Eci, Fault};

use super::{Answer, COMMAND_WAIT, pen::done, unexpected};
use crate::{
    Site,
    input::{Body, eci, name},
    login::Owner,
    map_from_json,
    problem::Refusal,
    shape, to_json,
};

pub(super) async fn raise(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::Raise>,
) -> Answer<shape::Raised> {
    let command = raise_command(&owner, &wanted)?;
    if let Some(channel) = &wanted.eci {
        check_channel(&site, &owner, eci(channel)?).await?;
    }
    ask_raise(&site, command).await.map(Json)
}

/// An owner's events come in by the channels of her own PEN only.
async fn check_channel(site: &Site, owner: &Owner, channel: Eci) -> Result<(), Refusal> {
    let pen = owner.pen;
    let command = Command::Account(AccountCommand::Holds { pen, channel });
    done(&site.desk.ask(command, COMMAND_WAIT).await?).map(drop)
}

/// Raises an event.
pub(super) async fn ask_raise(site: &Site, command: Command) -> Result<shape::Raised, Refusal> {
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Raised {
            event,
            position,
            directives,
            duplicate,
        } => Ok(shape::Raised::new(event, position, duplicate, directives)),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn query(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::Query>,
) -> Answer<AnyJson> {
    let command = Command::Query {
        pen: owner.pen,
        rid: name(&wanted.rid)?,
        name: name(&wanted.name)?,
        arguments: map_from_json(&wanted.arguments)?,
    };
    ask_query(&site, command).await.map(Json)
}

/// Asks a ruleset.
pub(super) async fn ask_query(site: &Site, command: Command) -> Result<AnyJson, Refusal> {
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Value(value) => Ok(to_json(&value)),
        other => Err(unexpected(&other)),
    }
}

fn raise_command(owner: &Owner, wanted: &shape::Raise) -> Result<Command, Fault> {
    Ok(Command::Raise {
        channel: wanted.eci.as_deref().map_or(Ok(owner.channel), eci)?,
        door: Door::Owner,
        domain: name(&wanted.domain)?,
        kind: name(&wanted.r#type)?,
        attributes: map_from_json(&wanted.attributes)?,
        external_id: None,
        wait: match wanted.wait {
            shape::Wait::Accepted => Wait::Accepted,
            shape::Wait::Outcome => Wait::Outcome,
        },
    })
}
