//! The node, the PEN, and what its owner changes in it.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use stratus_engine::{Command, Reply};

use super::{Answer, COMMAND_WAIT, unexpected};
use crate::{Site, login::Owner, problem::Refusal, shape};

pub(super) async fn status(State(site): State<Arc<Site>>, owner: Owner) -> Answer<shape::Status> {
    match site.desk.ask(Command::Status, COMMAND_WAIT).await? {
        Reply::Status {
            node,
            addresses,
            pens,
            mut connected,
        } => {
            // Which nodes are connected tells of the partners of others.
            connected.retain(|_| owner.is_operator());
            Ok(Json(shape::Status {
                node: node.to_string(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                addresses,
                pens: pens
                    .into_iter()
                    .filter(|pen| pen.id == owner.root)
                    .map(shape::StatusPen::new)
                    .collect(),
                pen: owner.root.to_string(),
                owner_channel: owner.channel.to_string(),
                connected: connected.iter().map(ToString::to_string).collect(),
            }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn list(State(site): State<Arc<Site>>, owner: Owner) -> Answer<shape::Pen> {
    let command = Command::List { pen: owner.pen };
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Listing(listing) => Ok(Json(shape::Pen::new(owner.pen, *listing))),
        other => Err(unexpected(&other)),
    }
}

/// The answer without content.
pub(super) fn done(reply: &Reply) -> Result<StatusCode, Refusal> {
    match reply {
        Reply::Done => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(other)),
    }
}
