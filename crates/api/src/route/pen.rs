//! The node, the PEN, and what its owner changes in it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use stratus_engine::{Command, Reply};

use super::{Answer, COMMAND_WAIT, unexpected};
use crate::{
    Site,
    input::{Body, name},
    problem::Refusal,
    shape,
};

pub(super) async fn status(State(site): State<Arc<Site>>) -> Answer<shape::Status> {
    match site.desk.ask(Command::Status, COMMAND_WAIT).await? {
        Reply::Status {
            node,
            addresses,
            pens,
            connected,
        } => Ok(Json(shape::Status {
            node: node.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            addresses,
            pens: pens.into_iter().map(shape::StatusPen::new).collect(),
            pen: site.pen.to_string(),
            owner_channel: site.owner_channel.to_string(),
            connected: connected.iter().map(ToString::to_string).collect(),
        })),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn list(State(site): State<Arc<Site>>) -> Answer<shape::Pen> {
    match site
        .desk
        .ask(Command::List { pen: site.pen }, COMMAND_WAIT)
        .await?
    {
        Reply::Listing(listing) => Ok(Json(shape::Pen::new(site.pen, *listing))),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn install(
    State(site): State<Arc<Site>>,
    Body(wanted): Body<shape::Install>,
) -> Answer<shape::Installed> {
    let command = Command::Install {
        pen: site.pen,
        source: wanted.source,
    };
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Ruleset {
            rid,
            rules,
            replaced,
        } => Ok(Json(shape::Installed {
            rid: rid.to_string(),
            rules: rules.iter().map(ToString::to_string).collect(),
            replaced,
        })),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn uninstall(
    State(site): State<Arc<Site>>,
    Path(rid): Path<String>,
) -> Result<StatusCode, Refusal> {
    let command = Command::Uninstall {
        pen: site.pen,
        rid: name(&rid)?,
    };
    done(&site.desk.ask(command, COMMAND_WAIT).await?)
}

/// The answer without content.
pub(super) fn done(reply: &Reply) -> Result<StatusCode, Refusal> {
    match reply {
        Reply::Done => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(other)),
    }
}
